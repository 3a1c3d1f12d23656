"""Every mistake that the loader knows, each with the place where it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import error_count_text
from answerby.rules.text.severities import PROOF_CODES, severity_of
from tests.kit.places import ERRORS, ROOT

HERE = Path(__file__).parent


CHECKED_ON = date(2026, 11, 22)


class Case(NamedTuple):
    title: str
    files: dict[str, str | None]
    expected: list[str]


def read_cases() -> list[Case]:
    return [case for path in sorted((HERE / "broken").glob("*.txt")) for case in split(path)]


def split(path: Path) -> list[Case]:
    cases = []
    for part in path.read_text("utf-8").split("=== ")[1:]:
        title, _, body = part.partition("\n")
        given, _, expected = body.partition(">>>\n")
        files: dict[str, str | None] = {}
        for file in given.split("@@ ")[1:]:
            name, _, text = file.partition("\n")
            files[name] = text or None
        cases.append(Case(f"{path.stem}: {title}", files, sorted(expected.split("\n\n")[0].split("\n"))))
    return cases


CASES = read_cases()

TESTS = ROOT / "tests"
FOLDERS = (
    Code.FOLDER_MISSING,
    Code.FOLDER_EMPTY,
    Code.FOLDER_TOO_LARGE,
    Code.FILE_UNREADABLE,
    Code.FILE_TOO_LARGE,
    Code.FILE_ENCODING,
    Code.TOO_MANY_MISTAKES,
)
ELSEWHERE = {
    **dict.fromkeys(FOLDERS, "unit/rules/text/test_rule_folder.py"),
    **{code: "unit/workbench/rule_tests/broken_tests/*.txt" for code in Code if code.startswith("test-")},
    **dict.fromkeys(PROOF_CODES, "unit/workbench/proofs/**/*"),
    Code.ENGINE_LIMIT: "unit/cli/check/test_check.py",
    **{code: "unit/cli/check/test_webhook_mappings.py" for code in Code if code.startswith("mapping-")},
}
"""Codes of folders and bytes, of rule tests, of proofs and of the engine, and the tests that show their places."""


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_a_mistake_is_named_with_its_place(case, load):
    result = load(case.files, CHECKED_ON if case.title.startswith("authors:") else None)

    found = sorted(f"{d.file}:{d.line}:{d.column} {d.code}" for d in result.diagnostics)
    assert found == [line for line in case.expected if line], "\n".join(map(str, result.diagnostics))
    errors = [d for d in result.diagnostics if d.severity == "error"]
    assert (result.rulebook is None) == bool(errors)


def test_the_right_folder_has_no_mistakes(load):
    result = load()

    assert result.diagnostics == ()
    assert result.rulebook is not None


def test_every_code_has_a_broken_example():
    shown = {line.split()[1] for case in CASES for line in case.expected if line}

    assert shown == {code.value for code in Code} - {code.value for code in ELSEWHERE}


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
def test_a_code_without_a_case_here_has_one_elsewhere(code):
    texts = [path.read_text("utf-8") for path in TESTS.glob(ELSEWHERE[code]) if path.is_file()]

    assert any(code.value in text or f"Code.{code.name}" in text for text in texts)


def test_every_code_has_a_page_and_every_page_a_code():
    pages = sorted(ERRORS.glob("*/*.md"))

    assert sorted(page.stem for page in pages) == sorted(code.value for code in Code)
    contents = (ERRORS / "README.md").read_text("utf-8")
    assert all(f"]({page.parent.name}/{page.name})" in contents for page in pages)


@pytest.mark.parametrize("code", Code)
def test_a_page_says_what_to_avoid_and_what_to_prefer(code):
    (path,) = ERRORS.glob(f"*/{code}.md")
    page = path.read_text("utf-8")

    assert page.startswith(f"# {code}\n")
    for heading in ("## Avoid", "## Prefer", "## Rationale"):
        assert heading in page
    assert page.splitlines()[2].lower().startswith(severity_of(code).value)


@pytest.mark.parametrize(
    ("when", "hint"),
    [
        ("{customer.teir: vip}", "did you mean customer.tier?"),
        ("{tier: vip}", "did you mean customer.tier?"),
        ("{urgency: urgnet}", "did you mean urgent?"),
        ("{urgency: 3}", "known: normal, urgent"),
        ("{text: {mentions: saftey}}", "did you mean safety?"),
        ("{customer.complaints_24h: {atleast: 3}}", "did you mean at_least?"),
        ("{customer.id: {ends_with: .org}}", "write matches with $ at the end: {matches: '\\.org$'}"),
        ("{customer.id: {contains: org}}", "write matches, or mentions with a lexicon for a text: {matches: part}"),
        ("{customer.complaints_24h: {greater_than: 3}}", "write more_than"),
        ("{customer.since: {before: 2026-01-01}}", "write less_than"),
        ("{urgency: {not_in: [normal]}}", "write not with a list: {not: [a, b]}"),
        (
            '{customer.id: "{channel}"}',
            "conditions compare with values only; let events bring whether customer.id is channel as a fact of its own",
        ),
        ("{urgency: 1.10}", 'quote it: "1.10"'),
        ("{urgency: }", "write {is: missing} to ask whether it is missing"),
        ("{contract.active: yes}", 'write "yes" for the text, true for the boolean'),
        ("{customer.complaints_24h: 017}", 'write "017" in quotes if text is meant, a plain decimal number otherwise'),
    ],
)
def test_a_hint_says_what_to_write(load, when, hint):
    rule = f"stage: classification\nrules:\n- {{id: a, because: x, when: {when}, then: {{category: inquiry}}}}\n"

    result = load({"case.yaml": rule})

    assert hint in [d.hint for d in result.diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{clok}", "nothing fills in {clok} in a ladder step (did you mean clock?)"),
        ("{customer.id}", "customer.id is given by events; messages carry only what rules derive"),
    ],
)
def test_a_placeholder_that_nothing_fills_in_says_what_would(load, base, text, expected):
    result = load({"words.yaml": base["words.yaml"].replace("{number} is nearly", f"{text} is nearly")})

    (diagnostic,) = result.diagnostics
    assert (diagnostic.severity, diagnostic.code) == ("warning", "unknown-placeholder")
    assert expected in str(diagnostic)
    assert result.rulebook is not None


def test_a_diagnostic_reads_as_place_code_message_and_hint(load):
    rule = (
        "stage: classification\nrules:\n- {id: a, because: x, when: {customer.teir: vip}, then: {category: inquiry}}\n"
    )

    (diagnostic,) = load({"case.yaml": rule}).diagnostics

    assert str(diagnostic) == (
        "case.yaml:3:30 unknown-field there is no field customer.teir (did you mean customer.tier?)"
    )


def test_one_load_finds_the_mistakes_of_all_files(load):
    result = load({"a.yaml": "stage: x\n", "b.yaml": "lexicons: [", "c.yaml": "# nothing\n", "d.yaml": "fields: 3\n"})

    assert {d.file for d in result.diagnostics} == {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}


def test_one_error_is_one_error():
    assert [error_count_text(1), error_count_text(2)] == ["1 error", "2 errors, the first"]
