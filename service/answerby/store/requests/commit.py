"""The commit: a decision with all its changes, packed into one Lua call."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from answerby.domain.request import RequestState
from answerby.store import codec
from answerby.store.connection import StoreOptions
from answerby.store.keys import TenantKeys, supersedes_digest, target_of, tenant_keys
from answerby.store.records import Commit, CommitOutcome, Committed, OutboxEntry
from answerby.store.scripts import Call

GROUP = "answerby"
"""The consumer group of every intake stream."""
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_pack = msgspec.msgpack.Encoder().encode
_text = bytes.decode
"""The server's MessagePack knows strings only, no binary data."""


class CommitCall(msgspec.Struct, kw_only=True):
    """The arguments of `lua/requests/commit.lua` beside the documents.

    `created` and marks are epoch us, timers and spans ms.
    """

    request_id: str
    payload_hash: str
    expected: int
    version: int
    sequence: int
    priority: str
    number_prefix: str
    created: int
    idempotency_ms: int
    window_ms: int
    timer: str
    timer_due: int
    timer_token: str
    cancel: list[str]
    arm_due: list[int | str]
    """Due time, member, due time, member, ..."""
    arm_data: list[str]
    """Member, JSON, member, JSON, ..."""
    marks: list[tuple[int, bool, int]]
    target: str
    outbox: list[tuple[str, list[tuple[str, str, str]]]]
    follow_ups: list[str]
    """Events for the intake, JSON."""
    stream_ack: str
    group: str


def commit_call(commit: Commit, options: StoreOptions) -> Call:
    """The Lua call of a commit. Raises ValueError for a decision without the state after it."""
    state = commit.decision.state
    if state is None:
        raise ValueError(f"decision {commit.decision.id} carries no state to commit")
    keys = tenant_keys(commit.tenant)
    boxes = _by_connector(commit.outbox)
    documents = (
        codec.encode(commit.event),
        codec.encode_state(state, commit.expected_version + 1),
        codec.encode_decision(commit.decision),
        codec.encode_facets(state),
    )
    packed = _pack(_arguments(commit, state, boxes, options))
    return Call("requests/commit", _key_names(commit, keys, list(boxes)), (packed, *documents))


def read_reply(reply: list[bytes | int]) -> Committed:
    """The result of the Lua call."""
    outcome = CommitOutcome(_string(reply[0]))
    if outcome is CommitOutcome.COMMITTED:
        number, sequence, entry = _string(reply[1]), int(reply[2]), _string(reply[3])
        return Committed(outcome=outcome, number=number, log_sequence=sequence, log_entry=entry)
    if outcome is CommitOutcome.DUPLICATE:
        return Committed(
            outcome=outcome,
            payload_hash=_string(reply[1]),
            sequence=int(reply[2]),
            request_id=_string(reply[3]),
            number=_string(reply[4]),
        )
    return Committed(outcome=outcome)


def _member(timer_id: str, request_id: str) -> str:
    return codec.encode_member(codec.TimerMember(timer_id, request_id))


def _key_names(commit: Commit, keys: TenantKeys, connectors: list[str]) -> list[str]:
    request_id = commit.event.request_id
    names = [
        keys.request(request_id),
        keys.events(request_id),
        keys.decisions(request_id),
        keys.idempotency(commit.event.source, commit.event.id),
        keys.log,
        keys.log_sequence,
        keys.index,
        keys.facets,
        keys.timers,
        keys.timer_data,
        keys.timer_claims,
        keys.serial(commit.decision.number_prefix),
        keys.intake,
        keys.outbox_entries,
        keys.outbox_meta,
        keys.counter,
        keys.outbox_connectors,
        keys.newest(request_id),
    ]
    names += [keys.window(mark.by, mark.value, mark.category) for mark in commit.window_marks]
    for connector in connectors:
        names += [keys.outbox_due(connector), keys.outbox_queue(connector), keys.outbox_ages(connector)]
    return names


def _arguments(
    commit: Commit, state: RequestState, boxes: dict[str, list[OutboxEntry]], options: StoreOptions
) -> CommitCall:
    request_id = commit.event.request_id
    decision = commit.decision
    timer = commit.timer
    arm_due: list[int | str] = []
    arm_data: list[str] = []
    for armed in decision.arm:
        member = _member(armed.id, request_id)
        arm_due += (codec.to_ms(armed.due), member)
        arm_data += (member, _text(codec.encode(armed)))
    priority = decision.facts.get("priority", "")
    return CommitCall(
        request_id=request_id,
        payload_hash=commit.payload_hash,
        expected=commit.expected_version,
        version=commit.expected_version + 1,
        sequence=decision.sequence,
        priority=priority if isinstance(priority, str) else "",
        number_prefix=decision.number_prefix,
        created=codec.to_us(state.created),
        idempotency_ms=options.idempotency_ttl // _MILLISECOND,
        window_ms=options.window_retention // _MILLISECOND,
        timer=_member(timer.timer.id, request_id) if timer else "",
        timer_due=codec.to_ms(timer.timer.due) if timer else 0,
        timer_token=str(timer.token) if timer else "",
        cancel=[_member(timer_id, request_id) for timer_id in decision.cancel],
        arm_due=arm_due,
        arm_data=arm_data,
        marks=_marks(commit, options),
        target=target_of(request_id),
        outbox=[(connector, [_boxed(entry) for entry in entries]) for connector, entries in boxes.items()],
        follow_ups=_follow_ups(commit),
        stream_ack=commit.stream_ack,
        group=GROUP,
    )


def _follow_ups(commit: Commit) -> list[str]:
    """The follow-up events of a commit. A past event must not cause events of today."""
    events = [] if commit.event.historical else commit.decision.follow_ups
    return [_text(codec.encode(event)) for event in events]


def _boxed(entry: OutboxEntry) -> tuple[str, str, str]:
    return entry.effect_id, supersedes_digest(entry.effect.supersedes), _text(codec.encode(entry))


def _marks(commit: Commit, options: StoreOptions) -> list[tuple[int, bool, int]]:
    retention = options.window_retention // _MICROSECOND
    times = [(codec.to_us(mark.at), mark.remove) for mark in commit.window_marks]
    return [(at, remove, at - retention) for at, remove in times]


def _by_connector(entries: list[OutboxEntry]) -> dict[str, list[OutboxEntry]]:
    boxes: dict[str, list[OutboxEntry]] = {}
    for entry in entries:
        boxes.setdefault(entry.connector, []).append(entry)
    return boxes


def _string(value: bytes | int) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
