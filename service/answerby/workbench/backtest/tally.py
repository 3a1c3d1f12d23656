"""The figures of a backtest. Tallies of parts merge into the tally of the whole, in any order.

Every figure stands under a key of words. SIDE is old or new.

    requests    compared    differing    lead                   played, with an old side, with a difference; not counted
    decisions | timers | cut | refused, SIDE                    decisions; those on timers; requests
    value, FIELD, SIDE, VALUE       matrix, FIELD, OLD, NEW     requests by value, and by both values
    changed | raised | lowered | sometime, FIELD                requests; `sometime`: upon at least one event
    gained | lost, FIELD, MEMBER                                requests, of sets
    stage, STAGE, OLD, NEW          won, STAGE, SIDE, RULE      requests by how the stage came out, and by who decided
    ran | breached, CLOCK, SIDE     breach, CLOCK, new | gone   requests by clock
    breach.new     breach.gone                                  requests with at least one such clock
    notices | tasks | cases, NAME, SIDE                         messages, tasks, cases
    notices | tasks | cases, NAME, more | fewer                 requests
    effects.changed     errors, SIDE     errors.new     errors.gone     requests
    requests.refused    requests.asked                          requests that could not be used; all of them
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from answerby.domain.decision import Decision, StageExplanation
from answerby.workbench.backtest.compare import Difference, Move, surplus
from answerby.workbench.backtest.examples import Examples
from answerby.workbench.backtest.fields import NOTHING, ComparedField, Point, outcome_at
from answerby.workbench.backtest.request_run import ComparedValue, NameCounts, RequestRun

OLD, NEW = "old", "new"
SIDES = (OLD, NEW)
EFFECT_KINDS = ("notices", "tasks", "cases")
Key = tuple[str, ...]
Items = tuple[tuple[str, int], ...]
Result = tuple[tuple[ComparedValue, ...], tuple[str, ...], frozenset[str], Items, Items, Items]
"""The outcome of a run: the value of each field, the clocks that ran, those breached, and effects by EFFECT_KINDS."""


@dataclass
class Tally:
    """Counts and examples. Requests or other tallies are added to it."""

    examples: Examples
    counts: Counter[Key] = field(default_factory=Counter)

    @classmethod
    def empty(cls, examples: int) -> Tally:
        """Keeps at most this number of examples of each kind."""
        return cls(Examples(examples))

    def count(self, *key: str) -> int:
        return self.counts[key]

    def merge(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.examples.merge(other.examples)

    def under(self, *prefix: str) -> dict[Key, int]:
        """The figures below a key: the rest of each key and its figure, in the order of the words."""
        size = len(prefix)
        found = {key[size:]: n for key, n in self.counts.items() if key[:size] == prefix and len(key) > size and n}
        return dict(sorted(found.items()))


class ExplanationPair:
    """A pair of explanations of one stage, and the number of requests with such a pair."""

    def __init__(self, old: StageExplanation, new: StageExplanation) -> None:
        self.old = old
        self.new = new
        self.number = 1


class Counting:
    """Adds request runs to a tally."""

    def __init__(self, tally: Tally, fields: tuple[ComparedField, ...], point: Point) -> None:
        self._counts = tally.counts
        self._unchanged: Counter[Key] = Counter()
        """By request on which both rulebooks agree: keys without SIDE."""
        self._results: Counter[Result] = Counter()
        """By outcome, for the same requests. Many have equal outcomes."""
        self._explained: dict[tuple[int, int, str, str], ExplanationPair] = {}
        """By pair of winners in a stage, for the same requests. A kept object keeps its id."""
        self._fields = fields
        self._names = tuple(known.name for known in fields)
        self._point = point
        self.requests = 0

    def side(self, side: str, request_run: RequestRun) -> None:
        """Counts the results of one rulebook for a request."""
        self._figures(self._counts, side, request_run)
        self._won(side, request_run)

    def comparable(self, old: RequestRun, new: RequestRun) -> None:
        """Counts a request whose new run is unchanged from the old one: `side` of both, and `both`."""
        self._counts["compared",] += 1
        self._totals("", old, self._unchanged)
        self._results[self._result(old)] += 1
        before, after = self._decision(old), self._decision(new)
        if before is None or after is None:
            return
        # Rulebooks that share a run have the same stages.
        for one, other in zip(before.explanation, after.explanation, strict=True):
            key = id(one.won), id(other.won), one.outcome, other.outcome
            pair = self._explained.get(key)
            if pair is None:
                self._explained[key] = ExplanationPair(one, other)
            else:
                pair.number += 1

    def close(self) -> None:
        """Adds the collected figures after the last request."""
        counts, sets = self._counts, {known.name for known in self._fields if known.is_set}
        for result, number in self._results.items():
            self._expand(result, "", self._unchanged, number)
        for key, number in self._unchanged.items():
            place = min(2, len(key) - 1)
            for side in SIDES:
                counts[*key[:place], side, *key[place + 1 :]] += number
            if key[0] == "value" and key[1] not in sets:
                counts["matrix", key[1], key[3], key[3]] += number
        for pair in self._explained.values():
            self._won_by(OLD, pair.old, pair.number)
            self._won_by(NEW, pair.new, pair.number)
            counts["stage", pair.old.stage, pair.old.outcome.value, pair.new.outcome.value] += pair.number
        self._unchanged.clear()
        self._results.clear()
        self._explained.clear()

    def _figures(self, counts: Counter[Key], side: str, request_run: RequestRun) -> None:
        self._totals(side, request_run, counts)
        self._expand(self._result(request_run), side, counts, 1)

    def _totals(self, side: str, request_run: RequestRun, counts: Counter[Key]) -> None:
        counts["decisions", side] += request_run.decisions
        counts["timers", side] += request_run.timers
        if request_run.cut:
            counts["cut", side] += 1
        if request_run.refused:
            counts["refused", side] += 1
        if request_run.troubles:
            counts["errors", side] += 1

    def _result(self, request_run: RequestRun) -> Result:
        outcome = outcome_at(request_run, self._point)
        return (
            tuple([outcome.get(name, NOTHING) for name in self._names]),
            tuple([clock.name for clock in request_run.clocks]),
            frozenset(request_run.breached) if request_run.decided else frozenset(),
            tuple(request_run.notices.items()),
            tuple(request_run.tasks.items()),
            tuple(request_run.cases.items()),
        )

    def _expand(self, result: Result, side: str, counts: Counter[Key], number: int) -> None:
        """Counts a result that this number of requests have in common."""
        values, clocks, breached, *effects = result
        for name, value in zip(self._names, values, strict=True):
            for member in members(value):
                counts["value", name, side, member] += number
        for clock in clocks:
            counts["ran", clock, side] += number
        for clock in breached:
            counts["breached", clock, side] += number
        for kind, items in zip(EFFECT_KINDS, effects, strict=True):
            for name, times in items:
                counts[kind, name, side] += times * number

    def _won(self, side: str, request_run: RequestRun) -> None:
        decision = self._decision(request_run)
        for stage in decision.explanation if decision is not None else ():
            self._won_by(side, stage, 1)

    def _won_by(self, side: str, stage: StageExplanation, number: int) -> None:
        for rule in stage.won:
            self._counts["won", stage.stage, side, rule.id] += number

    def both(self, old: RequestRun, new: RequestRun, difference: Difference) -> None:
        """Counts the differences of a request between the two."""
        counts = self._counts
        counts["compared",] += 1
        counts["differing",] += bool(difference)
        self._matrices(old, new)
        for name, change in difference.changes.items():
            counts["changed", name] += 1
            if change.move is not Move.CHANGED:
                counts[change.move.value, name] += 1
            for member in set(members(change.new)) - set(members(change.old)) if change.field.is_set else ():
                counts["gained", name, member] += 1
            for member in set(members(change.old)) - set(members(change.new)) if change.field.is_set else ():
                counts["lost", name, member] += 1
        for name in difference.sometime:
            counts["sometime", name] += 1
        self._breaches(difference)
        counts["errors.new",] += bool(difference.errors_new)
        counts["errors.gone",] += bool(difference.errors_gone)
        if difference.effects:
            counts["effects.changed",] += 1
            self._effects(old, new)

    def _matrices(self, old: RequestRun, new: RequestRun) -> None:
        counts = self._counts
        before, after = outcome_at(old, self._point), outcome_at(new, self._point)
        for known in self._fields:
            name = known.name
            if known.is_set or (not old.decided and name not in old.known_facts):
                continue
            counts["matrix", name, str(before.get(name, NOTHING)), str(after.get(name, NOTHING))] += 1
        if old.last is not None and new.last is not None:
            self._stages(old, new)

    def _stages(self, old: RequestRun, new: RequestRun) -> None:
        counts = self._counts
        stages = outcomes(self._decision(old))
        for stage, outcome in outcomes(self._decision(new)).items():
            counts["stage", stage, stages.pop(stage, NOTHING), outcome] += 1
        for stage, outcome in stages.items():
            counts["stage", stage, outcome, NOTHING] += 1

    def _decision(self, request_run: RequestRun) -> Decision | None:
        return request_run.first if self._point is Point.FIRST else request_run.last

    def _breaches(self, difference: Difference) -> None:
        counts = self._counts
        for word, names in (("new", difference.breaches_new), ("gone", difference.breaches_gone)):
            counts[f"breach.{word}",] += bool(names)
            for name in names:
                counts["breach", name, word] += 1

    def _effects(self, old: RequestRun, new: RequestRun) -> None:
        before, after = effect_counts(old), effect_counts(new)
        for kind in EFFECT_KINDS:
            for name in surplus(after[kind], before[kind]):
                self._counts[kind, name, "more"] += 1
            for name in surplus(before[kind], after[kind]):
                self._counts[kind, name, "fewer"] += 1


def effect_counts(request_run: RequestRun) -> Mapping[str, NameCounts]:
    return {"notices": request_run.notices, "tasks": request_run.tasks, "cases": request_run.cases}


def outcomes(decision: Decision | None) -> dict[str, str]:
    return {stage.stage: stage.outcome.value for stage in decision.explanation} if decision is not None else {}


def members(value: ComparedValue) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)
