"""The findings for programs: JSON, SARIF and GitHub annotations."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from answerby.cli.check.report import Options, check
from answerby.rules.text.diagnostic_codes import Code
from tests.kit.places import HOWTO, ROOT

RIGHT = ROOT / "tests" / "unit" / "rules" / "base"
JUNE = "2026-06-15"
ALLOWED = "# answerby: allow unused-lexicon -- kept for the branch"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The right folder as ./my rules, with an error, a warning, a note, and a warning that is allowed."""
    monkeypatch.chdir(tmp_path)
    folder = Path("my rules")
    shutil.copytree(RIGHT, folder)
    (folder / "zz 100%, 规则.yaml").write_text(
        f'lexicons:\n  loud: [App, app]\n  {ALLOWED}\n  unused: [x]\ntemplates: {{note: {{en: "{{nothing}}"}}}}\n',
        "utf-8",
    )
    return folder


@pytest.fixture
def broken(folder) -> Path:
    (folder / "a.yaml").write_text(
        "stage: classification\nrules:\n"
        "  - {id: 投诉, because: x, when: {customer.teir: vip}, then: {category: inquiry}}\n",
        "utf-8",
    )
    return folder


def run(folder: Path, form: str, capsys, **options) -> str:
    check(folder, Options(form=form, on=JUNE, **options))
    return capsys.readouterr().out


def test_json_names_everything_that_a_program_needs(broken, capsys):
    report = json.loads(run(broken, "json", capsys))

    assert {key: report[key] for key in ("version", "path", "rules_folder", "accepted", "strict", "revision")} == {
        "version": 1,
        "path": "my rules",
        "rules_folder": "my rules",
        "accepted": False,
        "strict": False,
        "revision": None,
    }
    assert report["summary"] == {"errors": 1, "warnings": 2, "notes": 0, "allowed": 0}
    assert report["findings"][0] == {
        "code": "unknown-field",
        "severity": "error",
        "file": "my rules/a.yaml",
        "line": 3,
        "column": 33,
        "message": "there is no field customer.teir",
        "hint": "did you mean customer.tier?",
        "details": [],
        "source": "  - {id: 投诉, because: x, when: {customer.teir: vip}, then: {category: inquiry}}",
        "page": "service/docs/errors/conditions/unknown-field.md",
    }
    assert (ROOT / report["findings"][0]["page"]).is_file()


def test_json_of_rules_that_can_be_used_names_the_revision_and_what_is_allowed(folder, capsys):
    report = json.loads(run(folder, "json", capsys, strict=True))

    assert report["revision"].startswith("r-")
    assert report["accepted"] is False
    assert [(item["code"], item["line"], item["reason"]) for item in report["allowed"]] == [
        ("unused-lexicon", 4, "kept for the branch")
    ]
    assert {finding["severity"] for finding in report["findings"]} == {"warning", "note"}


def test_sarif_has_the_structure_of_the_standard(folder, capsys):
    """SARIF 2.1.0, sections 3.13 to 3.49, as far as it is used."""
    log = json.loads(run(folder, "sarif", capsys))

    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    (run_,) = log["runs"]
    assert set(run_) == {"tool", "invocations", "columnKind", "results"}
    assert run_["columnKind"] == "unicodeCodePoints"
    assert run_["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "answerby"
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) == {"id", "shortDescription", "help", "defaultConfiguration"}
        assert rule["id"] in {code.value for code in Code}
        assert rule["shortDescription"]["text"]
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}")
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
    for result in run_["results"]:
        assert set(result) - {"suppressions"} == {
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
        }
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == rules[result["ruleIndex"]]["defaultConfiguration"]["level"]
        assert isinstance(result["message"]["text"], str)
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert re.fullmatch(r"[\w.~%/-]+", physical["artifactLocation"]["uri"], re.ASCII)
        assert Path(unquote(physical["artifactLocation"]["uri"])).exists()
        assert physical["region"]["startLine"] >= 1
        assert physical["region"]["startColumn"] >= 1
    suppressed = [result for result in run_["results"] if "suppressions" in result]
    assert [result["suppressions"] for result in suppressed] == [
        [{"kind": "inSource", "status": "accepted", "justification": "kept for the branch"}]
    ]


def test_a_sarif_fingerprint_outlives_a_line_that_moves(folder, capsys):
    def fingerprints() -> dict[str, str]:
        results = json.loads(run(folder, "sarif", capsys))["runs"][0]["results"]
        return {r["ruleId"] + r["message"]["text"]: r["partialFingerprints"]["answerby/v1"] for r in results}

    before = fingerprints()
    for path in folder.glob("*.yaml"):
        path.write_text("# moved\n\n" + path.read_text("utf-8"), "utf-8")

    assert fingerprints() == before


def test_github_annotations_are_escaped(broken, capsys):
    printed = run(broken, "github", capsys).splitlines()

    assert printed[0] == (
        "::error file=my rules/a.yaml,line=3,col=33,title=unknown-field::"
        "there is no field customer.teir%0Adid you mean customer.tier?"
    )
    assert any(line.startswith("::warning file=my rules/zz 100%25%2C 规则.yaml,line=2,col=15,") for line in printed)
    assert all(line.startswith("::") for line in printed)


def test_github_says_notice_for_a_note(folder, capsys):
    printed = run(folder, "github", capsys)

    assert "::notice file=my rules/vocabulary.yaml,line=2,col=3,title=unused-field::" in printed


def test_nothing_found_is_nothing_for_github(folder, capsys):
    check(folder / "sla.yaml", Options(form="github", on=JUNE))

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("page", ["check.md", "check.zh.md"])
def test_every_key_of_the_json_is_documented(page, folder, capsys):
    report = json.loads(run(folder, "json", capsys))
    text = (HOWTO / page).read_text("utf-8")

    keys = {*report, *report["summary"], *report["findings"][0], *report["allowed"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


@pytest.mark.parametrize("page", ["check.md", "check.zh.md"])
def test_the_example_of_the_guide_is_what_is_printed(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(RIGHT, "rules")
    vip = Path("rules/priority/vip.yaml")
    vip.parent.mkdir()
    vip.write_text(
        "stage: priority\nrules:\n  - id: vip\n    because: x\n    when: {customer.teir: vip}\n    then: {priority: P0}\n"
    )

    printed = run(Path("rules"), "text", capsys).splitlines()

    example = (HOWTO / page).read_text("utf-8").split("\n\n    ", 2)[2].split("\n\n第")[0]
    example = example.split("\n\nThe first line")[0]
    assert printed == [line.removeprefix("    ") for line in example.splitlines()]
