"""First step of a round: loads the input of the decisions with as few round trips as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from answerby.domain.errors import AnswerbyError, RecordUnreadable, RequestNotFound
from answerby.domain.event import Event
from answerby.engine.facts.windows import Windows
from answerby.engine.follower_ids import FollowerIds, belongs_to_another, candidates
from answerby.server.base.services import Services
from answerby.server.flow.processing.fates import Fates
from answerby.server.flow.processing.own_writes import suspicion
from answerby.server.flow.processing.resends import kept_sequence
from answerby.server.flow.processing.states import LoadedEvent, Waiting
from answerby.server.flow.routing import Route
from answerby.store.records import LoadQuery

MARGIN = timedelta(days=1)
"""How much earlier than the end of an event id's record the events of a request are looked through for the event.

The age of a request is the time of its first event, by the clock of a platform.
"""
DECISIONS = 200
"""The latest decisions of a request whose updates may come back."""


class Loading:
    """Loads the requests of many events at once. An event whose load fails ends with that error."""

    def __init__(self, services: Services, fates: Fates, routes: Sequence[Route], longest_id: int) -> None:
        self._requests = services.store.requests
        self._memory = services.store.event_memory.span
        self._now = services.clock
        self._fates = fates
        self._routes = routes
        self._longest_id = longest_id
        self._logger = services.logger

    async def load(self, events: Sequence[Waiting], windows: Windows) -> list[LoadedEvent]:
        """Events with their requests. Raises StoreUnavailable."""
        result = await self._ask(events, [waiting.query(windows) for waiting in events])
        if windows:
            result = await self._count_again(result, windows)
        return await self._with_follower_ids(await self._with_histories(await self._without_own_writes(result)))

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

    async def _without_own_writes(self, events: list[LoadedEvent]) -> list[LoadedEvent]:
        """Marks the values that answerby wrote itself. Earlier decisions are read for the few events that need them."""
        checked = []
        for loaded in events:
            own = await self._own_writes(loaded)
            checked.append(loaded._replace(own_writes=own) if own else loaded)
        return checked

    async def _own_writes(self, loaded: LoadedEvent) -> list[str]:
        if loaded.stored.duplicate is not None:
            return []
        found = suspicion(loaded.waiting.submission, loaded.state, self._routes)
        if found is None:
            return []
        if not found.needs_decisions:
            return found.own()
        return found.own(await self._requests.decisions(found.event.tenant, found.event.request_id, DECISIONS))

    async def _with_histories(self, events: list[LoadedEvent]) -> list[LoadedEvent]:
        """Loads histories for late events, corrections and possible resends, with one more round trip."""
        old = self._now() - self._memory + MARGIN
        late = [loaded for loaded in events if loaded.wants_history or loaded.may_be_forgotten(old)]
        if not late:
            return events
        in_time = without(events, late)
        names = [(loaded.event.tenant, loaded.event.request_id) for loaded in late]
        for loaded, history in zip(late, await self._requests.histories(names), strict=True):
            if isinstance(history, AnswerbyError):
                self._fates.failed(loaded.waiting, history)
            else:
                in_time.append(await self._with_history(loaded, history))
        return in_time

    async def _with_history(self, loaded: LoadedEvent, history: list[Event]) -> LoadedEvent:
        """The event with the history that its decision needs, or with the earlier decision on the same event.

        The record of an event id ends after a while. The request still has the event then.
        """
        sequence = kept_sequence(loaded.waiting, history)
        if sequence:
            event = loaded.event
            decision = await self._requests.decision(event.tenant, event.request_id, sequence)
            return loaded.seen_before(decision)
        return loaded.with_history(history) if loaded.wants_history else loaded

    async def _with_follower_ids(self, events: list[LoadedEvent]) -> list[LoadedEvent]:
        """Looks up which ids are free for a request that follows a finished one, for the few events that need it."""
        return [
            loaded._replace(follower_ids=await self._follower_ids(loaded.event)) if loaded.seeks_follower_id else loaded
            for loaded in events
        ]

    async def _follower_ids(self, event: Event) -> FollowerIds:
        taken = set()
        for name in candidates(event.request_id, self._longest_id):
            try:
                if not belongs_to_another(await self._requests.get(event.tenant, name), event.request_id):
                    break
            except RequestNotFound:
                break
            except RecordUnreadable:
                self._logger.warning("passed over the id of a request that cannot be read", request_id=name)
            taken.add(name)
        return FollowerIds(frozenset(taken), self._longest_id)


def without(events: Iterable[LoadedEvent], some: Iterable[LoadedEvent]) -> list[LoadedEvent]:
    """Events that are not in `some`."""
    left_out = {id(loaded) for loaded in some}
    return [loaded for loaded in events if id(loaded) not in left_out]
