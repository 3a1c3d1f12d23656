"""One request at one moment of a case, as expectations see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.decision import Decision, StageExplanation
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.record import Record
from answerby.engine.stages.overrides import split_overrides
from answerby.engine.stages.pipeline import build_record, count_this_request

NONE = "none"


def matched_ids(stage: StageExplanation) -> Iterator[str]:
    """The ids of the rules of a stage that matched: winners, outranked rules and rules in shadow mode."""
    yield from (reference.id for reference in (*stage.won, *stage.lost))
    yield from (trial.rule.id for trial in stage.shadow if not trial.failed)


@dataclass(slots=True)
class RequestSnapshot:
    """The latest decision on a request, and the effects since its latest event."""

    compiled: CompiledRulebook
    decision: Decision
    event: Event
    """The latest event that was no timer."""
    effects: Sequence[Effect]
    history: Sequence[Event] = ()
    """All events of the request, in the order in which they were decided."""
    moment: datetime | None = None
    """The time of the snapshot; None for the time of its event."""
    others: dict[str, RequestSnapshot] = field(default_factory=dict)
    """The snapshots of all requests of the case, this one included, by name."""
    _record: Record | None = None

    @property
    def record(self) -> Record:
        """Every fact that rules see, derived facts included."""
        if self._record is None:
            self._record = self._build_record()
        return self._record

    def _build_record(self) -> Record:
        state = self.decision.state
        assert state is not None
        counts = state.counts
        record = build_record(self.compiled, state, split_overrides(state.given)[0], self.event, counts)
        for name, value in self.decision.facts.items():
            if name in record.plan.coercers:
                record.set(name, value)
        count_this_request(self.compiled, record, counts)
        return record

    def fact(self, name: str) -> Typed | None:
        return self.record.get(name)

    def clock(self, name: str) -> ClockState | None:
        return next((clock for clock in self.decision.clocks if clock.name == name), None)

    def clock_word(self, name: str) -> str:
        """The state of a clock: running, paused, met, breached, cancelled or none."""
        clock = self.clock(name)
        if clock is None:
            return NONE
        if clock.breached:
            return "breached"
        return "met" if clock.phase is ClockPhase.STOPPED else clock.phase.value

    def names(self, expectation: str) -> list[str]:
        """The names to compare with an expectation that lists names, or the members of a fact that is a set."""
        decision = self.decision
        match expectation:
            case "decided_by":
                return [reference.id for stage in decision.explanation for reference in stage.won]
            case "matched":
                return [name for stage in decision.explanation for name in matched_ids(stage)]
            case "breached":
                return [clock.name for clock in decision.clocks if clock.breached]
            case "flags":
                return [flag.code for flag in decision.flags]
            case "missing":
                missing = decision.facts.get("missing")
                return missing if isinstance(missing, list) else []
            case "notified":
                return [effect.role for effect in self.effects if effect.kind is EffectKind.NOTIFY]
            case "tasks":
                return [effect.role for effect in self.effects if effect.kind is EffectKind.CREATE_TASK]
            case "opened":
                return [str(e.payload.get("case")) for e in self.effects if e.kind is EffectKind.OPEN_CASE]
            case _:
                value = self.fact(expectation)
                return sorted(value) if isinstance(value, frozenset) else []
