"""A course: what became of one request under one rulebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.decision import Decision, StageExplanation, StageOutcome
from answerby.domain.effect import EffectKind
from answerby.domain.event import INTERNAL_SOURCE, Event, Value
from answerby.engine.memory.reminders import Reminder

REFUSED = "refused"
"""Stands beside the stage names among the troubles: the event could not be decided at all."""
ComparedValue = str | frozenset[str]
Outcome = Mapping[str, ComparedValue]
"""What a request came to, by name; a set as such, anything else as text."""
NameCounts = dict[str, int]
"""How often each is told, or made."""
NEVER = datetime.max.replace(tzinfo=UTC)
EventKey = tuple[str, str]
"""Source and id of an event."""
# Looked up once: see answerby.sla.unchanged.
_RUNNING: Final = ClockPhase.RUNNING
_NOTIFY: Final = EffectKind.NOTIFY
_CREATE_TASK: Final = EffectKind.CREATE_TASK
_OPEN_CASE: Final = EffectKind.OPEN_CASE
_SOUND = frozenset({StageOutcome.MATCHED, StageOutcome.DEFAULTED})


class Explanations:
    """How other rules explain a course: its first decision, each step, and where it stands."""

    def __init__(self) -> None:
        self.first: list[StageExplanation] = []
        self.latest: list[StageExplanation] = []
        self.steps: dict[EventKey, list[StageExplanation]] = {}

    def note(self, event: Event, explained: list[StageExplanation]) -> None:
        """Of the next decision."""
        self.latest = explained
        if not event.source.startswith(INTERNAL_SOURCE):
            self.first = self.first or explained
            self.steps[event.source, event.id] = explained


class RequestRun:
    """Grows with `note`. A course that only says facts has no decision."""

    def __init__(self, known_facts: Mapping[str, Value] = MappingProxyType({})) -> None:
        self.known_facts = known_facts
        """Facts that are known without a decision."""
        self.steps: dict[EventKey, Decision] = {}
        """The decisions on events from outside, in order."""
        self.first: Decision | None = None
        self.since = NEVER
        """Since when the request stands as it does."""
        self.clocks: Sequence[ClockState] = ()
        self.breached: set[str] = set()
        """The clocks that ran past their due time at any moment."""
        self.notices: NameCounts = {}
        """Messages by the role that gets them."""
        self.tasks: NameCounts = {}
        self.cases: NameCounts = {}
        self.troubles: set[str] = set()
        """The stages that met an error or a conflict."""
        self.refused: list[str] = []
        self.decisions = 0
        self.timers = 0
        """How many of the decisions were on timers."""
        self.outcomes: dict[str, Outcome] = {}
        """What it holds for the request at a point, once it is over; see `fields.outcome_at`."""
        self.cut = False
        """The request fired so many timers that no more were fired."""
        self.unchanged_from: RequestRun | None = None
        """Of the same request under other rules that came to the same to the end, with other explanations."""
        self._last: Decision | None = None
        self._reminder: Reminder | None = None
        """What came after the last decision."""

    @property
    def last(self) -> Decision | None:
        """The decision at which the request stands, whatever made it."""
        if self._reminder is not None:
            self._last, self._reminder = self._reminder.decision(), None
        return self._last

    @property
    def decided(self) -> bool:
        return self._last is not None

    def pass_time(self, moment: datetime, *, included: bool = False) -> None:
        """Time went by until `moment`: clocks that were due before it are breached, `included` also those due then."""
        for clock in self.clocks:
            due = clock.due
            if due is None or clock.phase is not _RUNNING:
                continue
            if due < moment or (included and due == moment):
                self.breached.add(clock.name)

    def note(self, decision: Decision) -> None:
        """Takes in the next decision."""
        self._last, self._reminder = decision, None
        self._set_state(decision.decided, decision.clocks)
        if not decision.event_source.startswith(INTERNAL_SOURCE):
            self.first = self.first or decision
            self.steps[decision.event_source, decision.event_id] = decision
        for stage in decision.explanation:
            if stage.outcome not in _SOUND:
                self.troubles.add(stage.stage)
        for effect in decision.effects:
            kind = effect.kind
            if kind is _NOTIFY:
                count(self.notices, effect.role)
            elif kind is _CREATE_TASK:
                count(self.tasks, effect.role)
            elif kind is _OPEN_CASE:
                count(self.cases, str(effect.payload.get("case", "")))

    def remind(self, reminder: Reminder) -> None:
        """Takes in a decision that only reminds: the rules say what they said before."""
        self._reminder = reminder
        self._set_state(reminder.moment, list(reminder.after.clocks.values()))
        for role in reminder.roles:
            count(self.notices, role)

    def _set_state(self, moment: datetime, clocks: Sequence[ClockState]) -> None:
        """The request stands so from the moment on."""
        self.decisions += 1
        self.since = moment
        self.clocks = clocks
        for clock in clocks:
            if clock.breached:
                self.breached.add(clock.name)

    def refuse(self, reason: str) -> None:
        self.refused.append(reason)
        self.troubles.add(REFUSED)

    def with_explanations(self, explanations: Explanations) -> RequestRun:
        """The course so far under rules that have come to the same, but explain it so."""
        first, last = self.first, self.last
        run = RequestRun(self.known_facts)
        run.steps = {key: as_explained(decision, explanations.steps[key]) for key, decision in self.steps.items()}
        run.first = as_explained(first, explanations.first) if first is not None else None
        run._last = as_explained(last, explanations.latest) if last is not None else None
        run.since = self.since
        run.clocks = self.clocks
        run.breached = set(self.breached)
        run.notices, run.tasks, run.cases = (
            dict(self.notices),
            dict(self.tasks),
            dict(self.cases),
        )
        run.troubles = set(self.troubles)
        run.refused = list(self.refused)
        run.decisions, run.timers, run.cut = self.decisions, self.timers, self.cut
        return run


def count(counts: NameCounts, name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def as_explained(decision: Decision, explained: list[StageExplanation]) -> Decision:
    """The decision as rules explain it that come to the same."""
    if decision.explanation is explained:
        return decision
    return msgspec.structs.replace(decision, explanation=explained)


def recorded_run(decisions: Iterable[Decision], horizon: datetime | None) -> RequestRun:
    """The course that a request really took. Decisions of our own, such as on timers, come with their events."""
    run = RequestRun()
    for decision in decisions:
        run.pass_time(decision.decided)
        run.note(decision)
        run.timers += decision.event_source.startswith(INTERNAL_SOURCE)
    if horizon is not None:
        run.pass_time(horizon, included=True)
    return run
