"""Events that come again after the record of their id has ended. Their requests still have them."""

from __future__ import annotations

from collections.abc import Sequence

from answerby.domain.event import Event
from answerby.server.flow.processing.states import Waiting
from answerby.server.flow.processing.submission import payload_hash


def kept_sequence(waiting: Waiting, history: Sequence[Event]) -> int:
    """The number of the decision on the same event among those of its request; 0 for an event that is new.

    What a connector brings is the same when its source and id are. A caller may use an id for another event after the
    record of the id has ended, so there the content counts too.
    """
    event = waiting.event
    for sequence, kept in enumerate(history, 1):
        if (kept.source, kept.id) == (event.source, event.id) and (
            waiting.submission.connector or payload_hash(kept) == waiting.payload_hash
        ):
            return sequence
    return 0
