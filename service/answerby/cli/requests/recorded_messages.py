"""Recorded requests from messages as domain types, with the parts of a decision that a backtest uses."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit
from answerby.domain.decision import Decision, Flag, RuleReference, StageExplanation, StageOutcome
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event
from answerby.domain.request import RequestStatus
from answerby.server.rpc.event_messages import ACTOR_ROLES
from answerby.server.rpc.values import instant_of, values_from
from answerby.workbench.backtest.recording import DecidedAt, RequestRecord, Timeline

PHASES = {
    pb.CLOCK_PHASE_RUNNING: ClockPhase.RUNNING,
    pb.CLOCK_PHASE_PAUSED: ClockPhase.PAUSED,
    pb.CLOCK_PHASE_STOPPED: ClockPhase.STOPPED,
    pb.CLOCK_PHASE_CANCELLED: ClockPhase.CANCELLED,
}
OUTCOMES = {
    pb.STAGE_OUTCOME_MATCHED: StageOutcome.MATCHED,
    pb.STAGE_OUTCOME_DEFAULTED: StageOutcome.DEFAULTED,
    pb.STAGE_OUTCOME_CONFLICT: StageOutcome.CONFLICT,
    pb.STAGE_OUTCOME_ERROR: StageOutcome.ERROR,
    pb.STAGE_OUTCOME_BY_HAND: StageOutcome.BY_HAND,
    pb.STAGE_OUTCOME_BY_LADDER: StageOutcome.BY_LADDER,
}
CASE = "case"


def recorded_from(message: rpc.RecordedRequest, tenant: str, *, with_decisions: bool) -> RequestRecord | Timeline:
    """A recorded request, with its decisions or only with their times."""
    events = [event_from_record(entry, tenant) for entry in message.events]
    created = moment(message.create_time)
    if with_decisions:
        return RequestRecord(
            request_id=message.request_id,
            created=created,
            events=events,
            decisions=[decision_from(entry.decision, tenant) for entry in message.events],
            number=message.number,
        )
    decided = [DecidedAt(e.event.source, e.event.id, moment(e.decide_time)) for e in message.events]
    return Timeline(message.request_id, created, events, decided, message.number)


def event_from_record(entry: rpc.RecordedEvent, tenant: str) -> Event:
    event = entry.event
    return Event(
        tenant=tenant,
        source=event.source,
        id=event.id,
        type=event.type,
        time=moment(event.time),
        request_id=event.request_id,
        actor=ACTOR_ROLES[event.actor],
        actor_id=event.actor_id,
        data=values_from(event.facts),
        historical=entry.historical,
    )


def decision_from(message: pb.Decision, tenant: str) -> Decision:
    """Of effects the kind, the role and the case; no scores and no rules in shadow mode."""
    return Decision(
        tenant=tenant,
        request_id=message.request_id,
        event_source=message.event_source,
        event_id=message.event_id,
        event_type=message.event_type,
        event_time=moment(message.event_time),
        decided=moment(message.decide_time),
        sequence=message.sequence,
        revision=message.revision,
        number=message.number,
        status=RequestStatus(message.status),
        facts=values_from(message.facts),
        clocks=[clock_from(clock) for clock in message.clocks],
        effects=[effect_from(effect) for effect in message.effects],
        explanation=[stage_from(stage) for stage in message.explanation],
        flags=[Flag(flag.code, flag.message) for flag in message.flags],
    )


def clock_from(message: pb.Clock) -> ClockState:
    days = message.target_working_days
    unit = TargetUnit.WORKING_DAYS if days else TargetUnit.SECONDS
    return ClockState(
        name=message.name,
        phase=PHASES[message.phase],
        target=Target(amount=days or message.target.seconds, unit=unit, calendar=message.calendar),
        started=moment(message.start_time),
        due=moment(message.due_time) if message.HasField("due_time") else None,
        stopped=moment(message.stop_time) if message.HasField("stop_time") else None,
        breached=message.breached,
        cycle=message.cycle,
        rule=message.rule,
    )


def effect_from(message: pb.Effect) -> Effect:
    payload = values_from({CASE: message.payload[CASE]}) if CASE in message.payload else {}
    return Effect(
        kind=EffectKind(message.kind), key=message.key, role=message.role, urgent=message.urgent, payload=payload
    )


def stage_from(message: pb.StageExplanation) -> StageExplanation:
    return StageExplanation(
        stage=message.stage,
        outcome=OUTCOMES[message.outcome],
        won=[rule_from(rule) for rule in message.won],
        lost=[rule_from(rule) for rule in message.lost],
        failed=[rule_from(rule) for rule in message.failed],
        facts=values_from(message.facts),
        outputs=values_from(message.outputs),
    )


def rule_from(message: pb.RuleReference) -> RuleReference:
    return RuleReference(message.id, message.file, message.line, message.because, clock=message.clock)


def moment(stamp: Timestamp) -> datetime:
    """An instant from a server's message."""
    found = instant_of(stamp)
    return found if found is not None else datetime(1970, 1, 1, tzinfo=UTC)
