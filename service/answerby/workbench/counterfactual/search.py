"""The search for the smallest change of facts that gives another decision. Every step calls `decide()`.

A search is a generator that yields after each decision, so that a server can serve other calls meanwhile. `finish` runs
it at once. Its budget is a number of decisions, never a time: the same question always has the same answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import comb
from typing import TypeVar

from answerby.domain.decision import Decision, RuleReference
from answerby.domain.event import OVERRIDE_PREFIX, Value
from answerby.rules.model.rulebook import Rule
from answerby.workbench.counterfactual.changes import Change, ChangeKind, ChangeSet, cost
from answerby.workbench.counterfactual.options import Options
from answerby.workbench.counterfactual.planner import MISSING_FACTS, Planner
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.wanted_outcome import WantedOutcome, live_rules, value_of

MOST_CHANGES = 3
BUDGET = 600
"""The maximum number of decisions of one search."""

Answered = TypeVar("Answered")


class Missing(StrEnum):
    """The reason why a search found nothing."""

    NO_RULE = "no_rule"
    """No rule and no default gives the outcome."""
    SHADOW = "shadow"
    """The only rules with the outcome are in shadow mode or out of their dates."""
    RAISED = "raised"
    """A ladder raised the priority, and rules cannot lower it."""
    FIXED = "fixed"
    """The outcome depends on facts that must not change."""
    TOO_MANY = "too_many"
    """The outcome needs more changes than the limit."""
    BUDGET = "budget"
    """The budget ended first."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Changes that give another outcome. `decision` is the result of `decide()` with them."""

    changes: ChangeSet
    decision: Decision
    outcome: dict[str, Value]
    decided_by: list[RuleReference]
    through: dict[str, tuple[Value, Value]]
    """Derived facts that change, too: old value and new value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of the search for one wanted outcome."""

    wanted_outcome: WantedOutcome
    already: bool = False
    """The decision already has the wanted outcome."""
    found: Counterfactual | None = None
    missing: Missing | None = None
    """The reason why nothing was found."""
    stuck: tuple[str, ...] = ()
    """The facts that prevent the outcome."""
    tried: int = 0
    """The number of decisions made."""
    proved: bool = False
    """All smaller sets of changes were tried and failed. If nothing was found: all sets up to the limit were."""


Search = Generator[None, None, Answered]


def finish(search: Search[Answered]) -> Answered:
    """Runs a search to its end."""
    while True:
        try:
            next(search)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def why_not(
    situation: Situation,
    wanted_outcome: WantedOutcome,
    keep: Iterable[str] = (),
    *,
    most_changes: int = MOST_CHANGES,
    budget: int = BUDGET,
    sweep: bool = True,
) -> Search[Answer]:
    """The search for the fewest and then the smallest changes that give the wanted outcome.

    Without `sweep` it takes the best of the plans. That is quicker, and it may miss a smaller change.
    """
    if wanted_outcome.is_met(situation.base):
        return Answer(wanted_outcome, already=True)
    reason = impossible(situation, wanted_outcome)
    if reason is not None:
        return Answer(wanted_outcome, missing=reason)
    walk = _Walk(
        situation, wanted_outcome, Options(situation, keep), most_changes, situation.evaluations + budget, sweep
    )
    return (yield from walk.run())


def impossible(situation: Situation, wanted_outcome: WantedOutcome) -> Missing | None:
    """The reason, known from the rules alone, why no change of facts gives the outcome."""
    rulebook = situation.compiled.rulebook
    if wanted_outcome.wants_none:
        return None
    stages = [stage for stage in rulebook.stages if stage.name in wanted_outcome.stages]
    if any(
        wanted_outcome.name in stage.default and wanted_outcome.is_wanted(stage.default[wanted_outcome.name])
        for stage in stages
    ):
        return None

    def gives(rule: Rule) -> bool:
        return (
            rule.id == wanted_outcome.rule
            if wanted_outcome.rule
            else wanted_outcome.name in rule.then and wanted_outcome.is_wanted(rule.then[wanted_outcome.name])
        )

    able = [rule for stage in stages for rule in stage.rules if gives(rule)]
    computed = {name for stage in stages for score in stage.scores for name in score.outputs} | MISSING_FACTS
    if not able and not wanted_outcome.rule and wanted_outcome.name in computed:
        return None
    if not able:
        return Missing.NO_RULE
    live = {r.id for stage in stages for r in live_rules(rulebook, stage.name, situation.event.time)}
    return None if any(rule.id in live for rule in able) else Missing.SHADOW


def counterfactual(
    situation: Situation, changes: ChangeSet, names: Iterable[str], decision: Decision
) -> Counterfactual:
    """A verified set of changes with its consequences."""
    wanted = list(names)
    before, after = situation.base.facts, decision.facts
    through = {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after} - {*wanted})
        if before.get(name) != after.get(name)
    }
    decided_by = [
        rule for stage in decision.explanation for rule in stage.won if any(name in rule.outputs for name in wanted)
    ]
    outcome = {name: value_of(decision, name) for name in wanted}
    return Counterfactual(changes, decision, outcome, decided_by, through)


