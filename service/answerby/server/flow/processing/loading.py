"""First step of a round: loads the input of the decisions with as few round trips as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerby.domain.errors import AnswerbyError
from answerby.engine.facts.windows import Windows
from answerby.server.flow.processing.fates import Fates
from answerby.server.flow.processing.states import LoadedEvent, Waiting
from answerby.store.records import LoadQuery
from answerby.store.requests.requests import Requests


class Loading:
    """Loads the requests of many events at once. An event whose load fails ends with that error."""

    def __init__(self, requests: Requests, fates: Fates) -> None:
        self._requests = requests
        self._fates = fates

    async def load(self, events: Sequence[Waiting], windows: Windows) -> list[LoadedEvent]:
        """Events with their requests. Raises StoreUnavailable."""
        result = await self._ask(events, [waiting.query(windows) for waiting in events])
        if windows:
            result = await self._count_again(result, windows)
        return await self._with_histories(result)

    async def _ask(self, events: Sequence[Waiting], queries: Sequence[LoadQuery]) -> list[LoadedEvent]:
        result = []
        for waiting, reply in zip(events, await self._requests.load_many(queries), strict=True):
            if isinstance(reply, AnswerbyError):
                self._fates.failed(waiting, reply)
            else:
                result.append(LoadedEvent(waiting, reply))
        return result

    async def _count_again(self, events: list[LoadedEvent], windows: Windows) -> list[LoadedEvent]:
        """Loads again the events whose counts depend on the state of the request, with one more round trip."""
        incomplete = [loaded for loaded in events if loaded.lacks_counts(windows)]
        if not incomplete:
            return events
        complete = without(events, incomplete)
        queries = [loaded.waiting.query(windows, loaded.state) for loaded in incomplete]
        return complete + await self._ask([loaded.waiting for loaded in incomplete], queries)

    async def _with_histories(self, events: list[LoadedEvent]) -> list[LoadedEvent]:
        """Loads histories for late events and corrections, with one more round trip."""
        late = [loaded for loaded in events if loaded.wants_history]
        if not late:
            return events
        in_time = without(events, late)
        names = [(loaded.event.tenant, loaded.event.request_id) for loaded in late]
        histories = await self._requests.histories(names)
        return in_time + [loaded.with_history(history) for loaded, history in zip(late, histories, strict=True)]


def without(events: Iterable[LoadedEvent], some: Iterable[LoadedEvent]) -> list[LoadedEvent]:
    """Events that are not in `some`."""
    left_out = {id(loaded) for loaded in some}
    return [loaded for loaded in events if id(loaded) not in left_out]
