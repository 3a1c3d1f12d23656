"""Every Redis key of answerby, in one place.

A key is the root of its tenant, the kind of the key, and then at most one free part, such as a request id. Nothing
follows the free part, so no two keys have one name, whatever the ids are. Another layout needs another schema version,
see `answerby.store.schema`.

All keys of a tenant carry the hash tag `{tenant}`, so that one Lua call may use all of them on a Redis Cluster too.
A key name never holds personal data: customer identities and event ids are hashed.

Units: scores named "ms" are epoch milliseconds, "us" epoch microseconds.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from answerby.domain.errors import FieldViolation, InvalidInput

SCHEMA = "ab:schema"
"""The schema version of the store, an integer. A program refuses a later version."""
TENANTS = "ab:tenants"
"""set: every tenant that ever stored data. This key and the next keys are outside every tenant's hash tag."""

UNREADABLE = "ab:unreadable"
"""hash id -> UnreadableRecord JSON, of records that belong to no tenant."""
STORE = "ab:store"
"""hash: id of the store, settled a counter that is written only to wait for its sync."""

_RULEBOOK = "ab:rulebook:{live}:"
"""The rulebook is the same for every tenant. The keys of the rulebook share a hash tag of their own."""
RULEBOOK_ACTIVE = _RULEBOOK + "active"
"""Pointer JSON: the revision that decides, its generation, and the targets of a rollback."""
RULEBOOK_STAGED = _RULEBOOK + "staged"
"""Staged JSON: the revision that every worker makes ready now. Expires."""
RULEBOOK_PROBLEM = _RULEBOOK + "problem"
"""Problem JSON: the last change, when the change was refused. Deleted once a change is good."""
RULEBOOK_REVISIONS = _RULEBOOK + "revisions"
"""hash revision -> Revision JSON, as first kept."""
RULEBOOK_FILES = _RULEBOOK + "files"
"""hash revision -> its files, compressed."""
RULEBOOK_AUTHORS = _RULEBOOK + "authors"
"""hash revision -> names of all authors of this content, one a line."""
RULEBOOK_VERDICTS = _RULEBOOK + "verdicts"
"""hash revision -> Verdict JSON of the last approver."""
RULEBOOK_ORDER = _RULEBOOK + "order"
"""zset revision -> time of the latest upload, us. The oldest revisions go first when there are too many."""
RULEBOOK_SEEN = _RULEBOOK + "seen"
"""hash digest of a folder's files -> their revision. The entry outlives the revision."""
RULEBOOK_SEEN_AGE = _RULEBOOK + "seen:age"
"""zset digest -> time of the latest use, us."""
RULEBOOK_HISTORY = _RULEBOOK + "history"
"""list of Activation JSON, newest first, bounded."""
RULEBOOK_CANDIDATE = _RULEBOOK + "candidate"
"""Candidate JSON: the revision on trial that decides beside the active one."""
RULEBOOK_CANDIDATE_COUNTS = _RULEBOOK + "candidate:counts"
"""hash difference in the outcome -> number."""
RULEBOOK_CANDIDATE_DIFFERENCES = _RULEBOOK + "candidate:differences"
"""list DifferenceKept JSON, newest first."""
RULEBOOK_WORKERS = _RULEBOOK + "workers"
"""hash worker -> "ms Heartbeat JSON", ms by the server's clock. Silent workers are dropped."""


