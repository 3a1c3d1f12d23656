"""The escalated connector: the two directions under one manifest."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.effect import EffectKind
from answerby.domain.event import Event
from answerby_connectors.escalated.client import EscalatedClient
from answerby_connectors.escalated.echo import Expected
from answerby_connectors.escalated.inbound import Reader
from answerby_connectors.escalated.outbound import Writer
from answerby_connectors.escalated.settings import EscalatedSettings
from answerby_connectors.kit.base import Delivery, Guarantee, Manifest, Outcome, parse_settings


class EscalatedConnector:
    """Writes decisions to tickets of an escalated help desk, and brings the events of the help desk."""

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        parsed = parse_settings(EscalatedSettings, name, settings)
        self.source = parsed.source or f"escalated/{name}"
        self.manifest = Manifest(
            name=name,
            effects=frozenset(EffectKind),
            guarantee=Guarantee.EXACTLY_ONCE,
            inbound=True,
            description="Priority, department, tags and an internal note on tickets; events from signed webhooks.",
        )
        expected = Expected()
        self._client = EscalatedClient(parsed)
        self._reader = Reader(parsed, self.source, self._client, expected)
        self._writer = Writer(parsed, self._client, expected)

    @property
    def account(self) -> str:
        """Id of the account of the API token; empty before the first call."""
        return self._client.account or ""

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """One webhook, at most one event. Raises InvalidSignature, InvalidInput."""
        return self._reader.receive(headers, body)

    async def complete(self, event: Event) -> Event | None:
        """The event with facts, time and identity from its ticket. Raises PlatformUnavailable."""
        return await self._reader.complete(event)

    async def deliver(self, delivery: Delivery) -> Outcome:
        return await self._writer.deliver(delivery)

    async def close(self) -> None:
        await self._client.close()
