"""A course: what became of one request under one rulebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from service.domain.clock import ClockPhase, ClockState
from service.domain.decision import Decision, StageExplanation, StageOutcome
from service.domain.effect import EffectKind
from service.domain.event import INTERNAL_SOURCE, Event, Value
from service.engine.reminders import Reminder

REFUSED = "refused"
"""Stands beside the stage names among the troubles: the event could not be decided at all."""
Shown = str | frozenset[str]
Outcome = Mapping[str, Shown]
"""What a request came to, by name; a set as such, anything else as text."""
EventKey = tuple[str, str]
"""Source and id of an event."""
_SOUND = frozenset({StageOutcome.MATCHED, StageOutcome.DEFAULTED})


@dataclass(slots=True)
class Explanations:
    """How other rules explain a course: its first decision, each step, and where it stands."""

    first: list[StageExplanation] = field(default_factory=list)
    latest: list[StageExplanation] = field(default_factory=list)
    steps: dict[EventKey, list[StageExplanation]] = field(default_factory=dict)

    def note(self, event: Event, explained: list[StageExplanation]) -> None:
        """Of the next decision."""
        self.latest = explained
        if not event.source.startswith(INTERNAL_SOURCE):
            self.first = self.first or explained
            self.steps[event.source, event.id] = explained


@dataclass(slots=True)
class Course:
    """Grows with `note`. A course that only says facts has no decision."""

    steps: dict[EventKey, Decision] = field(default_factory=dict)
    """The decisions on events from outside, in order."""
    first: Decision | None = None
    last: Decision | None = None
    """The decision at which the request stands, whatever made it."""
    said: dict[str, Value] = field(default_factory=dict)
    """Facts that are known without a decision."""
    breached: set[str] = field(default_factory=set)
    """The clocks that ran past their due time at any moment."""
    notices: Counter[str] = field(default_factory=Counter)
    """Messages by the role that gets them."""
    tasks: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    troubles: set[str] = field(default_factory=set)
    """The stages that met an error or a conflict."""
    refused: list[str] = field(default_factory=list)
    decisions: int = 0
    timers: int = 0
    """How many of the decisions were on timers."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What it holds for the request at a point, once it is over; see `fields.outcome_at`."""
    cut: bool = False
    """The request fired so many timers that no more were fired."""
    twin: Course | None = None
    """The course of the same request under other rules that came to the same to the end, with other explanations."""

    def pass_time(self, moment: datetime, *, included: bool = False) -> None:
        """Time went by until `moment`: clocks that were due before it are breached, `included` also those due then."""
        for clock in self.last.clocks if self.last is not None else ():
            due = clock.due
            if due is None or clock.phase is not ClockPhase.RUNNING:
                continue
            if due < moment or (included and due == moment):
                self.breached.add(clock.name)

    def note(self, decision: Decision) -> None:
        """Takes in the next decision."""
        self._stand(decision)
        if not decision.event_source.startswith(INTERNAL_SOURCE):
            self.first = self.first or decision
            self.steps[decision.event_source, decision.event_id] = decision
        for stage in decision.explanation:
            if stage.outcome not in _SOUND:
                self.troubles.add(stage.stage)
        for effect in decision.effects:
            if effect.kind is EffectKind.NOTIFY:
                self.notices[effect.role] += 1
            elif effect.kind is EffectKind.CREATE_TASK:
                self.tasks[effect.role] += 1
            elif effect.kind is EffectKind.OPEN_CASE:
                self.cases[str(effect.payload.get("case", ""))] += 1

    def remind(self, reminder: Reminder) -> None:
        """Takes in a decision that only reminds: the rules say what they said before."""
        self._stand(reminder.decision)
        self.notices.update(reminder.roles)

    def _stand(self, decision: Decision) -> None:
        """The request stands at this decision now."""
        self.decisions += 1
        self.last = decision
        for clock in decision.clocks:
            if clock.breached:
                self.breached.add(clock.name)

    def refuse(self, reason: str) -> None:
        self.refused.append(reason)
        self.troubles.add(REFUSED)

    def retold(self, told: Explanations) -> Course:
        """The course so far under rules that have come to the same, but explain it so."""
        first, last = self.first, self.last
        return Course(
            steps={key: as_explained(decision, told.steps[key]) for key, decision in self.steps.items()},
            first=as_explained(first, told.first) if first is not None else None,
            last=as_explained(last, told.latest) if last is not None else None,
            said=self.said,
            breached=set(self.breached),
            notices=self.notices.copy(),
            tasks=self.tasks.copy(),
            cases=self.cases.copy(),
            troubles=set(self.troubles),
            refused=list(self.refused),
            decisions=self.decisions,
            timers=self.timers,
            cut=self.cut,
        )

    @property
    def decided(self) -> bool:
        return self.last is not None

    @property
    def clocks(self) -> Iterable[ClockState]:
        return self.last.clocks if self.last is not None else ()


def as_explained(decision: Decision, explained: list[StageExplanation]) -> Decision:
    """The decision as rules explain it that come to the same."""
    if decision.explanation is explained:
        return decision
    return msgspec.structs.replace(decision, explanation=explained)


def recorded_course(decisions: Iterable[Decision], horizon: datetime | None) -> Course:
    """The course that a request really took. Decisions of our own, such as on timers, come with their events."""
    course = Course()
    for decision in decisions:
        course.pass_time(decision.decided)
        course.note(decision)
        course.timers += decision.event_source.startswith(INTERNAL_SOURCE)
    if horizon is not None:
        course.pass_time(horizon, included=True)
    return course
