"""Decisions and requests as protobuf messages, and decisions as bytes too.

Most parts of a reply repeat the reply before: rules, outputs, the usual values of facts. Joined pieces of a protobuf
message are the message. The usual pieces are therefore encoded once, kept, and joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit
from answerby.domain.decision import (
    LASTING_FLAGS,
    Decision,
    RuleReference,
    ScoreExplanation,
    ScoreFactor,
    ScoreOutcome,
    ShadowMatch,
    StageExplanation,
    StageOutcome,
)
from answerby.domain.effect import Effect
from answerby.domain.event import Value
from answerby.domain.request import RequestState
from answerby.rules.model.vocabulary import Vocabulary
from answerby.server.rpc.values import put_values, set_instant

MOST_KEPT = 4096
"""The number of kept pieces of each kind."""
LONGEST_KEPT = 2000
"""The largest kept fact in bytes. A longer fact rarely comes again."""

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
    StageOutcome.BY_HAND: pb.STAGE_OUTCOME_BY_HAND,
    StageOutcome.BY_LADDER: pb.STAGE_OUTCOME_BY_LADDER,
}

SCORE_OUTCOMES = {
    ScoreOutcome.SCORED: pb.SCORE_OUTCOME_SCORED,
    ScoreOutcome.INCOMPLETE: pb.SCORE_OUTCOME_INCOMPLETE,
    ScoreOutcome.ERROR: pb.SCORE_OUTCOME_ERROR,
}

_pack = msgspec.msgpack.Encoder().encode
_unpack_stage = msgspec.msgpack.Decoder(StageExplanation).decode


def decision_to(decision: Decision, now: datetime, *, brief: bool = False) -> pb.Decision:
    """The message of a decision. `now` decides whether a running clock is past its due time."""
    return pb.Decision.FromString(encode_decision(decision, now, brief=brief))


def encode_decision(decision: Decision, now: datetime, *, brief: bool = False) -> bytes:
    """The bytes of `decision_to`. A brief decision is without effects and explanation."""
    pieces = [_head(decision), FACTS.join(decision.facts)]
    pieces += [nested(pb.Decision.CLOCKS_FIELD_NUMBER, _clock(clock, now)) for clock in decision.clocks]
    if not brief:
        pieces += [nested(pb.Decision.EFFECTS_FIELD_NUMBER, _effect(effect)) for effect in decision.effects]
        pieces += [_stage(_pack(stage)) for stage in decision.explanation]
    return b"".join(pieces)


def nested(field: int, content: bytes) -> bytes:
    """A field that holds a message."""
    return _prefix(field, len(content)) + content


@lru_cache(MOST_KEPT)
def _prefix(field: int, size: int) -> bytes:
    return _varint(field << 3 | 2) + _varint(size)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first. The top bit announces further bytes."""
    if number < 128:
        return bytes((number,))
    return bytes((number & 127 | 128,)) + _varint(number >> 7)


def _head(decision: Decision) -> bytes:
    """The fields that belong to this decision alone."""
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
        data=decision.data,
        flags=[pb.Flag(code=flag.code, message=flag.message) for flag in decision.flags],
    )
    times = [(pb.Decision.EVENT_TIME_FIELD_NUMBER, decision.event_time)]
    times.append((pb.Decision.DECIDE_TIME_FIELD_NUMBER, decision.decided))
    if (due := decision.next_due) is not None and due.due is not None:
        times.append((pb.Decision.NEXT_DUE_TIME_FIELD_NUMBER, due.due))
    return message.SerializeToString() + b"".join(_instant(field, moment) for field, moment in times)


def clock_to(clock: ClockState, now: datetime) -> pb.Clock:
    """The message of a clock. `now` decides whether a running clock is past its due time."""
    return pb.Clock.FromString(_clock(clock, now))


def _clock(clock: ClockState, now: datetime) -> bytes:
    late = clock.phase is ClockPhase.RUNNING and clock.due is not None and clock.due < now
    encoded = _clock_kind(clock.name, clock.phase, clock.breached or late, clock.target, clock.cycle, clock.rule)
    encoded += _instant(pb.Clock.START_TIME_FIELD_NUMBER, clock.started)
    if clock.due is not None and clock.phase is not ClockPhase.PAUSED:
        encoded += _instant(pb.Clock.DUE_TIME_FIELD_NUMBER, clock.due)
    if clock.stopped is not None:
        encoded += _instant(pb.Clock.STOP_TIME_FIELD_NUMBER, clock.stopped)
    return encoded


@lru_cache(MOST_KEPT)
def _clock_kind(name: str, phase: ClockPhase, breached: bool, target: Target, cycle: int, rule: str) -> bytes:
    """A clock without its times."""
    message = pb.Clock(
        name=name, phase=PHASES[phase], breached=breached, calendar=target.calendar, cycle=cycle, rule=rule
    )
    if target.unit is TargetUnit.WORKING_DAYS:
        message.target_working_days = target.amount
    else:
        message.target.seconds = target.amount
        message.target.SetInParent()
    return message.SerializeToString()


