"""A story: all that is known to have happened to one request, in order."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from datetime import datetime

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.event import Event, Value


class RecordedEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event, decided as of `moment`. `order` settles which of two at the same moment came first."""

    moment: datetime
    order: int
    event: Event


class RecordedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. Timers are no part of it: they follow from the rules."""

    request_id: str
    events: list[RecordedEvent]
    compared: bool = True
    """False: it began before what is looked at, and is decided only because later ones are counted with it."""
    number: str = ""
    decisions: list[Decision] = []
    """What was really decided, timers included, in order; empty when that is not known."""
    known_facts: dict[str, Value] = {}
    """What the export says of decided facts, as of its last row."""
