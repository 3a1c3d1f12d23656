"""`answerby check`: what it prints, and with which status it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from answerby.cli.check.report import ACCEPTED, NOT_RUN, REFUSED, Options, check, explain
from answerby.engine.matching import envelope
from answerby.rules.text.diagnostic_codes import Code
from tests.kit.places import ERRORS, ROOT

HERE = Path(__file__).parent
BROKEN = HERE / "broken"
DAYS = {"everyday": "2026-06-15", "questionable": "2026-11-22"}
"""The days on which the folders are checked."""
RIGHT = ROOT / "tests" / "unit" / "rules" / "base"
JUNE = "2026-06-15"


@pytest.fixture
def in_broken(monkeypatch):
    monkeypatch.chdir(BROKEN)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the right folder, as ./rules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    shutil.copytree(RIGHT, tmp_path / "rules")
    return Path("rules")


def spoil(folder: Path, text: str, name: str = "zz.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


TYPO = (
    "stage: classification\nrules:\n  - {id: typo, because: x, when: {customer.teir: vip}, then: {category: inquiry}}\n"
)


@pytest.mark.parametrize("name", DAYS)
def test_the_whole_report_on_a_broken_folder(name, in_broken, capsys):
    """To take over a change that is right: cd tests/unit/cli/broken; answerby check NAME --on DAY > NAME.txt.

    The revision in it is written as zeros.
    """
    status = check(Path(name), Options(on=DAYS[name]))

    assert status == REFUSED
    printed = re.sub("revision r-[0-9a-f]{16}", "revision r-0000000000000000", capsys.readouterr().out)
    assert printed.splitlines() == (BROKEN / f"{name}.txt").read_text("utf-8").splitlines()


def test_the_broken_folder_holds_sixty_kinds_of_mistakes_each_with_a_remedy(in_broken, capsys):
    check(Path("everyday"), Options(form="json", on=DAYS["everyday"]))

    findings = json.loads(capsys.readouterr().out)["findings"]
    assert len({finding["code"] for finding in findings}) >= 60
    assert [f"{f['file']}:{f['line']} {f['message']}" for f in findings if not f["hint"]] == []


@pytest.mark.parametrize("rules", ["rules", "rules/examples/servicenow"])
def test_the_shipped_rules_are_accepted_even_when_strict(rules, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    assert check(Path(rules), Options(strict=True, on=JUNE)) == ACCEPTED, capsys.readouterr().out


def test_warnings_refuse_only_when_strict(folder, capsys):
    spoil(folder, "lexicons: {words: [app, App]}\n")

    assert check(folder, Options(on=JUNE)) == ACCEPTED
    assert check(folder, Options(on=JUNE, strict=True)) == REFUSED


def test_notes_never_refuse(folder, capsys):
    (folder / "rulebook.yaml").write_text(
        (folder / "rulebook.yaml").read_text("utf-8").replace(", service-specialist: 客服专员 Service specialist", "")
    )
    spoil(folder, "stage: routing\nrules:\n  - {id: who, because: x, then: {role: duty-manager}}\n")

    status = check(folder, Options(on=JUNE, strict=True))

    printed = capsys.readouterr().out
    assert "unused-field note: no rule reads channel" in printed
    assert status == ACCEPTED


def test_the_day_decides_whether_a_calendar_is_out_of_date(folder, capsys):
    assert check(folder, Options(on="2027-01-01", form="json")) == REFUSED
    assert "calendar-without-year" in capsys.readouterr().out
    assert check(folder, Options(on="2026-01-01", form="json")) == ACCEPTED
    assert "calendar-" not in capsys.readouterr().out


def test_one_file_shows_only_its_own_findings(folder, capsys):
    path = spoil(folder, TYPO, "classification/more.yaml")
    spoil(folder, TYPO, "other.yaml")

    assert check(path, Options(on=JUNE)) == REFUSED
    printed = capsys.readouterr().out
    assert "rules/classification/more.yaml:3:35 unknown-field" in printed
    assert "other.yaml" not in printed.replace("the rule typo is already in classification/more.yaml:3", "")


def test_a_right_file_among_wrong_ones_is_accepted_and_says_so(folder, capsys):
    spoil(folder, TYPO)

    assert check(folder / "times.yaml", Options(on=JUNE)) == ACCEPTED
    assert "rules/times.yaml: no findings; but the rules are refused" in capsys.readouterr().out


def test_a_folder_within_the_rules_is_a_part_of_them(folder, capsys):
    spoil(folder, TYPO, "classification/deep/more.yaml")

    assert check(folder / "classification", Options(on=JUNE)) == REFUSED
    assert "rules/classification/deep/more.yaml:3:35 unknown-field" in capsys.readouterr().out


def test_a_folder_may_be_named_that_holds_the_part(folder, capsys):
    path = spoil(folder, TYPO, "more/zz.yaml")
    spoil(folder, "fields: {note: {type: text}}\n", "more/fields.yaml")

    assert check(path, Options(on=JUNE, rules=folder)) == REFUSED
    assert "did you mean customer.tier?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "nowhere: there is no such file or folder"),
        ("rules/README.md", "rules/README.md: not a rule file"),
    ],
)
def test_what_cannot_be_checked_is_status_2(folder, capsys, path, said):
    spoil(folder, "# Rules\n", "README.md")

    assert check(Path(path), Options(on=JUNE)) == NOT_RUN
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("options", [Options(form="xml"), Options(on="tomorrow"), Options(rules=Path("nowhere"))])
def test_options_that_mean_nothing_are_status_2(folder, capsys, options):
    assert check(folder, options) == NOT_RUN
    assert capsys.readouterr().err.startswith("answerby: ")


def test_an_empty_folder_is_refused(tmp_path, capsys):
    assert check(tmp_path, Options()) == REFUSED
    assert "folder-empty" in capsys.readouterr().out


def test_what_the_engine_cannot_hold_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setattr(envelope, "RULES_PER_RULESET", 2)  # 4,001 rules take long to write down

    status = check(folder, Options(on=JUNE, proofs=False))

    part = check(folder / "sla.yaml", Options(on=JUNE, proofs=False))

    assert (status, part) == (REFUSED, ACCEPTED)
    assert "rules:1:1 engine-limit error: stage priority: 4 conjunctions, the engine takes 2" in capsys.readouterr().out


def test_mistakes_in_rule_tests_are_found_too(folder, capsys):
    spoil(folder, "cases:\n  - name: a\n    given: {chanel: web}\n    expect: {category: inquiry}\n", "a_test.yaml")

    assert check(folder / "a_test.yaml", Options(on=JUNE)) == REFUSED
    assert "rules/a_test.yaml:3:13 unknown-field error: there is no field chanel" in capsys.readouterr().out


def test_proofs_can_be_left_out_and_allowed(folder, capsys):
    table = (
        "stage: priority\ntable:\n  id: t\n  because: x\n  inputs: [urgency]\n  output: priority\n  rows:\n"
        "    - [any, P1]\n    {}- [urgent, P0]\n"
    )
    spoil(folder, table.format(""))
    check(folder, Options(on=JUNE))
    proved = capsys.readouterr().out
    check(folder, Options(on=JUNE, proofs=False))
    unproved = capsys.readouterr().out
    spoil(folder, table.format("# answerby: allow shadowed-rule -- to be moved up next week\n    "))
    check(folder, Options(on=JUNE))
    allowed = capsys.readouterr().out

    assert "rules/zz.yaml:9:1 shadowed-rule warning: t#2" in proved
    assert "for example:" in proved
    assert "shadowed-rule" not in unproved
    assert "shadowed-rule" not in allowed
    assert "1 allowed" in allowed


def test_a_suppression_of_a_proof_is_not_judged_without_the_proofs(folder, capsys):
    spoil(
        folder,
        "stage: routing\nrules:\n  # answerby: allow conflict -- x\n  - {id: w, because: x, then: {role: duty-manager}}\n",
    )

    check(folder, Options(on=JUNE, proofs=False))
    unproved = capsys.readouterr().out
    check(folder, Options(on=JUNE))

    assert "unused-suppression" not in unproved
    assert "rules/zz.yaml:3:3 unused-suppression" in capsys.readouterr().out


def test_the_page_of_a_code_can_be_printed(capsys):
    assert explain("yaml-trap") == ACCEPTED

    assert capsys.readouterr().out == (ERRORS / "yaml" / "yaml-trap.md").read_text("utf-8")


def test_a_page_that_there_is_not(capsys):
    assert explain("unknown-feild") == NOT_RUN
    assert capsys.readouterr().err == "answerby: there is no code unknown-feild; did you mean unknown-field?\n"


def test_all_codes_are_listed(capsys):
    assert explain("all") == ACCEPTED

    printed = capsys.readouterr().out
    assert all(f"[{code}]" in printed for code in Code)


def test_colours_only_where_they_are_wanted(folder, capsys, monkeypatch):
    spoil(folder, TYPO)

    def printed() -> str:
        check(folder, Options(on=JUNE))
        return capsys.readouterr().out

    assert "\x1b" not in printed()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31merror:\x1b[0m" in printed()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed()


def test_a_name_of_a_file_cannot_command_the_terminal(folder, capsys):
    name = "odd\x1b[31m.yaml"
    spoil(folder, TYPO.replace("typo", "typo\u202e"), name)

    check(folder, Options(on=JUNE))

    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "odd\\u{1b}[31m.yaml" in printed


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_finding(folder, capsys):
    spoil(folder, TYPO).chmod(0)

    assert check(folder, Options(on=JUNE)) == REFUSED
    assert "file-unreadable" in capsys.readouterr().out


AGES = """rulebook: {stages: {classification: {on_error: {out: a}}}}
fields:
  age: {type: decimal}
  out: {type: string, derived_by: classification}
