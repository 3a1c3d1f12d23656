"""Queue of events in their order, and the choice of events that can go side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

from answerby.engine.facts.windows import Windows
from answerby.server.flow.processing.states import Waiting

ROUND_EVENTS = 500


class Queue:
    """Events of one worker without a result."""

    def __init__(self) -> None:
        self._events: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Waiting) -> None:
        self._events.append(event)

    def put_back(self, events: Sequence[Waiting]) -> None:
        """Puts the events first again, in their order."""
        self._events.extendleft(reversed(events))

    def drain(self) -> list[Waiting]:
        """Removes and returns all events."""
        events = list(self._events)
        self._events.clear()
        return events

    def take(self, windows: Windows) -> list[Waiting]:
        """The next events in order. An event that shares a request or a counted customer with an earlier one waits."""
        batch: list[Waiting] = []
        rest: list[Waiting] = []
        busy: set[Hashable] = set()
        while self._events and len(batch) < ROUND_EVENTS:
            waiting = self._events.popleft()
            if waiting.settled:
                continue
            lanes = lanes_of(waiting, windows)
            (rest if busy.intersection(lanes) else batch).append(waiting)
            busy.update(lanes)
        self.put_back(rest)
        return batch


def lanes_of(waiting: Waiting, windows: Windows) -> list[Hashable]:
    """Keys of an event that no other event of the round may share."""
    event = waiting.event
    return [
        (event.tenant, event.request_id),
        (event.tenant, event.source, event.id, ""),
        *((event.tenant, *lane) for lane in windows.lanes(event)),
    ]
