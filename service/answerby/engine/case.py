"""A case: one event of one request, with everything that its decision depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.sla.clock_inputs import ClockTarget


class EarlierRules(NamedTuple):
    """What a request keeps in a fold from an earlier revision of the rules."""

    targets: Mapping[str, ClockTarget]
    """By clock."""
    ladders: Mapping[str, Ladder]


class Context(NamedTuple):
    """What the decision needs from outside the request: counts per window field, this request left out."""

    windows: Mapping[str, int] = {}
    history: Sequence[Event] | None = None
    """Every event of the request before this one, in the order decided. Only a late event or a correction asks for it
    (`needs_fold`); None, where it is not known, decides such an event as it comes."""
    earlier_rules: EarlierRules | None = None
    """Of a fold: what the request has from an earlier revision of the rules."""


class Case:
    """One event to decide. Immutable: a step that needs another request or event makes inputs of its own."""

    __slots__ = ("compiled", "context", "event", "moment", "state")

    def __init__(
        self,
        compiled: CompiledRulebook,
        state: RequestState | None,
        event: Event,
        context: Context,
        moment: datetime,
    ) -> None:
        self.compiled: Final = compiled
        self.state: Final = state
        """The request before the event; None for its first event."""
        self.event: Final = event
        """As it came."""
        self.context: Final = context
        self.moment: Final = moment
        """What counts as now; aware."""
