"""What goes into the store and comes out of it, beside the domain's own types."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.window import WindowMark, WindowQuery


class StoredReply(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to an event before. `decision` is None when the id was used for another request."""

    payload_hash: str
    request_id: str
    sequence: int
    decision: Decision | None


class LoadQuery(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    request_id: str
    source: str
    event_id: str
    windows: list[WindowQuery] = []


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to decide one event."""

    state: RequestState | None
    duplicate: StoredReply | None
    counts: dict[str, int] = {}

    @property
    def version(self) -> int:
        """What a commit must expect."""
        return self.state.version if self.state is not None else 0


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One effect for one connector. `number` and `attempts` are filled in when it is leased."""

    effect_id: str
    tenant: str
    request_id: str
    connector: str
    effect: Effect
    decision_sequence: int
    created: datetime
    source: str = ""
    number: str = ""
    attempts: int = 0
    """Deliveries begun before this one."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to deliver one entry until the lease ends; `token` fences off whoever held it before."""

    entry: OutboxEntry
    token: int
    previous_unknown: bool
    """An earlier attempt may have reached the platform: read before you write."""


class CompletionKind(StrEnum):
    DONE = "done"
    DEAD = "dead"
    RETRY = "retry"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """How a delivery ended. `unknown` with a retry: the platform may have done it."""

    kind: CompletionKind
    reason: str = ""
    retry_at: datetime | None = None
    unknown: bool = False

    @classmethod
    def done(cls) -> Completion:
        return cls(kind=CompletionKind.DONE)

    @classmethod
    def dead(cls, reason: str) -> Completion:
        return cls(kind=CompletionKind.DEAD, reason=reason)

    @classmethod
    def retry(cls, at: datetime, *, unknown: bool = False, reason: str = "") -> Completion:
        return cls(kind=CompletionKind.RETRY, retry_at=at, unknown=unknown, reason=reason)


class DeadEffect(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox entry given up; `id` names it in the dead-letter list."""

    id: str
    entry: OutboxEntry
    reason: str
    died: datetime


class QueueDepth(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits for a connector, and since when (None: nothing does)."""

    connector: str
    waiting: int
    oldest: datetime | None


class DueTimer(msgspec.Struct, frozen=True, kw_only=True):
    """A timer that is due and claimed by the caller until the claim ends."""

    tenant: str
    request_id: str
    timer: Timer
    token: int


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How far a schedule of a tenant has come."""

    since: datetime
    """Occurrences after this are still to come, or were missed."""
    sequence: int
    """How often it has fired."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """All that one decision changes. `decision.state` is the state after it."""

    tenant: str
    event: Event
    payload_hash: str
    """Hexadecimal digest of the event as sent; tells a resend from a reused id."""
    decision: Decision
    expected_version: int
    """`Loaded.version`: the state that was decided upon."""
    outbox: list[OutboxEntry] = []
    window_marks: list[WindowMark] = []
    stream_ack: str = ""
    """The intake entry that carried the event."""
    timer: DueTimer | None = None
    """The timer that this event consumes."""


class CommitOutcome(StrEnum):
    COMMITTED = "committed"
    VERSION_CONFLICT = "version_conflict"
    """Another event of the request came first: load again and decide again."""
    DUPLICATE = "duplicate"
    """The event was accepted before: compare `payload_hash`, then answer with the stored decision."""


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a commit."""

    outcome: CommitOutcome
    number: str = ""
    log_sequence: int = 0
    payload_hash: str = ""
    """Of the event accepted before, when a duplicate."""
    request_id: str = ""
    sequence: int = 0


class LoggedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the watch log; `token` resumes after it."""

    token: str
    log_sequence: int
    decision: Decision


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Combined with and; an empty tuple means any."""

    categories: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    breached_only: bool = False


class RequestPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page may hold fewer requests than asked for; only an empty `next_token` is the end."""

    requests: list[RequestState]
    next_token: str = ""


class IntakeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event from the intake stream. `event` is None when the payload cannot be read; `error` says why."""

    tenant: str
    id: str
    place: tuple[int, int]
    """In the stream; a later entry has a larger one."""
    payload: bytes
    event: Event | None
    error: str = ""
    deliveries: int = 1


class StaleClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken over from consumers that died."""

    entries: list[IntakeEntry] = []
    poisoned: list[str] = []
    """Stream ids moved to the dead letters because they were delivered too often."""
    lost: list[str] = []
    """Stream ids that were pending, but deleted from the stream: lost data, raise an alarm."""


class DeadIntake(msgspec.Struct, frozen=True, kw_only=True):
    """An intake entry given up; `id` names it in the dead-letter list."""

    id: str
    stream_id: str
    payload: bytes
    reason: str
    deliveries: int
    died: datetime
