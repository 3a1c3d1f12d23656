"""The result of a run of rule tests. Every format is written from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from answerby.cli.check.check_target import CheckTarget
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.diagnostics import Diagnostic
from answerby.workbench.rule_tests.cases import BrokenCase, LocatedCase
from answerby.workbench.rule_tests.coverage import Coverage, coverage_of
from answerby.workbench.rule_tests.runner import Outcome, run_case
from answerby.workbench.rule_tests.suite.loader import Suites

PASSED, FAILED, UNUSABLE = 0, 1, 2
"""Exit statuses: all cases passed; a case failed or the coverage is too low; the tests could not be run as they are."""


@dataclass(frozen=True, slots=True)
class TimedOutcome:
    """The outcome of a case, and its duration in seconds."""

    outcome: Outcome
    seconds: float

    @property
    def failed(self) -> bool:
        return bool(self.outcome.differences)


@dataclass(frozen=True, slots=True)
class Result:
    """One run of rule tests."""

    folder: Path
    revision: str
    cases: tuple[TimedOutcome, ...]
    """The cases that ran."""
    broken: tuple[BrokenCase, ...]
    """The cases with a mistake and the files that could not be read. They did not run."""
    findings: tuple[Diagnostic, ...]
    """The findings in the test files, warnings included."""
    seconds: float
    coverage: Coverage | None = None
    fail_under: float | None = None

    @property
    def passed(self) -> int:
        return len(self.cases) - self.failed

    @property
    def failed(self) -> int:
        return sum(case.failed for case in self.cases)

    @property
    def too_little_covered(self) -> bool:
        return self.fail_under is not None and self.coverage is not None and self.coverage.percent < self.fail_under

    @property
    def status(self) -> int:
        if self.broken or not self.cases:
            return UNUSABLE
        return FAILED if self.failed or self.too_little_covered else PASSED


def run_suites(
    compiled: CompiledRulebook,
    suites: Suites,
    chosen: Callable[[LocatedCase], bool],
    language: str,
) -> Iterator[TimedOutcome]:
    """Runs the chosen cases, in order."""
    steps = RememberingSteps(compiled)
    for located in suites.cases:
        if chosen(located):
            start = perf_counter()
            outcome = run_case(steps, located, language)
            yield TimedOutcome(outcome, perf_counter() - start)


def coverage_within(compiled: CompiledRulebook, cases: Iterable[TimedOutcome], target: CheckTarget) -> Coverage:
    """The coverage by the cases. For a folder within the rules it counts only the rules of that folder."""
    coverage = coverage_of(compiled.rulebook, (case.outcome.trace for case in cases))
    if not target.part or (target.folder / target.part).is_file():
        return coverage
    return replace(coverage, rules=tuple(rule for rule in coverage.rules if target.covers(rule.file)))
