"""Cases: one event of one request, with everything on which its decision depends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.follower_ids import ANY_FOLLOWER, FollowerIds
from answerby.sla.clock_inputs import ClockTarget


class EarlierRules(NamedTuple):
    """Targets and ladders of an earlier revision that a request keeps in a fold."""

    targets: Mapping[str, ClockTarget]
    """By clock."""
    ladders: Mapping[str, Ladder]


class Context(NamedTuple):
    """Inputs of a decision from outside the request. `windows` are counts by field, this request left out."""

    windows: Mapping[str, int] = {}
    history: Sequence[Event] | None = None
    """The earlier events of the request, in the order decided. Only events with `needs_fold` use them. None: not known,
    and such an event is decided as it comes."""
    earlier_rules: EarlierRules | None = None
    """Set in folds only."""
    follower_ids: FollowerIds = ANY_FOLLOWER
    """For a message with which a new request may begin."""


class Case:
    """One event to decide. Immutable: a step that needs another request or event makes `Inputs` of its own."""

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
        """The event as it came."""
        self.context: Final = context
        self.moment: Final = moment
        """The moment that counts as now; aware."""
