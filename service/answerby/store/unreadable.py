"""Unreadable records: stored bytes that this version cannot understand, each in a dead list with its reason.

A record that only its owner needs stays in its place, and calls that need it fail with RecordUnreadable. A record that
a loop would meet again and again, such as a timer, also leaves its place. Everything else goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

import msgspec

from answerby.domain.errors import AnswerbyError, RecordUnreadable, StoreUnavailable
from answerby.store.connection import Connection
from answerby.store.keys import UNREADABLE, tenant_keys

T = TypeVar("T")

UNDECODABLE = (msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError, OverflowError, zlib.error)
"""The errors of decoding bytes of any content."""


class RecordKind(StrEnum):
    """The kinds of stored records, and the labels of their metric."""

    TIMER = "timer"
    EFFECT = "effect"
    SCHEDULE = "schedule"
    STATE = "state"
    EVENT = "event"
    DECISION = "decision"
    IDEMPOTENCY = "idempotency"
    LOG = "log"
    TENANT = "tenant"
    CANDIDATE = "candidate"
    COUNT = "count"
    DIFFERENCE = "difference"
    REVISION = "revision"
    FILES = "files"
    VERDICT = "verdict"
    ACTIVATION = "activation"
    POINTER = "pointer"
    STAGED = "staged"
    PROBLEM = "problem"
    HEARTBEAT = "heartbeat"
    KEY = "key"
    """A whole key, such as one of another type."""


class Place(NamedTuple):
    """The place of a record. `tenant` is empty for what belongs to no tenant."""

    kind: RecordKind
    tenant: str
    key: str
    name: str = ""
    """The field, the member or the index within the key."""

    def __str__(self) -> str:
        return f"key {self.key}, {self.name}" if self.name else f"key {self.key}"


class UnreadableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the dead list. `raw` holds its bytes."""

    id: str
    kind: RecordKind
    tenant: str
    key: str
    name: str
    reason: str
    raw: bytes
    found: datetime
    """When the record was first met."""


class Undecodable(Exception):
    """Bytes that are no record of their kind. `Unreadables.note` makes it known."""

    def __init__(self, place: Place, raw: bytes, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.raw = raw
        self.reason = reason


_encode = msgspec.json.Encoder().encode
_record = msgspec.json.Decoder(UnreadableRecord)


def decoded(place: Place, raw: bytes, decode: Callable[..., T], *rest: object) -> T:
    """The record in these bytes. Raises Undecodable."""
    try:
        return decode(raw, *rest)
    except UNDECODABLE as error:
        raise Undecodable(place, raw, str(error) or type(error).__name__) from error


class Unreadables:
    """The dead list of every tenant, and of what belongs to no tenant. All methods raise StoreUnavailable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listeners: list[Callable[[UnreadableRecord], None]] = []

    def listen(self, listener: Callable[[UnreadableRecord], None]) -> None:
        """Calls `listener` for each record that is noted for the first time."""
        self._listeners.append(listener)

    async def note(self, found: Undecodable) -> RecordUnreadable:
        """Puts a record into the dead list, once for the same bytes in its place. Returns the error for callers."""
        place = found.place
        identity = "\0".join(place).encode() + b"\0" + found.raw
        record = UnreadableRecord(
            id=hashlib.sha256(identity).hexdigest()[:32],
            kind=place.kind,
            tenant=place.tenant,
            key=place.key,
            name=place.name,
            reason=found.reason,
            raw=found.raw,
            found=await self._connection.time(),
        )
        if await self._keep(record):
            self.tell(record)
        return RecordUnreadable(
            f"the store holds a {place.kind} that this version cannot read ({place}): {found.reason}; restore the "
            f"record, or run the version that wrote it. Everything else goes on"
        )

    async def note_key(self, tenant: str, key: str, error: AnswerbyError) -> None:
        """Puts a whole key that cannot be used into the dead list. Raises StoreUnavailable where `error` is one."""
        if isinstance(error, StoreUnavailable):
            raise error
        await self.note(Undecodable(Place(RecordKind.KEY, tenant, key), b"", error.message))

    def tell(self, record: UnreadableRecord) -> None:
        """Tells the listeners of a record that another dead list holds."""
        for listener in self._listeners:
            listener(record)

    async def all(self, tenant: str = "") -> list[UnreadableRecord]:
        """The dead list of a tenant, or of what belongs to no tenant, oldest first.

        An entry that this version cannot read is left out.
        """
        records = []
        for raw in await self._connection.execute("HVALS", _key(tenant)):
            with contextlib.suppress(*UNDECODABLE):
                records.append(_record.decode(raw))
        return sorted(records, key=lambda record: (record.found.timestamp(), record.id))

    async def discard(self, tenant: str, record_id: str) -> bool:
        """Deletes a record of the dead list. False when no record has this id."""
        return bool(await self._connection.execute("HDEL", _key(tenant), record_id))

    async def _keep(self, record: UnreadableRecord) -> bool:
        """Whether the record is new. A dead list that cannot be used makes no other record unreadable."""
        try:
            return bool(await self._connection.execute("HSETNX", _key(record.tenant), record.id, _encode(record)))
        except StoreUnavailable:
            raise
        except AnswerbyError:
            return True


def _key(tenant: str) -> str:
    return tenant_keys(tenant).unreadable if tenant else UNREADABLE
