"""Runs the rule tests of a folder and prints the result."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import perf_counter

from answerby.cli.check.check_target import CannotCheck, CheckTarget, find_target
from answerby.cli.check.usable_rules import check_rules
from answerby.cli.fail import fail
from answerby.cli.test.accept import accept_moved
from answerby.cli.test.json_text import as_json, unusable
from answerby.cli.test.junit import JUnitUnwritable, write_junit, write_refusal
from answerby.cli.test.result import UNUSABLE, Result, coverage_within, run_suites
from answerby.cli.test.text import lines
from answerby.domain.errors import EngineLimit
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_rulebook
from answerby.rules.text.diagnostics import Diagnostic
from answerby.workbench.rule_tests.cases import LocatedCase
from answerby.workbench.rule_tests.suite.files import holds_fixtures
from answerby.workbench.rule_tests.suite.loader import load_suites


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `answerby test`."""

    coverage: bool = False
    fail_under: float | None = None
    """The least coverage in percent of rules and rows."""
    form: Format = Format.TEXT
    junit: Path | None = None
    chosen: str = ""
    """A part of `file: name`. Only cases with it run."""
    language: Language = Language.EN
    accept: bool = False
    """Whether expectations that moved are shown and taken over."""
    yes: bool = False
    """Whether they are taken over without a question."""


def options(
    coverage: bool,
    fail_under: float | None,
    form: str,
    junit: Path | None,
    chosen: str,
    language: str,
    *,
    accept: bool = False,
    yes: bool = False,
) -> Options:
    """The options of the command line. Ends the command for an unknown word."""
    if form not in tuple(Format):
        fail(f'--format is text or json, not "{form}"', UNUSABLE)
    if language not in tuple(Language):
        fail(f'--language is en or zh, not "{language}"', UNUSABLE)
    if yes and not accept:
        fail("--yes answers the question of --accept; say both", UNUSABLE)
    if accept and form == Format.JSON:
        fail("--accept shows in words what it takes over; leave out --format json", UNUSABLE)
    return Options(coverage, fail_under, Format(form), junit, chosen, Language(language), accept, yes)


def test_rules(path: Path, options: Options) -> int:
    """Runs the tests of a rules folder, or of a part of one, prints the result, and returns the exit status."""
    try:
        return _test_rules(path, options)
    except JUnitUnwritable as error:
        print(f"answerby: {error}", file=sys.stderr)
        return UNUSABLE


def _test_rules(path: Path, options: Options) -> int:
    """Raises JUnitUnwritable."""
    try:
        target = find_target(path)
    except CannotCheck as error:
        print(unusable(str(path), (), str(error)) if options.form is Format.JSON else error)
        return UNUSABLE
    folder = target.folder
    loaded = load_rulebook(folder)
    if loaded.rulebook is None:
        _write_refusal(options, folder, "the rules have errors", loaded.diagnostics)
        if options.form is Format.JSON:
            print(unusable(str(folder), loaded.diagnostics, "the rules have errors"))
        else:
            check_rules(folder)
        return UNUSABLE
    try:
        compiled = compile_rulebook(loaded.rulebook)
    except EngineLimit as error:
        _write_refusal(options, folder, error.message)
        print(unusable(str(folder), (), error.message) if options.form is Format.JSON else f"{folder}: {error.message}")
        return UNUSABLE
    result = run(compiled, target, options)
    if options.accept and result.failed and accept_moved(compiled, result, options.language.value, yes=options.yes):
        result = run(compiled, target, options)
    return publish(result, options)


def _write_refusal(options: Options, folder: Path, message: str, found: tuple[Diagnostic, ...] = ()) -> None:
    """Writes the JUnit file for rules that cannot be used, so that no older one is taken for the result."""
    if options.junit is not None:
        write_refusal(folder, message, found, options.junit)


def run(compiled: CompiledRulebook, target: CheckTarget, options: Options) -> Result:
    """Runs the chosen cases."""
    start = perf_counter()
    suites = load_suites(compiled, target.folder)
    substring = options.chosen.casefold()

    def is_chosen(located: LocatedCase) -> bool:
        return target.covers(located.file) and substring in f"{located.file}: {located.case.name}".casefold()

    def is_within(file: str) -> bool:
        return target.covers(file) or holds_fixtures(file)

    cases = tuple(run_suites(compiled, suites, is_chosen, options.language.value))
    measured = options.coverage or options.fail_under is not None
    return Result(
        folder=target.folder,
        revision=compiled.rulebook.revision,
        cases=cases,
        broken=tuple(case for case in suites.broken if is_within(case.file)),
        findings=tuple(found for found in suites.diagnostics if is_within(found.file)),
        seconds=perf_counter() - start,
        coverage=coverage_within(compiled, cases, target) if measured else None,
        fail_under=options.fail_under,
    )


def publish(result: Result, options: Options) -> int:
    """Prints the result, writes the JUnit file if there is one, and returns the exit status.

    Raises JUnitUnwritable.
    """
    if options.form is Format.JSON:
        print(as_json(result))
    else:
        for line in lines(result, options.language.value, filtered=bool(options.chosen)):
            print(line)
    if options.junit is not None:
        write_junit(result, options.junit)
    return result.status
