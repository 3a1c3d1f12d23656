"""Inputs of a decision before the rules are asked: the request and the event as they count."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.decision import Flag
from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.clocks.firing import Firing


class Inputs:
    """The request as event, life cycle and a ladder's step leave it, before the rules are asked."""

    __slots__ = ("counts", "event", "firing", "flags", "follow_ups", "ladders", "request")

    def __init__(
        self,
        event: Event,
        request: RequestState,
        ladders: Mapping[str, Ladder],
        firing: Firing | None,
        counts: dict[str, int],
        flags: list[Flag],
        follow_ups: list[Event],
    ) -> None:
        self.event = event
        """As it counts: a merge that is refused counts as a refusal."""
        self.request = request
        self.ladders = ladders
        self.firing = firing
        """What a timer event fires; None for other events and for timers that are stale."""
        self.counts = counts
        """Counts over windows, by field."""
        self.flags = flags
        self.follow_ups = follow_ups
        """Events for other requests."""
