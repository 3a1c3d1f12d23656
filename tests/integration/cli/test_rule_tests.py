"""`answerby test`: the formats, coverage, JUnit, and what each exit status means."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.kit import processes
from tests.kit.places import RULES
from tests.kit.rulebooks import OFFICE, write

SUITE = """
now: "2026-03-02T10:00:00+08:00"
cases:
  - {name: 起火 a fire, given: {text.body: 起火}, expect: {priority: P0}}
  - name: by tier
    matrix: {tier: [vip, standard]}
    given: {customer.tier: "{tier}"}
    expect: {priority: P1}
"""


def answerby_test(folder, *options):
    return processes.answerby("test", folder, *options)


@pytest.fixture
def rules(tmp_path):
    folder = write(tmp_path / "rules", OFFICE)
    (folder / "some_test.yaml").write_text(SUITE, encoding="utf-8")
    return folder


def test_the_shipped_rules_pass_their_tests():
    done = answerby_test(RULES)
    assert done.returncode == 0, done.stdout
    assert ", 0 failed" in done.stdout


def test_a_failing_case_is_shown_with_expected_actual_and_why(rules):
    done = answerby_test(rules)
    assert done.returncode == 1
    assert (
        "FAILED some_test.yaml:5 by tier [tier=standard]\n"
        "  priority: expected P1, got P2\n"
        "  | priority: priority=P2 (no rule matched, the default was taken)\n"
        "  | nearest: third-complaint [priority.yaml:5] gives priority P1, but it needs customer.complaints_24h >= 3 (is 0)\n"
    ) in done.stdout
    assert done.stdout.endswith(f"{rules}: 2 passed, 1 failed\n")


def test_a_failure_is_explained_in_chinese(rules):
    done = answerby_test(rules, "--language", "zh")
    assert "失败 some_test.yaml:5 by tier [tier=standard]\n  priority：期望 P1，实际 P2\n" in done.stdout
    assert "没有规则命中，取默认值" in done.stdout
    assert done.stdout.endswith("2 个通过，1 个失败\n")


def test_a_filter_chooses_by_file_and_name(rules):
    assert answerby_test(rules, "--filter", "A FIRE").stdout == f"{rules}: 1 passed, 0 failed\n"
    assert answerby_test(rules, "--filter", "some_test.yaml: by").stdout.endswith("1 passed, 1 failed\n")
    nobody = answerby_test(rules, "--filter", "no such case")
    assert (nobody.returncode, nobody.stdout) == (2, f"{rules}: no case is called so\n")


def test_status_2_says_that_nothing_could_be_tested(rules):
    (rules / "some_test.yaml").write_text(SUITE.replace("起火}", "起火, chanel: web}"), encoding="utf-8")
    mistaken = answerby_test(rules, "--filter", "a fire")
    assert mistaken.returncode == 2
    assert (
        "MISTAKE some_test.yaml:4:46 unknown-field there is no field chanel (did you mean channel?)" in mistaken.stdout
    )
    (rules / "some_test.yaml").unlink()
    none = answerby_test(rules)
    assert (none.returncode, none.stdout) == (2, f"{rules}: no *_test.yaml file\n")
    (rules / "sla.yaml").write_text("stage: [", encoding="utf-8")
    broken = answerby_test(rules)
    assert (broken.returncode, "sla.yaml:" in broken.stdout) == (2, True)
    assert answerby_test(rules, "--format", "xml").returncode == 2
    assert answerby_test(rules, "--language", "fr").returncode == 2


def test_coverage_names_what_no_case_decided_by(rules):
    done = answerby_test(rules, "--coverage")
    # Of 14 rules: danger, danger-p0, vip-p1, fast, normal, to-lab, alarm and, as every request lacks a name, name-needed;
    # a fire is a complaint, so order-needed.
    assert "coverage: 9 of 14 rules, rows and scores decided some case (64.2 %)" in done.stdout
    for line in (
        "  priority.yaml  2/4  50.0 %",
        "    priority.yaml:5 third-complaint  never matched",
        "    sla.yaml:5 stuck  never matched",
        "ladder steps: 0 of 2 fired",
        "  blocked: never started, never met, never breached",
    ):
        assert line in done.stdout.splitlines()
    assert "danger-p0" not in done.stdout


@pytest.mark.parametrize(("least", "status"), [("64.2", 0), ("64.3", 1), ("100", 1)])
def test_too_little_coverage_fails(rules, least, status):
    done = answerby_test(rules, "--fail-under", least, "--filter", "vip")
    assert done.returncode == 1
    (rules / "some_test.yaml").write_text(SUITE.replace("[vip, standard]", "[vip]"), encoding="utf-8")
    done = answerby_test(rules, "--fail-under", least)
    assert done.returncode == status
    assert (f"coverage 64.2 % is below {least} %" in done.stdout) == bool(status)


def test_a_rule_that_matches_but_never_decides_is_not_covered_one_on_trial_is(rules):
    (rules / "trial.yaml").write_text(
        """