"""
TABLE = """stage: classification
table:
  id: t
  because: x
  inputs: [age]
  output: out
  rows:
%s    - [{less_than: 18}, a]
    - [{at_least: 20}, b]
"""
LACKING = "    # answerby: allow gap -- a request without an age has no answer\n"
GIVEN = "    # answerby: allow gap where age: 18 to 20 -- nobody is of that age\n"


@pytest.mark.parametrize(
    ("fields", "comments", "left"),
    [
        (AGES, "", ["gap where age: 18 to 20", "gap where age: missing"]),
        (AGES, LACKING, ["gap where age: 18 to 20"]),
        (AGES, GIVEN, ["gap where age: missing"]),
        (AGES, LACKING + GIVEN, []),
        (AGES, GIVEN.replace("20", "30"), ["gap where age: 18 to 20", "gap where age: missing", "unused-suppression"]),
        (AGES.replace("decimal", "decimal, always: true"), LACKING, ["gap where age: 18 to 20", "unused-suppression"]),
        (AGES.replace("decimal", "decimal, always: true, min: 20"), "", []),
    ],
)
def test_allowing_one_gap_hides_no_other(tmp_path, capsys, fields, comments, left):
    (tmp_path / "fields.yaml").write_text(fields, encoding="utf-8")
    (tmp_path / "t.yaml").write_text(TABLE % comments, encoding="utf-8")
    status = check(tmp_path, Options(strict=True, form="json"))
    found = json.loads(capsys.readouterr().out)["findings"]
    names = [
        f"gap where {f['message'].partition(' where ')[2].partition(',')[0]}" if f["code"] == "gap" else f["code"]
        for f in found
        if f["code"] != "unreachable-rule"
    ]
    assert sorted(names) == left
    assert status == (REFUSED if left or "min: 20" in fields else ACCEPTED)
