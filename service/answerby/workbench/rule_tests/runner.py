"""Runs rule tests: events in order, timers fired when they are due, expectations compared. Reads files, writes none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from answerby.domain.errors import AnswerbyError
from answerby.engine.clocks.virtual_clock import TIMER_LIMIT
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.rule_tests.cases import Case, Located
from answerby.workbench.rule_tests.checks import Check, Difference
from answerby.workbench.rule_tests.scene import Scene
from answerby.workbench.rule_tests.suite import BadSuite, load_suites
from answerby.workbench.rule_tests.trace import Trace
from answerby.workbench.rule_tests.why import sentence, why
from answerby.workbench.rule_tests.world import TooManyTimers, World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: nothing wrong, or each difference, and why the rules decided so."""

    located: Located
    differences: list[str]
    """In words, one for each of `found`."""
    why: str
    found: tuple[Difference, ...] = ()
    trace: Trace = field(default_factory=Trace)


def run_folder(compiled: CompiledRulebook, folder: Path, language: str = "en") -> Iterator[Outcome | BadSuite]:
    """The mistakes of all test files below the folder, then the outcome of every case, by file and line."""
    suites = load_suites(compiled, folder)
    yield from (BadSuite(diagnostic) for diagnostic in suites.diagnostics)
    yield from (run_case(compiled, located, language) for located in suites.cases)


def run_case(compiled: CompiledRulebook, located: Located, language: str = "en") -> Outcome:
    """Plays one case; `language`, `en` or `zh`, is that of the words of a failure."""
    play = _Play(compiled, located.case)
    try:
        play.run()
    except TooManyTimers:
        more = "more; does a ladder repeat without end?"
        play.found.append((Difference("timers", f"at most {TIMER_LIMIT}", more), None))
    except AnswerbyError as error:
        play.found.append((Difference("decision", "one", f"{error.reason}: {error.message}"), None))
    found = tuple(difference for difference, _ in play.found)
    return Outcome(
        located=located,
        differences=[sentence(difference, language) for difference in found],
        why=why(play.found, language),
        found=found,
        trace=play.world.trace,
    )


class _Play:
    """One case on its way."""

    def __init__(self, compiled: CompiledRulebook, case: Case) -> None:
        self._case = case
        self.world = World(compiled, case.windows, case.schedules, case.start)
        self.found: list[tuple[Difference, Scene | None]] = []

    def run(self) -> None:
        at = self._case.start
        several = len(self._case.happenings) > 1
        for number, happening in enumerate(self._case.happenings, start=1):
            at = happening.at or at + happening.after
            self.world.happens(happening, at)
            when = f"event {number} ({happening.type})" if several else ""
            self._compare(happening.request, happening.expect, when)
        last = self._case.happenings[-1].request
        for moment, label, checks in self._moments(at):
            self.world.run_until(moment)
            self._compare(last, checks, label)

    def _moments(self, at: datetime) -> list[tuple[datetime, str, tuple[Check, ...]]]:
        moments = [(point.at or at + point.after, point.label, point.checks) for point in self._case.checkpoints]
        return sorted(moments, key=lambda moment: moment[0])

    def _compare(self, request: str, checks: tuple[Check, ...], when: str) -> None:
        scene = self.world.scene(request) if checks else None
        for check in checks:
            assert scene is not None
            self.found += [(replace(found, when=when), scene) for found in check.compare(scene)]