class TenantKeys:
    """The key names of one tenant. Raises InvalidInput for a name that would break the hash tag."""

    def __init__(self, tenant: str) -> None:
        if not tenant or "{" in tenant or "}" in tenant:
            raise InvalidInput([FieldViolation("tenant", "must be non-empty and without braces")])
        self.tenant = tenant
        root = f"ab:{{{tenant}}}"
        self._request = f"{root}:request:"
        self._events = f"{root}:events:"
        self._decisions = f"{root}:decisions:"
        self._idempotency = f"{root}:idem:"
        self._window = f"{root}:win:"
        self._serial = f"{root}:serial:"
        self._outbox = f"{root}:out:"
        self._poll = f"{root}:poll:"
        self._newest = f"{root}:newest:"
        self._deliveries = f"{root}:deliveries:"

        self.index = f"{root}:requests"
        """zset request id -> created, us: the order of ListRequests."""
        self.facets = f"{root}:facets"
        """hash request id -> the filter fields of ListRequests, see codec.encode_facets."""
        self.log = f"{root}:log"
        """stream of decisions, the watch log: n sequence, r request id, p priority, u number, d decision JSON."""
        self.log_sequence = f"{root}:log:seq"
        """counter: sequence number of the newest log entry. The number proves to consumers that no entry is missing."""
        self.timers = f"{root}:timers"
        """zset timer member -> due, ms."""
        self.timer_data = f"{root}:timers:data"
        """hash timer member -> Timer JSON."""
        self.timer_claims = f"{root}:timers:claims"
        """hash request id -> "token timers-left expiry-ms": the worker that handles the due timers of a request."""
        self.schedules = f"{root}:schedules"
        """hash schedule -> "since-ms generation sequence": the progress and the number of firings."""
        self.schedule_claims = f"{root}:schedules:claims"
        """hash schedule -> "token expiry-ms": the worker that goes through the requests for the schedule."""
        self._schedule_decisions = f"{root}:schedules:dec:"
        self.counter = f"{root}:counter"
        """counter: fencing tokens and the order of outbox entries. Numbers are unique and rise within the tenant."""
        self.intake = f"{root}:in"
        """stream of events that wait for a decision: e event JSON."""
        self.intake_dead = f"{root}:in:dead"
        """stream of intake entries given up: i stream id, e payload, w reason, n deliveries."""
        self.outbox_entries = f"{root}:out:entries"
        """hash effect id -> OutboxEntry JSON, until delivered or dead."""
        self.outbox_meta = f"{root}:out:meta"
        """hash effect id -> "attempts flag number". Flag: - waiting, L leased, U outcome unknown, U@<ms> unknown and
        no attempt before that time."""
        self.outbox_dead = f"{root}:out:dead"
        """stream of outbox entries given up: c connector, e entry JSON, u number, a attempts, w reason."""
        self.outbox_connectors = f"{root}:out:connectors"
        """set of the connectors that ever had an entry."""
        self.unreadable = f"{root}:unreadable"
        """hash id -> UnreadableRecord JSON: records that this version cannot read."""

    def request(self, request_id: str) -> str:
        """hash: s RequestState JSON, v version, n number."""
        return self._request + request_id

    def events(self, request_id: str) -> str:
        """List of Event JSON, oldest first."""
        return self._events + request_id

    def decisions(self, request_id: str) -> str:
        """List of Decision JSON without state. The decision with sequence n is at index n - 1."""
        return self._decisions + request_id

    def newest(self, request_id: str) -> str:
        """Hash "connector supersedes-digest" -> sequence of the newest decision of the request with such an effect."""
        return self._newest + request_id

    def deliveries(self, request_id: str) -> str:
        """List of "first-ms last-ms count DeliveryRecord JSON", oldest first, bounded."""
        return self._deliveries + request_id

    def schedule_decisions(self, schedule: str) -> str:
        """List of Decision JSON of a schedule, oldest first, bounded."""
        return self._schedule_decisions + schedule

    def idempotency(self, source: str, event_id: str) -> str:
        """String "payload-hash sequence request-id", expires."""
        return self._idempotency + _digest(source, event_id)

    def window(self, by: str, value: str, category: str) -> str:
        """Zset request id -> time, us: requests of one category by one customer. Expires."""
        return f"{self._window}{_digest(by, value)}:{category}"

    def serial(self, prefix: str) -> str:
        """counter: the last serial given to request numbers that begin with `prefix`."""
        return self._serial + prefix

    def poll(self, connector: str) -> str:
        """hash: token and until (ms) of the worker that polls, cursor, page a count, since and complete in ms."""
        return self._poll + connector

    def outbox_due(self, connector: str) -> str:
        """Zset target -> next attempt, ms. A target is one request at one connector. Leased ones lie in the future.

        Entries that nobody has tried have an earlier time by their priority, see lua_parts/urgency.lua.
        """
        return f"{self._outbox}due:{connector}"

    def outbox_queue(self, connector: str) -> str:
        """Zset by name, since all scores are 0: "target:order:supersedes-digest:effect id", FIFO per target."""
        return f"{self._outbox}queue:{connector}"

    def outbox_ages(self, connector: str) -> str:
        """Zset effect id -> enqueued, ms: depth and age of the queue."""
        return f"{self._outbox}ages:{connector}"

    def outbox_leases(self, connector: str) -> str:
        """Hash target -> "token effect-id": the lease that may complete the effect in flight."""
        return f"{self._outbox}leases:{connector}"

    def outbox_life(self, connector: str) -> str:
        """Hash: the state of a connector, for all workers. Times are ms.

        pause PauseRecord JSON. hold the reason of the platform, hold_at, hold_mark of the settings, probe_at.
        until no lease before. window the most in flight, after a wait. epoch answers to earlier tokens say nothing.
        fails in a row. openings rests in a row. good_at the last good answer. why the last bad one.
        tokens and filled of the rate.
        """
        return f"{self._outbox}life:{connector}"


@lru_cache(maxsize=1024)
def tenant_keys(tenant: str) -> TenantKeys:
    """The keys of a tenant, built once. Raises InvalidInput."""
    return TenantKeys(tenant)


def target_of(request_id: str) -> str:
    """The fixed-width name of a request in outbox keys."""
    return _digest("target", request_id)


def supersedes_digest(supersedes: str) -> str:
    """The fixed-width name of a supersedes mark. "-" for an effect that replaces nothing."""
    return _digest("supersedes", supersedes)[:16] if supersedes else "-"


def _digest(kind: str, value: str) -> str:
    # The length keeps ("a", "bc") and ("ab", "c") apart.
    return hashlib.sha256(f"{len(kind)}:{kind}{value}".encode()).hexdigest()[:32]