# The clocks of a request share their start, and many requests their due times.
@lru_cache(MOST_KEPT)
def _instant(field: int, moment: datetime) -> bytes:
    message = Timestamp()
    set_instant(message, moment)
    return nested(field, message.SerializeToString())


def _effect(effect: Effect) -> bytes:
    head = pb.Effect(kind=effect.kind, key=effect.key, role=effect.role, urgent=effect.urgent)
    return head.SerializeToString() + PAYLOAD.join(effect.payload)


@lru_cache(MOST_KEPT)
def _stage(packed: bytes) -> bytes:
    """A decision with only this stage in its explanation."""
    return pb.Decision(explanation=[_stage_message(_unpack_stage(packed))]).SerializeToString()


def _rule(rule: RuleReference) -> pb.RuleReference:
    message = pb.RuleReference(id=rule.id, file=rule.file, line=rule.line, because=rule.because, clock=rule.clock)
    put_values(message.outputs, rule.outputs)
    return message


def _stage_message(stage: StageExplanation) -> pb.StageExplanation:
    message = pb.StageExplanation(stage=stage.stage, outcome=OUTCOMES[stage.outcome])
    message.won.extend(_rule(rule) for rule in stage.won)
    message.lost.extend(_rule(rule) for rule in stage.lost)
    message.failed.extend(_rule(rule) for rule in stage.failed)
    put_values(message.facts, stage.facts)
    put_values(message.outputs, stage.outputs)
    message.shadow.extend(_shadow(match) for match in stage.shadow)
    message.scores.extend(_score(score) for score in stage.scores)
    return message


def _shadow(match: ShadowMatch) -> pb.ShadowMatch:
    message = pb.ShadowMatch(rule=_rule(match.rule), failed=match.failed, wins=match.wins)
    put_values(message.changes, match.changes)
    put_values(message.facts, match.facts)
    return message


def _score(score: ScoreExplanation) -> pb.ScoreExplanation:
    message = pb.ScoreExplanation(
        id=score.id,
        file=score.file,
        line=score.line,
        because=score.because,
        method=score.method,
        outcome=SCORE_OUTCOMES[score.outcome],
        factors=[_factor(factor) for factor in score.factors],
        tie_break=None if score.tie_break is None else _factor(score.tie_break),
        arithmetic=score.arithmetic,
        problem=score.problem,
    )
    put_values(message.outputs, score.outputs)
    return message


def _factor(factor: ScoreFactor) -> pb.ScoreFactor:
    message = pb.ScoreFactor(
        name=factor.name, field=factor.field, number=factor.number, weight=factor.weight, assumed=factor.assumed
    )
    if factor.value is not None:
        message.value.CopyFrom(_fact(factor.value))
    return message


def _fact(value: Value) -> pb.FactValue:
    holder = pb.StageExplanation()
    put_values(holder.facts, {"": value})
    return holder.facts[""]


class FactPieces:
    """The entries of a map field of facts. `encode` gives the bytes of a message with only these facts."""

    def __init__(self, encode: Callable[[Mapping[str, object]], bytes]) -> None:
        self._encode = encode
        self._kept: dict[tuple[object, ...], bytes] = {}

    def join(self, facts: Mapping[str, Value]) -> bytes:
        kept = self._kept
        pieces = []
        for name, value in facts.items():
            # The type is part of the key, because 1, 1.0 and True are equal.
            key = (name, tuple(value)) if isinstance(value, list) else (name, value, type(value))
            pieces.append(kept.get(key) or self._piece(key, name, value))
        return b"".join(pieces)

    def _piece(self, key: tuple[object, ...], name: str, value: Value) -> bytes:
        piece = self._encode({name: value})
        if len(piece) <= LONGEST_KEPT:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = piece
        return piece


def _with_facts(facts: Mapping[str, object]) -> bytes:
    message = pb.Decision()
    put_values(message.facts, facts)
    return message.SerializeToString()


def _with_payload(payload: Mapping[str, object]) -> bytes:
    message = pb.Effect()
    put_values(message.payload, payload)
    return message.SerializeToString()


FACTS = FactPieces(_with_facts)
PAYLOAD = FactPieces(_with_payload)


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
    message.clocks.extend(pb.Clock.FromString(_clock(clock, now)) for clock in state.clocks.values())
    return message


FLAGGED_DECISIONS = 5
"""So many of a request's latest decisions tell its flags."""


def lasting_flags(decisions: Iterable[Decision]) -> list[pb.Flag]:
    """The flags of a request's latest decisions, newest first, that concern a person beyond the decision; each once."""
    found = {
        (flag.code, flag.message): None
        for decision in islice(decisions, FLAGGED_DECISIONS)
        for flag in decision.flags
        if flag.code in LASTING_FLAGS
    }
    return [pb.Flag(code=code, message=message) for code, message in found]


def public_facts(facts: Mapping[str, Value], vocabulary: Vocabulary | None) -> dict[str, Value]:
    """The public facts: declared in the vocabulary and not personal."""
    if vocabulary is None:
        return {}
    return {name: value for name, value in facts.items() if name in vocabulary and not vocabulary[name].personal}
