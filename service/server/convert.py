"""Domain types to protobuf messages and back. Written by hand: it is on the way of every call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from service.api.answerby.v1 import resources_pb2 as pb
from service.domain.clock import ClockPhase, ClockState, TargetUnit
from service.domain.decision import Decision, Flag, RuleReference, StageExplanation, StageOutcome
from service.domain.effect import Effect
from service.domain.errors import FieldViolation, InvalidInput
from service.domain.event import ActorRole, Event, Value
from service.domain.request import RequestState
from service.rules.vocabulary import Vocabulary
from service.server.config import Limits
from service.server.validate import LATEST, event_violations

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_SECONDS = int((LATEST - EPOCH).total_seconds())

ACTORS = {
    pb.ACTOR_UNSPECIFIED: ActorRole.CUSTOMER,
    pb.ACTOR_CUSTOMER: ActorRole.CUSTOMER,
    pb.ACTOR_AGENT: ActorRole.AGENT,
    pb.ACTOR_SYSTEM: ActorRole.SYSTEM,
}
PHASES = {
    ClockPhase.RUNNING: pb.CLOCK_PHASE_RUNNING,
    ClockPhase.PAUSED: pb.CLOCK_PHASE_PAUSED,
    ClockPhase.STOPPED: pb.CLOCK_PHASE_STOPPED,
    ClockPhase.CANCELLED: pb.CLOCK_PHASE_CANCELLED,
}
OUTCOMES = {
    StageOutcome.MATCHED: pb.STAGE_OUTCOME_MATCHED,
    StageOutcome.DEFAULTED: pb.STAGE_OUTCOME_DEFAULTED,
    StageOutcome.CONFLICT: pb.STAGE_OUTCOME_CONFLICT,
    StageOutcome.ERROR: pb.STAGE_OUTCOME_ERROR,
}


def instant_of(message: Timestamp) -> datetime | None:
    """A timestamp's instant in UTC; None when it is no instant that a request can have."""
    if not (0 <= message.seconds < LATEST_SECONDS and 0 <= message.nanos < 1_000_000_000):
        return None
    return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def set_instant(message: Timestamp, moment: datetime) -> None:
    span = moment - EPOCH
    message.seconds = span.days * 86_400 + span.seconds
    message.nanos = span.microseconds * 1000


def event_from(
    message: pb.Event, tenant: str, limits: Limits, *, historical: bool = False, path: str = "event"
) -> Event:
    """The event of a call. Raises InvalidInput with every violation at once."""
    violations: list[FieldViolation] = []
    moment = instant_of(message.time) if message.HasField("time") else None
    if moment is None:
        problem = "must be between the years 1970 and 2199" if message.HasField("time") else "is required"
        violations.append(FieldViolation(f"{path}.time", problem))
    actor = ACTORS.get(message.actor)
    if actor is None:
        violations.append(FieldViolation(f"{path}.actor", "is no known actor; use customer, agent or system"))
    event = Event(
        tenant=tenant,
        source=message.source,
        id=message.id,
        type=message.type,
        time=moment or EPOCH,
        request_id=message.request_id,
        actor=actor or ActorRole.CUSTOMER,
        actor_id=message.actor_id,
        data=values_from(message.facts),
        historical=historical,
    )
    violations = event_violations(event, limits, f"{path}.") + violations
    if violations:
        raise InvalidInput(violations)
    return event


def values_from(facts: Mapping[str, pb.FactValue]) -> dict[str, Value]:
    return {name: _value_from(value) for name, value in facts.items()}


def _value_from(value: pb.FactValue) -> Value:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value
        case "list_value":
            return list(value.list_value.values)
        case _:
            return None


def put_values(target: MutableMapping[str, pb.FactValue], facts: Mapping[str, object]) -> None:
    """Fills a map field. A value that is no plain fact (a target, a notification) is put as its text."""
    for name, value in facts.items():
        slot = target[name]
        if isinstance(value, str):
            slot.string_value = value
        elif isinstance(value, bool):
            slot.bool_value = value
        elif isinstance(value, int):
            slot.int_value = value
        elif isinstance(value, float):
            slot.double_value = value
        elif isinstance(value, list | tuple | set | frozenset):
            slot.list_value.values.extend(str(item) for item in value)
            slot.list_value.SetInParent()
        elif value is not None:
            slot.string_value = str(value)


