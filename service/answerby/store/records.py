"""Records that enter and leave the store, beside the domain's own types."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.window import WindowMark, WindowQuery


class StoredReply(msgspec.Struct, frozen=True, kw_only=True):
    """The stored answer to an earlier event. `decision` is None when the id belongs to an event of another request."""

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
    """All data that the decision on one event needs."""

    state: RequestState | None
    duplicate: StoredReply | None
    counts: dict[str, int] = {}

    @property
    def version(self) -> int:
        """The version that a commit must expect."""
        return self.state.version if self.state is not None else 0


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One effect for one connector. The lease fills in `number` and `attempts`."""

    rank: int | None = None
    """Urgency of the request at the decision, 0 first, at most 8. The Lua commands read it at the start of the JSON."""
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
    """The number of deliveries that began before this one."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to deliver one entry until the lease ends. `token` locks out earlier holders."""

    entry: OutboxEntry
    token: int
    previous_unknown: bool
    """An earlier attempt may have reached the platform. The connector must read before writing."""


class CompletionKind(StrEnum):
    DONE = "done"
    DEAD = "dead"
    RETRY = "retry"
    HELD = "held"
    """The attempt does not count, since the platform refuses the whole connector."""


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a delivery. `unknown` with a retry: the platform may have carried out the effect."""

    kind: CompletionKind
    reason: str = ""
    wait: timedelta = timedelta()
    """The wait of a retry, from its completion on by the server's clock."""
    settle: timedelta = timedelta()
    """The part of the wait that stands even if the platform answers others again."""
    unknown: bool = False

    @classmethod
    def done(cls) -> Completion:
        return cls(kind=CompletionKind.DONE)

    @classmethod
    def dead(cls, reason: str) -> Completion:
        return cls(kind=CompletionKind.DEAD, reason=reason)

    @classmethod
    def held(cls, reason: str, *, unknown: bool = False) -> Completion:
        return cls(kind=CompletionKind.HELD, reason=reason, unknown=unknown)

    @classmethod
    def retry(
        cls, wait: timedelta, *, unknown: bool = False, reason: str = "", settle: timedelta = timedelta()
    ) -> Completion:
        return cls(kind=CompletionKind.RETRY, wait=wait, unknown=unknown, reason=reason, settle=settle)


class DeadEffect(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox entry that was given up. `id` names the entry in the dead-letter list."""

    id: str
    connector: str
    entry: OutboxEntry | None
    """None where the entry cannot be read."""
    payload: bytes
    reason: str
    died: datetime


class QueueDepth(msgspec.Struct, frozen=True, kw_only=True):
    """The number of entries that wait for a connector, and the start of the wait. None: no entry waits."""

    connector: str
    waiting: int
    oldest: datetime | None


class DueTimer(msgspec.Struct, frozen=True, kw_only=True):
    """A due timer that the caller has claimed until the claim ends."""

    tenant: str
    request_id: str
    timer: Timer
    token: int
    claimed: datetime
    """The time of the claim, by the server's clock."""


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a schedule of a tenant."""

    since: datetime
    """Occurrences after this moment are still to come, or were missed."""
    sequence: int
    """The number of firings so far."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of one decision. `decision.state` is the state after the decision."""

    tenant: str
    event: Event
    payload_hash: str
    """Hexadecimal digest of the event as sent. The digest separates a resend from a reused id."""
    decision: Decision
    expected_version: int
    """`Loaded.version`: the version of the state under the decision."""
    outbox: list[OutboxEntry] = []
    window_marks: list[WindowMark] = []
    stream_ack: str = ""
    """The intake entry that carried the event."""
    timer: DueTimer | None = None
    """The timer that this event consumes."""


class CommitOutcome(StrEnum):
    COMMITTED = "committed"
    VERSION_CONFLICT = "version_conflict"
    """Another event of the request came first. The caller must load and decide again."""
    DUPLICATE = "duplicate"
    """The event was accepted before. The caller compares `payload_hash`, then answers with the stored decision."""


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a commit."""

    outcome: CommitOutcome
    number: str = ""
    log_sequence: int = 0
    log_entry: str = ""
    """The id of the entry in the decision log, which no other entry has, also after the store went back."""
    payload_hash: str = ""
    """The hash of the event accepted before, for a duplicate."""
    request_id: str = ""
    sequence: int = 0


class LoggedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the watch log. Reading resumes after `token`."""

    token: str
    log_sequence: int
    decision: Decision | None
    unreadable: str = ""
    """The reason where the entry cannot be read. `decision` is then None."""


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that must all hold. An empty tuple means any."""

    categories: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    breached_only: bool = False


class RequestPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page may hold fewer requests than asked for. Only an empty `next_token` is the end."""

    requests: list[RequestState]
    next_token: str = ""
    unreadable: list[str] = []
    """Ids of requests on this page that cannot be read."""


class IntakeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event from the intake stream. `event` is None when the payload is unreadable. `error` holds the reason."""

    tenant: str
    id: str
    place: tuple[int, int]
    """The place in the stream. A later entry has a larger place."""
    payload: bytes
    event: Event | None
    error: str = ""
    deliveries: int = 1


class StaleClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The entries taken over from consumers that died."""

    entries: list[IntakeEntry] = []
    poisoned: list[str] = []
    """Stream ids of entries that were delivered too often and moved to the dead letters."""
    lost: list[str] = []
    """Stream ids that were pending, but deleted from the stream. They are lost data: raise an alarm."""


class DeadIntake(msgspec.Struct, frozen=True, kw_only=True):
    """An intake entry that was given up. `id` names the entry in the dead-letter list."""

    id: str
    stream_id: str
    payload: bytes
    reason: str
    deliveries: int
    died: datetime
