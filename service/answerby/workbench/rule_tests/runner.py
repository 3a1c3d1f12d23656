"""Runs rule tests: applies the events of a case, fires its timers, and compares its expectations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from answerby.domain.errors import AnswerbyError
from answerby.engine.clocks.virtual_clock import TIMER_LIMIT
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.steps import RememberingSteps
from answerby.workbench.rule_tests.case_run import CaseRun, TooManyTimers
from answerby.workbench.rule_tests.cases import Case, LocatedCase
from answerby.workbench.rule_tests.checks.difference import Check, Difference
from answerby.workbench.rule_tests.failure_text import failure_text, ledger, sentence
from answerby.workbench.rule_tests.snapshot import RequestSnapshot
from answerby.workbench.rule_tests.suite.loader import BadSuite, load_suites
from answerby.workbench.rule_tests.trace import Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one case. It passed when there are no differences."""

    located: LocatedCase
    differences: list[str]
    """The differences in words."""
    why: str
    """The explanation of the decisions concerned; empty when the case passed."""
    details: tuple[Difference, ...] = ()
    """The differences as data, in the same order."""
    ledgers: tuple[str, ...] = ()
    """How the due time of each difference about one came about, in the same order; empty for other differences."""
    trace: Trace = field(default_factory=Trace)


def run_folder(compiled: CompiledRulebook, folder: Path, language: str = "en") -> Iterator[Outcome | BadSuite]:
    """The mistakes of all test files below the folder, then the outcome of every case, by file and line."""
    suites = load_suites(compiled, folder)
    yield from (BadSuite(diagnostic) for diagnostic in suites.diagnostics)
    steps = RememberingSteps(compiled)
    yield from (run_case(steps, located, language) for located in suites.cases)


def run_case(steps: RememberingSteps, located: LocatedCase, language: str = "en") -> Outcome:
    """Runs one case. `steps` are of the rules under test and may serve all cases; `language` of the sentences of a
    failure is `en` or `zh`.
    """
    checker = _CaseChecker(steps, located.case)
    try:
        checker.run()
    except TooManyTimers:
        more = "more; does a ladder repeat without end?"
        checker.failures.append((Difference("timers", f"at most {TIMER_LIMIT}", more), None))
    except AnswerbyError as error:
        checker.failures.append((Difference("decision", "one", f"{error.reason}: {error.message}"), None))
    details = tuple(difference for difference, _ in checker.failures)
    return Outcome(
        located=located,
        differences=[sentence(difference, language) for difference in details],
        why=failure_text(checker.failures, language),
        details=details,
        ledgers=tuple(ledger(*failure, language) for failure in checker.failures),
        trace=checker.case_run.trace,
    )


class _CaseChecker:
    """Runs one case and collects the differences from its expectations."""

    def __init__(self, steps: RememberingSteps, case: Case) -> None:
        self._case = case
        self.case_run = CaseRun(steps, case.windows, case.schedules, case.start)
        self.failures: list[tuple[Difference, RequestSnapshot | None]] = []
        """Differences, each with the snapshot it was found in."""

    def run(self) -> None:
        """Raises TooManyTimers, AnswerbyError."""
        at = self._case.start
        several = len(self._case.events) > 1
        for number, event in enumerate(self._case.events, start=1):
            at = event.at or at + event.after
            self.case_run.apply(event, at)
            when = f"event {number} ({event.type})" if several else ""
            self._compare(event.request, event.expect, when)
        last = self._case.events[-1].request
        for moment, label, checks in self._moments(at):
            self.case_run.run_until(moment)
            self._compare(last, checks, label)

    def _moments(self, at: datetime) -> list[tuple[datetime, str, tuple[Check, ...]]]:
        moments = [(point.at or at + point.after, point.label, point.checks) for point in self._case.checkpoints]
        return sorted(moments, key=lambda moment: moment[0])

    def _compare(self, request: str, checks: tuple[Check, ...], when: str) -> None:
        snapshot = self.case_run.snapshot(request) if checks else None
        for check in checks:
            assert snapshot is not None
            self.failures += [(replace(found, when=when), snapshot) for found in check.compare(snapshot)]
