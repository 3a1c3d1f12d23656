"""The reference of the rule language, in both languages: every example in it loads, and does what the text says."""

from __future__ import annotations

import csv
import io
import re

import pytest

from answerby.domain.condition import Condition
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import LoadResult
from answerby.rules.model.rulebook import HitPolicy, Rulebook
from answerby.rules.model.score import Method
from answerby.rules.sections.rule_templates.parameters import ParameterType
from answerby.rules.sections.stages.operators import OPERATORS
from answerby.workbench.rule_tests.runner import run_folder
from answerby.workbench.rule_tests.suite.loader import BadSuite
from tests.unit.docs.page import Page, content

PAGES = ["rule-language.md", "rule-language.zh.md"]
CELL_ROW = re.compile(r"^\| `([^`]+)` \| (?:`([^`]*)`)? ?\| `(.*)` \|$", re.MULTILINE)


@pytest.fixture(params=PAGES)
def page(request) -> Page:
    return Page(request.param)


def rulebook(result: LoadResult) -> Rulebook:
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return result.rulebook


def test_every_fenced_block_is_an_example_that_is_loaded_here(page):
    assert len(page.files) > 20
    for block in page.blocks:
        assert block.language in {"yaml", "csv"}, block
        assert "." in block.name or block.name == "when" or block.name.startswith("then "), block


def test_the_files_of_the_page_are_one_rule_set(page):
    result = page.load()

    rulebook(result)
    assert [str(d) for d in result.diagnostics if d.severity != "note" and not d.code.startswith("unused-")] == []


def test_every_condition_of_the_page_loads(page):
    conditions = list(page.conditions())
    rules = "".join(
        f"  - id: c{number}\n    because: x\n    when:\n      all:\n        {item}\n    then: {{open_case: c{number}}}\n"
        for number, item in enumerate(conditions)
    )

    found = rulebook(page.load(**{"conditions.yaml": f"stage: escalation\nrules:\n{rules}"}))

    assert len(conditions) > 60
    assert len({r.id for r in found.stages[-1].rules} & {f"c{n}" for n in range(len(conditions))}) == len(conditions)


def test_the_page_shows_every_operator_of_every_type(page):
    fields = rulebook(page.load()).vocabulary
    shown = {
        (fields[field].type, operator)
        for item in page.conditions()
        for field, inside in re.findall(r"([\w.]+): \{(.*)\}", item)
        if field in fields
        for operator in re.findall(r"(?:^|\{|, )(\w+): ", inside)
    }

    numeric = {"decimal", "integer", "duration"}
    expected = {(kind, operator) for kind, operators in OPERATORS.items() for operator in operators}
    missing = {(kind, operator) for kind, operator in expected - shown if kind != "integer"}
    assert missing == set(), "integers share their heading with decimals and durations"
    assert {operator for kind, operator in shown if kind in numeric} >= OPERATORS[
        next(iter(OPERATORS.keys() & numeric))
    ]


def test_every_output_of_the_page_loads(page):
    for block in page.blocks:
        if block.name.startswith("then "):
            stage = block.name.removeprefix("then ")
            items = [line.removeprefix("- ") for line in block.text.splitlines() if line.startswith("- ")]
            rules = "".join(
                f"  - {{id: o{n}, because: x, then: {item}}}\n" for n, item in enumerate(split_comments(items))
            )

            rulebook(page.load(**{"outputs.yaml": f"stage: {stage}\nrules:\n{rules}"}))


def split_comments(items: list[str]) -> list[str]:
    return [item.split("  #")[0].rstrip() for item in items]


def test_a_cell_of_a_csv_table_means_what_the_page_says(page):
    rows = [
        (field, cell.replace(r"\|", "|"), yaml.replace(r"\|", "|")) for field, cell, yaml in CELL_ROW.findall(page.text)
    ]
    assert len(rows) > 20

    for field, cell, yaml in rows:
        table = f"stage: escalation\ntable: {{id: cell, because: x, inputs: [{field}], output: open_case"
        out = io.StringIO()
        csv.writer(out).writerows([[field, "open_case"], [cell, "x"]])
        in_csv = page.load(**{"cell.yaml": f"{table}, rows_from: cell.csv}}\n", "cell.csv": out.getvalue()})
        in_yaml = page.load(**{"cell.yaml": f"{table}, rows: [[{yaml}, x]]}}\n"})

        assert condition_of(in_csv) == condition_of(in_yaml), (field, cell)


def condition_of(result: LoadResult) -> Condition:
    return next(r.when for stage in rulebook(result).stages for r in stage.rules if r.id == "cell#1")


def test_the_rule_tests_of_the_page_pass(page, tmp_path):
    for name, text in page.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    compiled = compile_rulebook(rulebook(page.load()), "reference")

    outcomes = list(run_folder(compiled, tmp_path))

    assert len(outcomes) >= 4
    assert [str(o) for o in outcomes if isinstance(o, BadSuite)] == []
    assert [
        (o.located.case.name, o.differences) for o in outcomes if not isinstance(o, BadSuite) and o.differences
    ] == []


@pytest.mark.parametrize(
    "word", [*HitPolicy, *Method, *ParameterType, "shadow", "protected", "enabled_from", "until", "owner"]
)
def test_every_choice_of_the_language_is_named(page, word):
    assert re.search(rf"`(\w+: )?{word}[`:]", page.text)


def test_both_languages_show_the_same_examples():
    english, chinese = (Page(name) for name in PAGES)

    assert [(b.language, b.name) for b in english.blocks] == [(b.language, b.name) for b in chinese.blocks]
    assert CELL_ROW.findall(english.text) == CELL_ROW.findall(chinese.text)
    for ours, theirs in zip(english.blocks, chinese.blocks, strict=True):
        assert content(ours) == content(theirs), ours.name
