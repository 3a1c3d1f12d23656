"""A case with a mistake is broken: it does not run, and counts neither as passed nor as failed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from answerby.cli.test.run import Format, Options
from answerby.cli.test.run import test_rules as run_tests
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suite_texts, load_suites
from tests.kit.rulebooks import OFFICE, compiled, write

START = 'now: "2026-03-02T10:00:00+08:00"\n'
GOOD = "  - {name: good, given: {channel: web}, expect: {priority: P2}}\n"
EXAMPLES = Path(__file__).parent / "broken_tests"


@pytest.fixture(scope="module")
def rulebook():
    return compiled(OFFICE)


@pytest.fixture
def load(rulebook, tmp_path):
    def load_files(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        suites = load_suites(rulebook, tmp_path)
        return [located.case.name for located in suites.cases], [(case.file, case.name) for case in suites.broken]

    return load_files


@pytest.mark.parametrize(
    "case",
    [
        "{name: bad, given: {chanel: web}, expect: {priority: P2}}",
        "{name: bad, given: {channel: fone}, expect: {priority: P2}}",
        "{name: bad, given: {channel: web}, expect: {priority: P2, prioirty: P2}}",
        "{name: bad, given: {channel: web}, expect: {priority: P2, decided_by: nobody}}",
        "{name: bad, given: {channel: web}, expect: {priority: P2}, then_after: {soon: {priority: P2}}}",
        "{name: bad, given: {channel: web}, expcet: {priority: P1}, expect: {priority: P2}}",
        "{name: bad, given: {channel: web, channel: phone}, expect: {priority: P2}}",
        "{name: bad, given: {use: nobody}, expect: {priority: P2}}",
        "{name: bad, given: {channel: web}}",
        "{name: bad, given: {channel: web}, expect: {}}",
        "{name: bad, given: {channel: web}, expect: {no_effects: false}}",
        "{name: bad, given: {channel: web}, expect: {priority: P2}, then_after: {}}",
        "{name: bad, expect: {priority: P2}}",
    ],
)
def test_a_case_with_a_mistake_is_broken_and_its_neighbours_run(load, case):
    assert load({"a_test.yaml": f"{START}cases:\n  - {case}\n{GOOD}"}) == (["good"], [("a_test.yaml", "bad")])


def test_a_name_that_is_there_twice_breaks_the_second(load):
    assert load({"a_test.yaml": f"{START}cases:\n{GOOD}{GOOD}"}) == (["good"], [("a_test.yaml", "good")])


@pytest.mark.parametrize("line", ["nwo: 3\n", "schedules: nobody\n", "now: soon\n"])
def test_a_mistake_outside_of_the_cases_breaks_all_of_the_file(load, line):
    start = "" if line.startswith("now") else START
    assert load({"a_test.yaml": f"{start}{line}cases:\n{GOOD}", "b_test.yaml": f"{START}cases:\n{GOOD}"}) == (
        ["good"],
        [("a_test.yaml", "good")],
    )


@pytest.mark.parametrize("text", ["cases: [", "", "- a list", f"{START}cases: []\n", f"{START}fixtures: {{}}\n"])
def test_a_file_without_a_case_that_can_be_read_counts_once(load, text):
    assert load({"a_test.yaml": text, "b_test.yaml": f"{START}cases:\n{GOOD}"}) == (["good"], [("a_test.yaml", "")])


def test_a_mistake_of_a_fixture_breaks_the_cases_that_use_it(load):
    uses = "  - {name: NAME, given: {use: NAME}, expect: {priority: P2}}\n"
    text = START + "cases:\n" + "".join(uses.replace("NAME", name) for name in ("right", "wrong", "through"))
    fixtures = "fixtures:\n  right: {channel: web}\n  wrong: {chanel: web}\n  through: {use: wrong, devices: 1}\n"
    expected = ["right"], [("sub/a_test.yaml", "wrong"), ("sub/a_test.yaml", "through")]

    assert load({"fixtures_test.yaml": fixtures, "sub/a_test.yaml": text}) == expected


def test_one_combination_with_a_mistake_breaks_itself_alone(load):
    text = START + 'cases:\n  - {name: by, matrix: {c: [web, fone]}, given: {channel: "{c}"}, expect: {priority: P2}}\n'

    assert load({"a_test.yaml": text}) == (["by [c=web]"], [("a_test.yaml", "by [c=fone]")])


def test_every_combination_of_an_entry_with_one_mistake_is_broken(load):
    text = (
        START + 'cases:\n  - {name: by, matrix: {n: [1, 2]}, given: {devices: "{n}", x: 1}, expect: {priority: P2}}\n'
    )

    assert load({"a_test.yaml": text}) == ([], [("a_test.yaml", "by [n=1]"), ("a_test.yaml", "by [n=2]")])


def test_every_mistake_of_the_examples_belongs_to_a_broken_case_and_none_to_one_that_runs(rulebook, tmp_path):
    for path in sorted(EXAMPLES.glob("*.txt")):
        for number, part in enumerate(path.read_text("utf-8").split("=== ")[1:]):
            folder = tmp_path / f"{path.stem}{number}"
            for file in part.partition(">>>\n")[0].split("@@ ")[1:]:
                name, _, text = file.partition("\n")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8")
            suites = load_suites(rulebook, folder)
            told = {mistake for case in suites.broken for mistake in case.mistakes}
            assert told == set(suites.diagnostics), part
            assert all(case.mistakes for case in suites.broken), part


def test_text_json_and_junit_give_the_same_counts(tmp_path, capsys):
    """Three broken (a case, a case that asserts nothing, a file), one failed, one passed."""
    folder = write(tmp_path / "rules", OFFICE)
    (folder / "a_test.yaml").write_text(
        f"{START}cases:\n{GOOD}"
        "  - {name: half read, given: {channel: web, chanel: web}, expect: {priority: P2}}\n"
        "  - {name: silent, given: {channel: web}}\n"
        "  - {name: wrong, given: {channel: web}, expect: {priority: P0}}\n",
        encoding="utf-8",
    )
    (folder / "b_test.yaml").write_bytes("now: 起火".encode("gbk"))
    junit = tmp_path / "report.xml"

    assert run_tests(folder, Options(junit=junit, coverage=True)) == 2
    text = capsys.readouterr().out
    assert run_tests(folder, Options(form=Format.JSON)) == 2
    data = json.loads(capsys.readouterr().out)
    root = ET.parse(junit).getroot()

    assert text.endswith("1 passed, 1 failed, 3 broken (not run, because of mistakes in test files)\n")
    for line in ("BROKEN a_test.yaml:4 half read", "BROKEN a_test.yaml:5 silent", "BROKEN b_test.yaml:1"):
        assert line in text.splitlines()
    assert (data["passed"], data["failed"], data["broken"], data["status"]) == (1, 1, 3, 2)
    assert [case["name"] for case in data["broken_cases"]] == ["half read", "silent", ""]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "1", "3")
    assert sum(case.find("error") is not None for case in root.iter("testcase")) == 3


def test_rules_that_cannot_be_used_are_an_error_in_the_junit_file(tmp_path, capsys):
    folder = write(tmp_path / "rules", {**OFFICE, "sla.yaml": "stage: ["})
    junit = tmp_path / "report.xml"
    junit.write_text("<testsuites tests='1' failures='0' errors='0'/>", encoding="utf-8")

    assert run_tests(folder, Options(junit=junit)) == 2
    root = ET.parse(junit).getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "1")
    assert "sla.yaml:" in root.find(".//error").text


def test_a_request_of_which_nothing_is_known_yet_is_a_difference(rulebook):
    text = (
        START
        + """cases:
  - name: too early
    events:
      - {request: a, facts: {channel: web}, expect: {requests: {b: {priority: P2}}}}
      - {request: b, facts: {channel: web}}
"""
    )
    (located,) = load_suite_texts(rulebook, [RuleText("a_test.yaml", text, "")]).cases
    outcome = run_case(RememberingSteps(rulebook), located)

    assert outcome.differences == ["event 1 (request.received): b: expected a request, got no event of it so far"]
