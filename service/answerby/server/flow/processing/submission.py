"""An event handed in to be decided, and what became of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.store.records import DueTimer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Origin(StrEnum):
    """Where an event came from; a metric label."""

    RPC = "rpc"
    INTAKE = "intake"
    TIMER = "timer"


class Submission(NamedTuple):
    """An event to decide, and what its commit takes along."""

    event: Event
    origin: Origin = Origin.RPC
    payload_hash: str = ""
    """Tells a resend from a reused id; empty: that of the event."""
    stream_ack: str = ""
    """The intake entry that carried the event."""
    timer: DueTimer | None = None
    """The timer that this event consumes."""


class Processed(NamedTuple):
    """What became of an event. `decision` is None for a timer that was no longer due."""

    decision: Decision | None
    duplicate: bool = False


def payload_hash(event: Event) -> str:
    """SHA-256 of the event as sent; who sent it and whether it is a replay do not count."""
    canonical = msgspec.structs.replace(event, tenant="", historical=False)
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()


def identity_hash(event: Event) -> str:
    """For events that we make ourselves: the same source and id is the same event, however it is told again."""
    bare = msgspec.structs.replace(event, time=EPOCH, data={}, actor_id="")
    return payload_hash(bare)