def decision_to(decision: Decision, now: datetime, *, brief: bool = False) -> pb.Decision:
    """The message of a decision. `now` tells whether a running clock is past its due time."""
    message = pb.Decision(
        id=decision.id,
        request_id=decision.request_id,
        number=decision.number,
        sequence=decision.sequence,
        event_source=decision.event_source,
        event_id=decision.event_id,
        event_type=decision.event_type,
        revision=decision.revision,
        status=decision.status,
    )
    set_instant(message.event_time, decision.event_time)
    set_instant(message.decide_time, decision.decided)
    put_values(message.facts, decision.facts)
    message.clocks.extend(clocks_to(decision.clocks, now))
    if (due := decision.next_due) is not None and due.due is not None:
        set_instant(message.next_due_time, due.due)
    message.flags.extend(_flag(flag) for flag in decision.flags)
    if not brief:
        message.effects.extend(_effect(effect) for effect in decision.effects)
        message.explanation.extend(_stage(stage) for stage in decision.explanation)
    return message


def clocks_to(clocks: Iterable[ClockState], now: datetime) -> list[pb.Clock]:
    return [_clock(clock, now) for clock in clocks]


def _clock(clock: ClockState, now: datetime) -> pb.Clock:
    late = clock.phase == ClockPhase.RUNNING and clock.due is not None and clock.due < now
    message = pb.Clock(
        name=clock.name,
        phase=PHASES[clock.phase],
        breached=clock.breached or late,
        calendar=clock.target.calendar,
        cycle=clock.cycle,
        rule=clock.rule,
    )
    set_instant(message.start_time, clock.started)
    if clock.due is not None and clock.phase != ClockPhase.PAUSED:
        set_instant(message.due_time, clock.due)
    if clock.stopped is not None:
        set_instant(message.stop_time, clock.stopped)
    if clock.target.unit == TargetUnit.WORKING_DAYS:
        message.target_working_days = clock.target.amount
    else:
        message.target.seconds = clock.target.amount
        message.target.SetInParent()
    return message


def _flag(flag: Flag) -> pb.Flag:
    return pb.Flag(code=flag.code, message=flag.message)


def _effect(effect: Effect) -> pb.Effect:
    message = pb.Effect(kind=effect.kind, key=effect.key, role=effect.role, urgent=effect.urgent)
    put_values(message.payload, effect.payload)
    return message


def _rule(rule: RuleReference) -> pb.RuleReference:
    message = pb.RuleReference(id=rule.id, file=rule.file, line=rule.line, because=rule.because)
    put_values(message.outputs, rule.outputs)
    return message


def _stage(stage: StageExplanation) -> pb.StageExplanation:
    message = pb.StageExplanation(stage=stage.stage, outcome=OUTCOMES[stage.outcome])
    message.won.extend(_rule(rule) for rule in stage.won)
    message.lost.extend(_rule(rule) for rule in stage.lost)
    message.failed.extend(_rule(rule) for rule in stage.failed)
    put_values(message.facts, stage.facts)
    put_values(message.outputs, stage.outputs)
    return message


def request_to(state: RequestState, vocabulary: Vocabulary | None, now: datetime) -> pb.Request:
    """The message of a request. Personal facts, and facts that the vocabulary does not know, are left out."""
    message = pb.Request(
        request_id=state.request_id,
        number=state.number,
        status=state.status,
        source=state.source,
        decision_count=state.decisions,
    )
    set_instant(message.create_time, state.created)
    set_instant(message.update_time, state.last_event)
    put_values(message.given, public_facts(state.given, vocabulary))
    put_values(message.facts, public_facts(state.derived, vocabulary))
    message.clocks.extend(clocks_to(state.clocks.values(), now))
    return message


def public_facts(facts: Mapping[str, Value], vocabulary: Vocabulary | None) -> dict[str, Value]:
    """The facts that may be shown: declared in the vocabulary and not personal."""
    if vocabulary is None:
        return {}
    return {name: value for name, value in facts.items() if name in vocabulary and not vocabulary[name].personal}