@dataclass(slots=True)
class _Walk:
    situation: Situation
    wanted_outcome: WantedOutcome
    options: Options
    most: int
    limit: int
    """The number of evaluations of the situation at which the search ends."""
    sweep: bool

    def run(self) -> Search[Answer]:
        start = self.situation.evaluations
        planner = Planner(self.options, self.situation.record, self.situation.base, self.most)
        heap = [(cost(changes), changes) for changes in planner.plan(self.wanted_outcome) if changes]
        seen = {changes for _, changes in heap}
        stuck = set(planner.stuck)
        heapq.heapify(heap)
        found: ChangeSet | None = None
        while heap and found is None and self.situation.evaluations < self.limit:
            _, changes = heapq.heappop(heap)
            met = self._meets(changes)
            yield
            if met:
                found = changes
            elif len(changes) < self.most:
                for further in self._further(changes, stuck):
                    if further not in seen:
                        seen.add(further)
                        heapq.heappush(heap, (cost(further), further))
        exhausted = not heap
        swept = False
        if self.sweep:
            found, swept = yield from self._sweep(found)
        if found is not None:
            found = yield from self._smallest(found)
        tried = self.situation.evaluations - start
        if found is None:
            missing = self._reason(seen, stuck, exhausted=exhausted or swept)
            return Answer(self.wanted_outcome, missing=missing, stuck=tuple(sorted(stuck)), tried=tried, proved=swept)
        decision = self.situation.decide(found)
        result = counterfactual(self.situation, found, self._names(), decision)
        return Answer(self.wanted_outcome, found=result, tried=tried, proved=swept)

    def _names(self) -> list[str]:
        if not self.wanted_outcome.rule:
            return [self.wanted_outcome.name]
        rules = (
            r
            for stage in self.situation.compiled.rulebook.stages
            for r in stage.rules
            if r.id == self.wanted_outcome.rule
        )
        return sorted(name for rule in rules for name in rule.then)

    def _meets(self, changes: ChangeSet) -> bool:
        return self.wanted_outcome.is_met(self.situation.decide(changes))

    def _further(self, changes: ChangeSet, stuck: set[str]) -> list[ChangeSet]:
        """Plans of further changes, from the decision that these changes gave."""
        record = self.situation.look(changes)
        planner = Planner(self.options, record, self.situation.decide(changes), self.most - len(changes), changes)
        slots = {change.slot for change in changes}
        found = [
            tuple(sorted((*changes, *more), key=lambda change: change.slot))
            for more in planner.plan(self.wanted_outcome)
            if more and slots.isdisjoint(change.slot for change in more)
        ]
        stuck |= planner.stuck
        return found

    def _sweep(self, found: ChangeSet | None) -> Search[tuple[ChangeSet | None, bool]]:
        """Tries all smaller sets, size by size, within the budget. Returns whether it tried them all."""
        singles = sorted(every_single(self.options), key=lambda change: cost((change,)))
        for size in range(1, len(found) if found is not None else self.most + 1):
            if comb(len(singles), size) > self.limit - self.situation.evaluations:
                return found, False
            for changes in sorted(all_of(singles, size), key=cost):
                met = self._meets(changes)
                yield
                if met:
                    return changes, True
        return found, True

    def _smallest(self, found: ChangeSet) -> Search[ChangeSet]:
        """The smallest subset of the changes that suffices, so that none is idle."""
        for size in range(1, len(found)):
            for part in sorted(combinations(found, size), key=cost):
                met = self._meets(part)
                yield
                if met:
                    return part
        return found

    def _reason(self, seen: set[ChangeSet], stuck: set[str], *, exhausted: bool) -> Missing:
        if (
            self.situation.state is not None
            and self.situation.state.priority_floor
            and self.wanted_outcome.name == "priority"
        ):
            return Missing.RAISED
        if not exhausted:
            return Missing.BUDGET
        return Missing.FIXED if stuck and not seen else Missing.TOO_MANY


def all_of(singles: list[Change], size: int) -> Iterator[ChangeSet]:
    """Every set of this number of changes that do not exclude each other."""
    for chosen in combinations(singles, size):
        if len({change.slot for change in chosen}) == size:
            yield tuple(sorted(chosen, key=lambda change: change.slot))


def every_single(options: Options) -> list[Change]:
    """Every change of one fact that makes a difference to the rules."""
    given = options.situation.given
    found = [Change(name, ChangeKind.CLEAR) for name in given if name.startswith(OVERRIDE_PREFIX)]
    for name in options.fields_asked():
        found += options.of_field(name)
        for lexicon in options.lexicons_asked(name):
            found += options.of_lexicon(name, lexicon)
    return found
