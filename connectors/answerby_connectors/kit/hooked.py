"""Connectors that take webhooks: what a webhook tells at once, and what its ticket tells later."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby_connectors.kit.base import PlatformUnavailable
from answerby_connectors.kit.desk import Desk
from answerby_connectors.kit.history import changed, is_own, parts, received
from answerby_connectors.kit.http.answer import CallFailed, Gone
from answerby_connectors.kit.platform import S, understood
from answerby_connectors.kit.ticket import NOTE, Change, Ticket

NOT_YET_KNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of an event before its completion. A webhook often has only the time of sending. A repeat has another."""
RAW = "webhook."
"""The prefix of facts that carry a webhook's own values from `receive` to `complete`, and no further."""
NEW = "arrival.new"
"""The fact that says whether the webhook tells of a new ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a webhook tells of one ticket.

    `id` is the same in a repeat. `said` are its own values, for `find`. `values` are new values by their field, `note`
    the id of an internal note: by them an echo is known without a call.
    """

    reference: str
    id: str
    new: bool = False
    author: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class HookedDesk(Desk[S]):
    """A desk that also takes webhooks. A connector writes `verify`, `arrivals` and `find` as well."""

    inbound = True

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises InvalidSignature unless the webhook is from the platform."""

    @abstractmethod
    def arrivals(self, body: bytes) -> Iterable[Arrival]:
        """What the webhook tells. Raises InvalidInput, which names the place."""

    @abstractmethod
    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:
        """The change that the webhook told of, from the ticket. None when it is not there any more."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events of one webhook. Raises InvalidSignature, InvalidInput."""
        self.verify(headers, body)
        return [self._raw(arrival) for arrival in self.arrivals(body) if not self._is_echo(arrival)]

    async def complete(self, event: Event) -> Event | None:
        """The event with facts, time and identity from its ticket. Raises PlatformUnavailable."""
        if event.source != self.source or NEW not in event.data:
            return event
        try:
            await self.identify()
            made = await self._completed(event, await self.fetch(event.request_id))
        except Gone:
            return None  # deleted meanwhile: there is nothing left to decide
        except CallFailed as error:
            raise PlatformUnavailable(error.message, error.outcome.retry_after) from error
        if made is None:
            return None
        return msgspec.structs.replace(made, tenant=event.tenant, actor_id=made.actor_id or event.actor_id)

    async def _completed(self, event: Event, ticket: Ticket) -> Event | None:
        if event.data[NEW]:
            return received(self, ticket)
        said = {name.removeprefix(RAW): str(value) for name, value in event.data.items() if name.startswith(RAW)}
        with understood("find the change"):
            change = self.find(said, event, ticket)
        if change is None:
            return None
        (part,) = parts(self, change)
        return None if is_own(self, ticket, part) else await changed(self, ticket, part)

    def _is_echo(self, arrival: Arrival) -> bool:
        """Whether this process is writing the same, as the account in the webhook."""
        if not self.account or arrival.author != self.account:
            return False
        holds, reference = self.expected.holds, arrival.reference
        if arrival.note:
            return holds(reference, NOTE, arrival.note) or holds(reference, NOTE)
        return bool(arrival.values) and all(holds(reference, name, value) for name, value in arrival.values.items())

    def _raw(self, arrival: Arrival) -> Event:
        """The event with the values of the webhook. `complete` adds type, time, identity and facts."""
        data: dict[str, Value] = {f"{RAW}{name}": value for name, value in sorted(arrival.said.items())}
        return Event(
            source=self.source,
            id=arrival.id,
            type=EventType.RECEIVED if arrival.new else EventType.UPDATED,
            time=NOT_YET_KNOWN,
            request_id=arrival.reference,
            actor=ActorRole.AGENT if arrival.author else ActorRole.SYSTEM,
            actor_id=arrival.author,
            data={**data, NEW: arrival.new},
        )
