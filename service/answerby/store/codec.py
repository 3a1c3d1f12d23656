"""Conversions between domain types and stored bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from answerby.domain.alert import Alert, alert_of
from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.store.records import OutboxEntry, ScheduleRecord


def encode_typed(value: object) -> object:
    """The stored form of a type that is not plain JSON."""
    if isinstance(value, Alert):
        return value.code
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def _decode_typed(wanted: type, value: object) -> object:
    if wanted is Alert:
        return alert_of(str(value))
    raise NotImplementedError(f"{wanted.__name__} is not stored")


_encoder = msgspec.json.Encoder(enc_hook=encode_typed)
_state = msgspec.json.Decoder(RequestState, dec_hook=_decode_typed)
_event = msgspec.json.Decoder(Event)
_decision = msgspec.json.Decoder(Decision, dec_hook=_decode_typed)
_timer = msgspec.json.Decoder(Timer)
_entry = msgspec.json.Decoder(OutboxEntry)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

encode = _encoder.encode
decode_event = _event.decode


def encode_state(state: RequestState, version: int) -> bytes:
    """The state as stored under `version`. The version inside the state is replaced."""
    if state.version != version:
        state = msgspec.structs.replace(state, version=version)
    return encode(state)


def decode_state(raw: bytes, number: bytes | None) -> RequestState:
    """The state with the number from its commit."""
    state = _state.decode(raw)
    return state if not number or state.number else msgspec.structs.replace(state, number=number.decode())


def decode_state_of(raw: bytes, number: bytes | None, tenant: str, request_id: str) -> RequestState:
    """The state of this request. Raises ValueError for the state of another."""
    state = decode_state(raw, number)
    if (state.tenant, state.request_id) != (tenant, request_id):
        raise ValueError(f"the state is of request {state.request_id} of tenant {state.tenant}")
    return state


def encode_decision(decision: Decision) -> bytes:
    """The log entry of a decision, without the state after the decision."""
    return encode(decision if decision.state is None else msgspec.structs.replace(decision, state=None))


def decode_decision(raw: bytes, number: bytes | None) -> Decision:
    """A logged decision with the number from its commit."""
    decision = _decision.decode(raw)
    return decision if not number or decision.number else msgspec.structs.replace(decision, number=number.decode())


def decode_entry(raw: bytes, number: bytes, attempts: int) -> OutboxEntry:
    """An outbox entry with the values that changed after the entry was written."""
    entry = _entry.decode(raw)
    _require_zone(entry.created, "created")
    return msgspec.structs.replace(entry, number=entry.number or number.decode(), attempts=attempts)


def encode_facets(state: RequestState) -> bytes:
    """The filter fields of ListRequests as a JSON list."""
    return encode(facets_of(state))


def facets_of(state: RequestState) -> list[str]:
    """The filter fields of ListRequests: category, priority, status, department, breached (0 or 1)."""
    derived = state.derived
    breached = any(clock.breached for clock in state.clocks.values())
    return [
        _text(derived.get("category")),
        _text(derived.get("priority")),
        state.status.value,
        _text(derived.get("department")),
        "1" if breached else "0",
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value)


class TimerMember(NamedTuple):
    """A timer in the sorted set of all timers of its tenant."""

    timer_id: str
    request_id: str


def encode_member(member: TimerMember) -> str:
    """The member text of a timer. A timer id holds no control character, so the split is safe."""
    return "\x1f".join(member)


def decode_member(raw: bytes) -> TimerMember:
    return TimerMember(*raw.decode().split("\x1f", 1))


def decode_timer(raw: bytes, timer_id: str, due_ms: int) -> Timer:
    """The timer of this id and due time. Raises ValueError for another, which its commit could never remove."""
    timer = _timer.decode(raw)
    _require_zone(timer.due, "due")
    if timer.id != timer_id:
        raise ValueError(f"the timer has the id {timer.id}")
    if to_ms(timer.due) != due_ms:
        raise ValueError(f"the timer is due at {timer.due.isoformat()}, not at {from_ms(due_ms).isoformat()}")
    return timer


def _require_zone(instant: datetime, name: str) -> None:
    """Raises ValueError for a time without a zone, which cannot be compared with others."""
    if instant.tzinfo is None:
        raise ValueError(f"{name} has no time zone")


class Idempotency(NamedTuple):
    """The record that a commit keeps of an event, since the event may come again."""

    payload_hash: str
    sequence: int
    request_id: str


def decode_idempotency(raw: bytes) -> Idempotency:
    """The record in the form that the Lua call of a commit writes."""
    payload_hash, sequence, request_id = raw.decode().split(" ", 2)
    return Idempotency(payload_hash, int(sequence), request_id)


def encode_schedule(record: ScheduleRecord, generation: int) -> str:
    """The record in the form that the Lua calls of schedules write: since, the rulebook's generation, sequence."""
    return f"{to_ms(record.since)} {generation} {record.sequence}"


def decode_schedule(raw: bytes) -> ScheduleRecord:
    """The record in the form of `encode_schedule`. Raises ValueError."""
    since, generation, sequence = raw.decode().split(" ")
    if not (since.isdigit() and generation.isdigit() and sequence.isdigit()):
        raise ValueError("not three numbers: since, generation, sequence")
    return ScheduleRecord(since=from_ms(int(since)), sequence=int(sequence))


class StreamPlace(NamedTuple):
    """The place of an entry in its stream. A later entry has a larger place."""

    ms: int
    """The time of arrival at the server, by the server's clock."""
    number: int
    """The number among the entries of the same millisecond."""

    @property
    def time(self) -> datetime:
        return from_ms(self.ms)


def decode_place(stream_id: str) -> StreamPlace:
    """The place of an entry id."""
    ms, _, number = stream_id.partition("-")
    return StreamPlace(int(ms), int(number))


def to_us(instant: datetime) -> int:
    """Epoch microseconds, exact."""
    return (instant - _EPOCH) // _MICROSECOND


def to_ms(instant: datetime) -> int:
    """Epoch milliseconds, rounded up, so that a timer never fires early."""
    return -(-to_us(instant) // 1000)


def from_us(us: int) -> datetime:
    return _EPOCH + us * _MICROSECOND


def from_ms(ms: float) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
