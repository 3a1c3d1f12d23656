"""A recorded request: all known events of one request, in order."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from datetime import datetime

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.event import Event, Value


class RecordedEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event, decided as of `moment`. `order` ranks events of the same moment."""

    moment: datetime
    order: int
    event: Event


class RecordedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. Timers are left out: they follow from the rules."""

    request_id: str
    events: list[RecordedEvent]
    compared: bool = True
    """False: the request began before the period, and is replayed only because later requests are counted with it."""
    number: str = ""
    decisions: list[Decision] = []
    """The recorded decisions in order, those on timers included. Empty if they are unknown."""
    known_facts: dict[str, Value] = {}
    """The derived facts in the last row of an export."""
