"""The expectations that moved: what failed cases expect, and what holds now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.nodes import Place
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.accept.file_edits import Edit, edited
from answerby.workbench.rule_tests.cases import Case
from answerby.workbench.rule_tests.checks.difference import Difference
from answerby.workbench.rule_tests.runner import Outcome, run_case
from answerby.workbench.rule_tests.suite.files import holds_fixtures
from answerby.workbench.rule_tests.suite.loader import Suites, load_suite_texts


@dataclass(frozen=True, slots=True)
class Moved:
    """One expectation of a file that does not hold in some cases."""

    file: str
    line: int
    column: int
    """Both 0 for a difference that no expectation of the file is about, such as rules that do not decide."""
    name: str
    cases: tuple[str, ...]
    old: str
    actual: str
    new: str
    """The expectation as the file would write it; empty where only a person can say it."""
    ledger: str = ""
    """How a due time came about."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The new text of one test file, the expectations that it takes over, and those that it leaves."""

    file: str
    before: str
    text: str
    taken: tuple[Moved, ...]
    left: tuple[Moved, ...]


def moved_expectations(outcomes: Iterable[Outcome]) -> list[Moved]:
    """The expectations that do not hold, by place. One that holds differently from case to case has no new value."""
    found: dict[tuple[str, int, int, str], Moved] = {}
    for outcome in outcomes:
        for difference, ledger in zip(outcome.details, outcome.ledgers, strict=True):
            one = _moved(outcome, difference, ledger)
            key = (one.file, one.line, one.column, one.name if not one.line else "")
            known = found.get(key)
            if known is not None:
                new = one.new if one.new == known.new else ""
                one = replace(known, cases=(*known.cases, *one.cases), new=new)
            found[key] = one
    return list(found.values())


def _moved(outcome: Outcome, difference: Difference, ledger: str) -> Moved:
    place = difference.place or Place(outcome.located.file, 0, 0)
    name = outcome.located.case.name
    new = difference.accepted if difference.place is not None else ""
    return Moved(
        place.file,
        place.line,
        place.column,
        difference.name,
        (name,),
        difference.expected,
        difference.actual,
        new,
        ledger,
    )


def rewriting_of(compiled: CompiledRulebook, texts: Sequence[RuleText], file: str, moved: Sequence[Moved]) -> Rewriting:
    """The rewriting of one file that takes over as much as it can.

    An expectation is taken over only if, with its new value, what happens in every case of the file stays the same,
    no other case fails, no mistake arises, and the expectation holds. `moved` are those of the file.
    """
    trial = _Trial(compiled, texts, file)
    wanted = [one for one in moved if one.new]
    taken = wanted if trial.holds(wanted) else []
    if not taken:
        for one in wanted:
            if trial.holds([*taken, one]):
                taken.append(one)
    text = trial.text_with(taken)
    left = tuple(one for one in moved if one not in taken)
    assert text is not None
    return Rewriting(file, trial.before, text, tuple(taken), left)


class _Trial:
    """Tries new texts of one test file."""

    def __init__(self, compiled: CompiledRulebook, texts: Sequence[RuleText], file: str) -> None:
        self._compiled = compiled
        self._steps = RememberingSteps(compiled)
        self._fixtures = [text for text in texts if holds_fixtures(text.path) and text.path != file]
        self._file = next(text for text in texts if text.path == file)
        self._before = self._load(self._file.text)
        self._failing = self._failures(self._before)

    @property
    def before(self) -> str:
        return self._file.text

    def text_with(self, taken: Sequence[Moved]) -> str | None:
        return edited(self._file.text, [Edit(one.line, one.column, one.new) for one in taken])

    def holds(self, taken: Sequence[Moved]) -> bool:
        text = self.text_with(taken)
        if text is None:
            return False
        after = self._load(text)
        same = len(after.broken) == len(self._before.broken) and _happens(after) == _happens(self._before)
        places = {(one.line, one.column) for one in taken}
        expected = [key for key, place in self._failing if place is None or (place.line, place.column) not in places]
        return same and [key for key, _ in self._failures(after)] == expected

    def _load(self, text: str) -> Suites:
        return load_suite_texts(self._compiled, [*self._fixtures, RuleText(self._file.path, text, "")])

    def _failures(self, suites: Suites) -> list[tuple[tuple[int, str, str], Place | None]]:
        """Each difference: the number of its case, its moment and name; and the place of the expectation."""
        return [
            ((number, found.when, found.name), found.place)
            for number, located in enumerate(suites.cases)
            for found in run_case(self._steps, located).details
        ]


def _happens(suites: Suites) -> list[object]:
    """What happens in each case, all expectations left out."""
    return [_inputs(located.case) for located in suites.cases]


def _inputs(case: Case) -> tuple[object, ...]:
    events = tuple(replace(event, expect=()) for event in case.events)
    moments = tuple(replace(point, checks=()) for point in case.checkpoints)
    return case.start, events, moments, dict(case.windows), case.schedules