stage: priority
rules:
  - {id: trial, because: maybe one day, mode: shadow, when: {customer.tier: vip}, then: {priority: P0}}
  - {id: second, because: says it again, rank: 200, when: {customer.tier: vip}, then: {priority: P1}}
  - {id: dated, because: that week only, enabled_from: 2026-05-01, when: {customer.tier: vip}, then: {priority: P0}}
""",
        encoding="utf-8",
    )
    done = answerby_test(rules, "--coverage")
    assert "  1 of them shadow rules (mode: shadow), for which a match counts" in done.stdout
    assert "    trial.yaml:5 second  matched, but never decided" in done.stdout
    assert re.search(r"trial.yaml:6 dated  never matched \(in force from 2026-05-01 00:00 \+0800", done.stdout)
    assert "trial.yaml:4" not in done.stdout


def test_json_holds_everything(rules):
    done = answerby_test(rules, "--format", "json", "--coverage")
    data = json.loads(done.stdout)
    assert (done.returncode, data["status"], data["passed"], data["failed"]) == (1, 1, 2, 1)
    failed = data["cases"][2]
    assert {key: failed[key] for key in ("file", "line", "name", "parameters", "passed")} == {
        "file": "some_test.yaml",
        "line": 5,
        "name": "by tier [tier=standard]",
        "parameters": {"tier": "standard"},
        "passed": False,
    }
    assert failed["differences"] == [{"when": "", "name": "priority", "expected": "P1", "actual": "P2"}]
    assert (data["coverage"]["covered"], data["coverage"]["all"], data["coverage"]["percent"]) == (9, 14, 64.2)
    never = [rule["id"] for rule in data["coverage"]["rules"] if rule["reach"] == "never matched"]
    assert never == ["complaint", "question", "third-complaint", "many-devices", "stuck"]
    assert [part["name"] for part in data["coverage"]["steps"]] == ["usual at 50%", "usual at 0m"]
    (rules / "sla.yaml").write_text("stage: [", encoding="utf-8")
    broken = json.loads(answerby_test(rules, "--format", "json").stdout)
    errors = [found["file"] for found in broken["diagnostics"] if found["severity"] == "error"]
    assert (broken["status"], errors) == (2, ["sla.yaml"])


def test_junit_is_valid_and_tells_why(rules, tmp_path):
    text = (
        SUITE.replace("起火 a fire", '"a \\u0001 fire <&>"')
        + "  - {name: typo, given: {devices: 1}, expect: {prioirty: P0}}\n"
    )
    (rules / "some_test.yaml").write_text(text, encoding="utf-8")
    done = answerby_test(rules, "--junit", str(tmp_path / "report.xml"))
    assert done.returncode == 2
    root = ET.parse(tmp_path / "report.xml").getroot()
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "4", "1", "1")
    (suite,) = root
    names = [case.get("name") for case in suite]
    assert names == [
        "a \ufffd fire <&>",
        "by tier [tier=vip]",
        "by tier [tier=standard]",
        "typo",
    ]
    assert all(float(case.get("time")) >= 0 for case in suite)
    failure = suite[2].find("failure")
    assert failure.get("message") == "priority: expected P1, got P2"
    assert "the default was taken" in failure.text
    assert "did you mean priority?" in suite[3].find("error").text
    assert answerby_test(rules, "--junit", str(tmp_path / "no" / "report.xml")).returncode == 2


def test_a_part_of_the_rules_is_tested_by_its_path(rules):
    deep = rules / "deep"
    deep.mkdir()
    (deep / "more.yaml").write_text(
        "stage: priority\nrules:\n  - {id: more, because: said so, when: {devices: 7}, then: {priority: P1}}\n",
        encoding="utf-8",
    )
    (deep / "more_test.yaml").write_text(
        'now: "2026-03-02T10:00:00+08:00"\ncases: [{name: seven, given: {devices: 7}, expect: {priority: P1}}]\n',
        encoding="utf-8",
    )
    done = answerby_test(deep, "--fail-under", "100")
    assert (done.returncode, done.stdout.splitlines()[:2]) == (
        0,
        ["coverage: 1 of 1 rules, rows and scores decided some case (100.0 %)", "  deep/more.yaml  1/1  100.0 %"],
    )
    assert answerby_test(rules / "some_test.yaml").stdout.endswith("2 passed, 1 failed\n")
    assert answerby_test(rules).stdout.endswith("3 passed, 1 failed\n")
    missing = answerby_test(rules / "nowhere")
    assert (missing.returncode, missing.stdout) == (2, f"{rules / 'nowhere'}: there is no such file or folder\n")


def test_two_runs_say_the_same(rules):
    first, second = (answerby_test(rules, "--coverage").stdout for _ in range(2))
    assert first == second
