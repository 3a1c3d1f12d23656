"""Known events, however long ago: by the record of each event id, and after its end by the events of the request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys
from answerby.store.requests.requests import Requests


class EventMemory:
    """What the store knows of events that come again. All methods raise StoreUnavailable."""

    def __init__(self, connection: Connection, requests: Requests) -> None:
        self._connection = connection
        self._requests = requests

    @property
    def span(self) -> timedelta:
        """How long the record of an event id lasts. A request keeps its events beyond that."""
        return self._connection.options.idempotency_ttl

    async def known(self, events: Sequence[Event]) -> list[bool]:
        """Whether each event was decided before. An event of a request that cannot be read counts as new.

        Costs one round trip, and one more when an id has no record.
        """
        names = [tenant_keys(event.tenant).idempotency(event.source, event.id) for event in events]
        found = await self._connection.execute_many([("EXISTS", name) for name in names]) if names else []
        recorded = [bool(count) for count in found]
        open_ones = [event for event, known in zip(events, recorded, strict=True) if not known]
        requests = sorted({(event.tenant, event.request_id) for event in open_ones})
        kept = {
            (tenant, event.source, event.id)
            for (tenant, _), history in zip(requests, await self._requests.histories(requests), strict=True)
            if not isinstance(history, AnswerbyError)
            for event in history
        }
        return [
            known or (event.tenant, event.source, event.id) in kept
            for event, known in zip(events, recorded, strict=True)
        ]
