"""Inputs of the rules: the request and the event after life cycle, merges and ladder steps."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.decision import Flag
from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.reply_policy import Reply
from answerby.domain.request import RequestState
from answerby.engine.clocks.firing import Firing
from answerby.sla.clock_inputs import MessageStart


class Inputs:
    """The request and the event as the rules see them."""

    __slots__ = ("counts", "event", "firing", "flags", "follow_ups", "ladders", "messages", "reply", "request")

    def __init__(
        self,
        event: Event,
        request: RequestState,
        ladders: Mapping[str, Ladder],
        firing: Firing | None,
        counts: dict[str, int],
        flags: list[Flag],
        follow_ups: list[Event],
        messages: Mapping[str, MessageStart],
        reply: Reply | None = None,
    ) -> None:
        self.event = event
        """The event that counts: a refused merge is a refusal."""
        self.request = request
        self.ladders = ladders
        self.firing = firing
        """The firing of a timer event; None for other events and for stale timers."""
        self.counts = counts
        """Counts over windows, by field."""
        self.flags = flags
        self.follow_ups = follow_ups
        """Events for other requests."""
        self.messages = messages
        """Unanswered messages of a merged request, by clock."""
        self.reply = reply
        """A message to a finished request of which people are told."""
