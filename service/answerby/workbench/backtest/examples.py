"""Examples: the requests that show the differences best, with both explanations. The most important come first."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from answerby.domain.clock import ClockState
from answerby.domain.decision import Decision, RuleReference, StageExplanation
from answerby.engine.compiled.rulebook import show_target
from answerby.rules.model.vocabulary import FieldType, Vocabulary
from answerby.workbench.backtest.compare import ORDER, Change, Difference, Kind, pairs, targets
from answerby.workbench.backtest.recorded_request import RecordedRequest
from answerby.workbench.backtest.request_run import ComparedValue, RequestRun

TEXT_SHOWN = 2_000
"""Maximum length of a shown text, in characters."""

Data = dict[str, object]


class Weight(NamedTuple):
    """The order of examples of one kind.

    The heaviest first, then by request, so that every run gives the same order.
    """

    breaches: int
    distance: float
    changes: int
    request_id: str


class Candidate(NamedTuple):
    weight: Weight
    request: RecordedRequest
    difference: Difference
    old: RequestRun
    new: RequestRun


class Example(NamedTuple):
    weight: Weight
    data: Data


@dataclass
class Examples:
    """The `most` heaviest examples of each kind. A merge keeps that limit."""

    most: int
    found: dict[Kind, list[Example]] = field(default_factory=dict)

    def add(self, candidates: Mapping[Kind, list[Candidate]], texts: Mapping[str, Vocabulary]) -> None:
        """`texts` is the vocabulary whose texts are shown. None shows no texts."""
        for kind, group in candidates.items():
            chosen = heapq.nsmallest(self.most, group, key=lambda c: c.weight)
            self._keep(kind, (Example(c.weight, example(kind, c, texts.get("vocabulary"))) for c in chosen))

    def merge(self, other: Examples) -> None:
        for kind, group in other.found.items():
            self._keep(kind, group)

    def in_order(self) -> list[Data]:
        return [e.data for kind in sorted(self.found, key=ORDER.__getitem__) for e in self.found[kind]]

    def _keep(self, kind: Kind, more: Iterable[Example]) -> None:
        kept = [*self.found.get(kind, []), *more]
        self.found[kind] = heapq.nsmallest(self.most, kept, key=lambda e: e.weight)


def weight_of(request_id: str, difference: Difference) -> Weight:
    """The sort key. The smaller key belongs to the heavier example."""
    changes = difference.changes.values()
    priority = difference.changes.get("priority")
    distance = priority.distance if priority is not None else sum(change.distance for change in changes)
    breaches = len(difference.breaches_new) + len(difference.breaches_gone)
    return Weight(-breaches, -distance, -len(difference.changes), request_id)


def example(kind: Kind, candidate: Candidate, texts: Vocabulary | None) -> Data:
    """One example as data. Without `texts` it holds no field that the vocabulary marks as personal."""
    _, request, difference, old, new = candidate
    before, after = decisive_decisions(difference, old, new)
    data: Data = {"kind": kind.value, "request_id": request.request_id}
    if request.number:
        data["number"] = request.number
    data["changes"] = [change_data(change) for change in difference.changes.values()]
    clocks = clocks_data(difference, old, new)
    if clocks:
        data["clocks"] = clocks
    effects = effects_data(old, new) if difference.effects else {}
    if effects:
        data["told"] = effects
    errors = sorted(difference.errors_new)
    if errors:
        data["errors"] = [*errors, *new.refused[:3]]
    if after is not None:
        data["event"] = {"type": after.event_type, "time": after.event_time, "sequence": after.sequence}
    if before is not None and after is not None:
        data["stages"] = stages_data(before, after)
    if texts is not None:
        data["text"] = texts_of(request, texts)
    return data


def decisive_decisions(
    difference: Difference, old: RequestRun, new: RequestRun
) -> tuple[Decision | None, Decision | None]:
    """The decisions to explain: those on the first event that differs, else the last ones of both runs."""
    if difference.changes or difference.sometime:
        for before, after in pairs(old, new):
            if before.facts != after.facts or targets(before) != targets(after):
                return before, after
    return old.last, new.last


def change_data(change: Change) -> Data:
    return {
        "field": change.field.name,
        "old": plain(change.old),
        "new": plain(change.new),
        "move": change.move.value,
    }


def plain(shown: ComparedValue) -> str | list[str]:
    return shown if isinstance(shown, str) else sorted(shown)


def clocks_data(difference: Difference, old: RequestRun, new: RequestRun) -> list[Data]:
    before, after = ({clock.name: clock for clock in request_run.clocks} for request_run in (old, new))
    names = {name for name in {*before, *after} if differs(before.get(name), after.get(name))}
    names |= difference.breaches_new | difference.breaches_gone
    return [
        {"name": name, "old": clock_data(before.get(name), old), "new": clock_data(after.get(name), new)}
        for name in sorted(names)
    ]


def differs(one: ClockState | None, other: ClockState | None) -> bool:
    if one is None or other is None:
        return one is not other
    return (one.target, one.due) != (other.target, other.due)


def clock_data(clock: ClockState | None, request_run: RequestRun) -> Data | None:
    if clock is None:
        return None
    data: Data = {
        "target": show_target(clock.target),
        "phase": clock.phase.value,
        "started": clock.started,
        "breached": clock.name in request_run.breached,
    }
    if clock.due is not None:
        data["due"] = clock.due
    if clock.stopped is not None:
        data["stopped"] = clock.stopped
    return data


def effects_data(old: RequestRun, new: RequestRun) -> Data:
    """The differing numbers of messages by role, of tasks and of cases."""
    kinds = {"notices": (old.notices, new.notices), "tasks": (old.tasks, new.tasks), "cases": (old.cases, new.cases)}
    return {
        kind: {
            name: [before.get(name, 0), after.get(name, 0)]
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        }
        for kind, (before, after) in kinds.items()
        if before != after
    }


def stages_data(before: Decision, after: Decision) -> list[Data]:
    """The two explanations of every stage whose outcome differs."""
    old, new = ({stage.stage: stage for stage in decision.explanation} for decision in (before, after))
    names = [stage.stage for stage in after.explanation] + [name for name in old if name not in new]
    return [
        {"stage": name, "old": stage_data(old.get(name)), "new": stage_data(new.get(name))}
        for name in names
        if essence(old.get(name)) != essence(new.get(name))
    ]


def essence(stage: StageExplanation | None) -> object:
    """The parts that make two explanations equal: outcome, winner and outputs. The place in the file is left out."""
    if stage is None:
        return None
    return stage.outcome, [rule.id for rule in stage.won], stage.outputs


def stage_data(stage: StageExplanation | None) -> Data | None:
    if stage is None:
        return None
    return {
        "outcome": stage.outcome.value,
        "won": [rule_data(rule) for rule in stage.won],
        "lost": [rule.id for rule in stage.lost],
        "failed": [rule.id for rule in stage.failed],
        "facts": dict(stage.facts),
        "outputs": dict(stage.outputs),
    }


def rule_data(rule: RuleReference) -> Data:
    return {"id": rule.id, "file": rule.file, "line": rule.line, "because": rule.because}


def texts_of(request: RecordedRequest, vocabulary: Vocabulary) -> Data:
    """The texts of the request by field, the first one of each field."""
    found: Data = {}
    for recorded_event in request.events:
        for name, value in recorded_event.event.data.items():
            known = name in vocabulary and vocabulary[name].type is FieldType.TEXT
            if known and isinstance(value, str):
                found.setdefault(name, value[:TEXT_SHOWN])
    return found
