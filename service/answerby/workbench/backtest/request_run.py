"""A request run: the decisions on one request under one rulebook."""

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
"""The name, beside the stage names, of an event that could not be decided at all."""
ComparedValue = str | frozenset[str]
Outcome = Mapping[str, ComparedValue]
"""The values of a request by name. A set stays a set, anything else is text."""
NameCounts = dict[str, int]
"""The number of effects by name."""
NEVER = datetime.max.replace(tzinfo=UTC)
EventKey = tuple[str, str]
"""Source and id of an event."""
# Looked up once: see answerby.sla.unchanged.
_RUNNING: Final = ClockPhase.RUNNING
_NOTIFY: Final = EffectKind.NOTIFY
_CREATE_TASK: Final = EffectKind.CREATE_TASK
_OPEN_CASE: Final = EffectKind.OPEN_CASE
_SOUND = frozenset({StageOutcome.MATCHED, StageOutcome.DEFAULTED, StageOutcome.BY_HAND, StageOutcome.BY_LADDER})


class Explanations:
    """Another rulebook's explanations of a run: of the first decision, of each step, and of the last."""

    def __init__(self) -> None:
        self.first: list[StageExplanation] = []
        self.latest: list[StageExplanation] = []
        self.steps: dict[EventKey, list[StageExplanation]] = {}

    def note(self, event: Event, explained: list[StageExplanation]) -> None:
        """The index of the next decision."""
        self.latest = explained
        if not event.source.startswith(INTERNAL_SOURCE):
            self.first = self.first or explained
            self.steps[event.source, event.id] = explained


class RequestRun:
    """The run of one request. It grows with `note`. A run of facts alone has no decision."""

    def __init__(self, known_facts: Mapping[str, Value] = MappingProxyType({})) -> None:
        self.known_facts = known_facts
        """Facts that are known without a decision."""
        self.steps: dict[EventKey, Decision] = {}
        """The decisions on events from outside, in order."""
        self.first: Decision | None = None
        self.since = NEVER
        """The time of the last change of the request."""
        self.clocks: Sequence[ClockState] = ()
        self.breached: set[str] = set()
        """The clocks that ran past their due time at any moment."""
        self.notices: NameCounts = {}
        """The number of messages by role."""
        self.tasks: NameCounts = {}
        self.cases: NameCounts = {}
        self.troubles: set[str] = set()
        """The stages that met an error or a conflict."""
        self.refused: list[str] = []
        self.decisions = 0
        self.timers = 0
        """The number of decisions on timers."""
        self.outcomes: dict[str, Outcome] = {}
        """The values of the finished run by point of comparison; see `fields.outcome_at`."""
        self.cut = False
        """The request reached the limit of timers, and no more were fired."""
        self.unchanged_from: RequestRun | None = None
        """The run under other rules that gave equal results to the end, with other explanations."""
        self._last: Decision | None = None
        self._reminder: Reminder | None = None
        """The decisions after the last step."""

    @property
    def last(self) -> Decision | None:
        """The latest decision on any event."""
        if self._reminder is not None:
            self._last, self._reminder = self._reminder.decision(), None
        return self._last

    @property
    def decided(self) -> bool:
        return self._last is not None

    def pass_time(self, moment: datetime, *, included: bool = False) -> None:
        """Moves time to `moment`: clocks due before it are breached. `included` adds those due exactly then."""
        for clock in self.clocks:
            due = clock.due
            if due is None or clock.phase is not _RUNNING:
                continue
            if due < moment or (included and due == moment):
                self.breached.add(clock.name)

    def note(self, decision: Decision) -> None:
        """Adds the next decision."""
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
        """Adds a decision that only reminds: its stages are those of the decision before."""
        self._reminder = reminder
        self._set_state(reminder.moment, list(reminder.after.clocks.values()))
        for role in reminder.roles:
            count(self.notices, role)

    def _set_state(self, moment: datetime, clocks: Sequence[ClockState]) -> None:
        """The request has this decision from the moment on."""
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
        """The run so far under rules that gave equal results with other explanations."""
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
    """The decision with the explanations of rules that gave equal results."""
    if decision.explanation is explained:
        return decision
    return msgspec.structs.replace(decision, explanation=explained)


def recorded_run(decisions: Iterable[Decision], horizon: datetime | None) -> RequestRun:
    """The recorded run of a request. Decisions on Answerby's own events, such as timers, come with their events."""
    run = RequestRun()
    for decision in decisions:
        run.pass_time(decision.decided)
        run.note(decision)
        run.timers += decision.event_source.startswith(INTERNAL_SOURCE)
    if horizon is not None:
        run.pass_time(horizon, included=True)
    return run
