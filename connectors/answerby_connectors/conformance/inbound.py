"""The cases of connectors that bring events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from answerby.domain.event import Event
from answerby_connectors.conformance.play import Play, playing
from answerby_connectors.conformance.stage import Stage, Webhook
from answerby_connectors.conformance.wire import Answer, Fault
from answerby_connectors.kit.base import (
    InboundConnector,
    InvalidSignature,
    PlatformUnavailable,
    PollingConnector,
)

FACT = re.compile(r"[^\W\d][\w\-]*(\.[\w\-]+)*")
"""The names of facts that the server takes: words with dots between."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def brought(play: Play, webhooks: list[Webhook]) -> list[Event]:
    """What the connector makes of webhooks, completed."""
    connector = play.connector
    assert isinstance(connector, InboundConnector)
    raw = [event for headers, body in webhooks for event in connector.receive(headers, body)]
    assert all(FACT.fullmatch(name) for event in raw for name in event.data), "the server takes no such fact"
    completed = [await connector.complete(event) for event in raw]
    return [event for event in completed if event is not None]


async def polled(play: Play, cursor: str = "") -> tuple[list[Event], str]:
    """All events from the cursor on, and the cursor at the end."""
    connector = play.connector
    assert isinstance(connector, PollingConnector)
    events: list[Event] = []
    while True:
        page = await connector.poll(cursor, LONG_AGO)
        events += page.events
        cursor = page.cursor
        assert page.problems == ()
        assert all(FACT.fullmatch(name) for event in page.events for name in event.data), (
            "the server takes no such fact"
        )
        if not page.more:
            return events, cursor


class InboundCases:
    """The cases, as tests."""

    stage_type: ClassVar[type[Stage]]

    def test_a_webhook_and_its_repeat_are_one_event(self) -> None:
        async def case(play: Play) -> None:
            webhooks = list(play.stage.person_writes())
            first, again = await brought(play, webhooks), await brought(play, webhooks)
            assert first
            assert first == again
            play.another()
            assert await brought(play, webhooks) == first

        self._inbound(case, InboundConnector)

    def test_webhooks_in_another_order_are_the_same_events(self) -> None:
        async def case(play: Play) -> None:
            webhooks = [*play.stage.person_writes(), *play.stage.person_writes()]
            forward, back = await brought(play, webhooks), await brought(play, webhooks[::-1])
            assert {event.id: event for event in forward} == {event.id: event for event in back}

        self._inbound(case, InboundConnector)

    def test_a_webhook_without_a_valid_signature_is_refused_before_it_is_read(self) -> None:
        async def case(play: Play) -> None:
            connector = play.connector
            assert isinstance(connector, InboundConnector)
            for headers, body in play.stage.person_writes():
                for forged in ({}, {name: f"0{value}" for name, value in headers.items()}):
                    with pytest.raises(InvalidSignature):
                        connector.receive(forged, body)
                if play.stage.signs_bodies:
                    with pytest.raises(InvalidSignature):
                        connector.receive(headers, body + b" ")

        self._inbound(case, InboundConnector)

    def test_the_webhooks_of_our_own_writes_are_no_events_in_any_worker(self) -> None:
        async def case(play: Play) -> None:
            await play.deliver()
            echoes = list(play.stage.echoes())
            assert echoes
            assert await brought(play, echoes) == []
            play.another()
            assert await brought(play, echoes) == []

        self._inbound(case, InboundConnector)

    def test_an_event_waits_while_the_platform_cannot_be_asked(self) -> None:
        async def case(play: Play) -> None:
            connector = play.connector
            assert isinstance(connector, InboundConnector)
            ((headers, body), *_) = play.stage.person_writes()
            (raw,) = connector.receive(headers, body)
            calls = len(play.server.calls)
            for fault in (Answer(503), Answer(429), Answer(500), Answer(401), Fault.RESET, Fault.LOSE_ANSWER):
                play.server.faults = [fault]
                with pytest.raises(PlatformUnavailable):
                    await connector.complete(raw)
            assert await connector.complete(raw) is not None
            assert len(play.server.calls) > calls

        self._inbound(case, InboundConnector)

    def test_a_poll_that_comes_again_has_the_same_events(self) -> None:
        async def case(play: Play) -> None:
            play.stage.person_writes()
            first, _ = await polled(play)
            assert first
            play.another()
            again, _ = await polled(play)
            assert again == first
            assert len({event.id for event in first}) == len(first)

        self._inbound(case, PollingConnector)

    def test_each_change_is_polled_and_an_overlap_brings_nothing_new(self) -> None:
        async def case(play: Play) -> None:
            before, cursor = await polled(play)
            play.stage.person_writes()
            events, cursor = await polled(play, cursor)
            known = {event.id: event for event in before}
            assert {event.id for event in events} - known.keys()
            assert all(known.get(event.id, event) == event for event in events)
            again, _ = await polled(play, cursor)
            assert all(event in events for event in again)

        self._inbound(case, PollingConnector)

    def test_our_own_writes_are_not_polled_by_any_worker(self) -> None:
        async def case(play: Play) -> None:
            before, cursor = await polled(play)
            await play.deliver()
            play.another()
            after, _ = await polled(play, cursor)
            assert {event.id for event in after} <= {event.id for event in before}

        self._inbound(case, PollingConnector)

    def test_a_poll_in_trouble_loses_nothing(self) -> None:
        async def case(play: Play) -> None:
            play.stage.person_writes()
            whole, _ = await polled(play)
            calls = len(play.server.calls)
            for at in range(calls):
                for fault in (Answer(503), Answer(429), Answer(401), Fault.RESET, Fault.LOSE_ANSWER):
                    if isinstance(fault, Answer) and fault.status in self.stage_type.renews:
                        continue
                    play.another()
                    play.server.faults = [*[None] * at, fault]
                    with pytest.raises(PlatformUnavailable):
                        await polled(play)
                    assert (await polled(play))[0] == whole

        self._inbound(case, PollingConnector)

    def _inbound(self, case: Callable[[Play], Coroutine[object, object, None]], kind: type) -> None:
        """Runs a case on a new stage, if the connector is of this kind."""

        async def whole() -> bool:
            async with playing(self.stage_type()) as play:
                if not isinstance(play.connector, kind):
                    return False
                await case(play)
                return True

        if not asyncio.run(whole()):
            pytest.skip("brings no events in this way")
