"""The how-to of time, in both languages: every example loads, its rule tests pass, every key and choice is named."""

from __future__ import annotations

import re

import pytest

from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import LoadResult
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.sections.calendars import calendar, holiday_sources
from answerby.rules.sections.clocks import clock, ladder, ladder_step
from answerby.rules.sections.clocks.clock_kinds import KINDS
from answerby.workbench.rule_tests.runner import run_folder
from answerby.workbench.rule_tests.suite.loader import BadSuite
from tests.unit.docs.page import Page, content

PAGES = ["time.md", "time.zh.md"]
APART = {"id", "because", "description", "source", "label", "role", "task", "kind", "every", "at_most"}
"""Keys that explain themselves, or that the rule language explains."""


@pytest.fixture(params=PAGES)
def page(request) -> Page:
    return Page(request.param)


def rulebook(result: LoadResult) -> Rulebook:
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return result.rulebook


def test_the_files_of_the_page_are_one_rule_set(page):
    for block in page.blocks:
        assert "." in block.name or block.name == "then sla", block

    result = page.load()

    rulebook(result)
    assert [str(d) for d in result.diagnostics if d.severity != "note"] == []


def test_every_target_of_the_page_loads(page):
    items = [
        line.removeprefix("- ").split("  #")[0].rstrip()
        for block in page.blocks
        if block.name == "then sla"
        for line in block.text.splitlines()
    ]
    rules = "".join(f"  - {{id: o{n}, because: x, then: {item}}}\n" for n, item in enumerate(items))

    assert len(items) == 5
    rulebook(page.load(**{"outputs.yaml": f"stage: sla\nrules:\n{rules}"}))


def test_the_rule_tests_of_the_page_pass(page, tmp_path):
    for name, text in page.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    compiled = compile_rulebook(rulebook(page.load()), "reference")

    outcomes = list(run_folder(compiled, tmp_path))

    assert len(outcomes) == 6
    assert [str(o) for o in outcomes if isinstance(o, BadSuite) or o.differences] == []


def named() -> set[str]:
    """Every key of calendars, clocks and ladders, and what each may be."""
    keys = {*calendar.CALENDAR_KEYS, *holiday_sources.SOURCE_KEYS, *clock.CLOCK_KEYS, *KINDS}
    keys |= {*ladder.LADDER_KEYS, *ladder_step.STEP_KEYS, *ladder.QUIET_KEYS}
    keys |= {*ladder.AGAIN_KEYS, *ladder.QUIET_THEN}
    for choices in (clock.CLOCK_CHOICES, ladder.LADDER_CHOICES):
        keys |= {word for known in choices.values() for word in known}
    return keys - APART


@pytest.mark.parametrize("word", sorted(named()))
def test_every_key_and_choice_is_named(page, word):
    assert re.search(rf"(?<![\w]){word}(?![\w])", page.text)


def test_the_defaults_are_those_of_the_page():
    _, _, after = Page("time.md").text.partition("### Where products disagree")
    rows = re.findall(r"^\| `(\w+)`[^|]*\| `(\w+)`[:;]", after.partition("###")[0], re.MULTILINE)
    defaults = clock.PLAIN

    told = dict(rows)
    assert told.keys() == set(clock.CLOCK_CHOICES) - {"recurrence"}
    assert {key: getattr(defaults, key) for key in told} == told
    assert defaults.recurrence == "independent"


def test_both_languages_show_the_same_examples():
    english, chinese = (Page(name) for name in PAGES)

    assert [(b.language, b.name) for b in english.blocks] == [(b.language, b.name) for b in chinese.blocks]
    for ours, theirs in zip(english.blocks, chinese.blocks, strict=True):
        assert content(ours) == content(theirs), ours.name
