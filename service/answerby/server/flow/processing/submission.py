"""Submission of an event for its decision, and the result."""

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
    """Origin of an event, which is a metric label."""

    RPC = "rpc"
    INTAKE = "intake"
    TIMER = "timer"


class Submission(NamedTuple):
    """An event to decide, with the other changes of its commit."""

    event: Event
    origin: Origin = Origin.RPC
    payload_hash: str = ""
    """Hash that separates a resend from a reused id; empty for the hash of the event."""
    stream_ack: str = ""
    """The intake entry that carried the event."""
    connector: str = ""
    """Name of the connector that brought the event; empty for a call."""
    account: str = ""
    """The account that this connector writes with, when the connector knows it."""
    timer: DueTimer | None = None
    """The timer that this event consumes."""


class Processed(NamedTuple):
    """Result of an event. `decision` is None for a timer that was no longer due."""

    decision: Decision | None
    duplicate: bool = False


def payload_hash(event: Event) -> str:
    """SHA-256 of the event as sent, without its tenant and its replay mark."""
    canonical = msgspec.structs.replace(event, tenant="", historical=False)
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()


def identity_hash(event: Event) -> str:
    """Hash without time, data and actor, for an event that its source and id identify."""
    bare = msgspec.structs.replace(event, time=EPOCH, data={}, actor_id="")
    return payload_hash(bare)
