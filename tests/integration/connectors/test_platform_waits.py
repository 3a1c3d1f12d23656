"""Several workers and one platform that asks for a wait, refuses the connector, or is away for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from answerby.domain.backoff import Backoff
from answerby.server.flow.delivering.delivery import DeliveryLoop
from answerby.server.flow.delivering.delivery_options import DeliveryOptions
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.store.connector_life import RestPolicy
from answerby_connectors.kit.base import DONE, Delivery, Outcome, OutcomeKind
from tests.integration.connectors.test_delivery import Platform, empty, make_commit
from tests.kit.patience import eventually
from tests.kit.services import Kit

OPTIONS = DeliveryOptions(poll=0.01, drain=0.2)


@pytest.fixture
async def two_workers(store):
    """Starts two workers at a platform; both are drained at the end."""
    loops: list[tuple[DeliveryLoop, asyncio.Task[None]]] = []

    def begin(
        answer: Callable[[Delivery], Awaitable[Outcome]], options=OPTIONS, marks=("m", "m")
    ) -> tuple[Platform, Kit]:
        platform, kit = Platform(answer), Kit(store)
        for mark in marks:
            loop = DeliveryLoop(kit.services, {"p": TenantConnector("acme", platform, mark=mark)}, {"p": options})
            loops.append((loop, asyncio.create_task(loop.run())))
        return platform, kit

    yield begin
    for loop, task in loops:
        await loop.drain()
        await task


async def test_after_retry_after_one_attempt_of_all_workers_goes_first(store, two_workers):
    """Eight effects at a platform that takes two calls at a time: at most 8 refusals, then no more of them."""
    wait = 0.3
    refused_at: list[float] = []
    after: list[int] = []

    async def answer(_: Delivery) -> Outcome:
        now = asyncio.get_running_loop().time()
        if not refused_at or now < refused_at[0] + wait:
            refused_at.append(now)
            return Outcome(OutcomeKind.RETRY, "HTTP 429", wait)
        after.append(platform.under_way)
        await asyncio.sleep(0.01)
        return DONE

    for request in range(8):
        await store.requests.commit(make_commit(f"R-{request}"))
    platform, _ = two_workers(answer)
    await eventually(lambda: empty(store))
    assert len(platform.seen) == len(refused_at) + 8
    assert len(refused_at) <= 8, "nobody asks before the wait is over"
    assert after[0] == 1, "one attempt goes first"


async def test_a_refused_token_holds_the_queue_for_all_workers_until_an_operator_lets_it_go(store, two_workers):
    token = "old"

    async def answer(_: Delivery) -> Outcome:
        return DONE if token == "new" else Outcome(OutcomeKind.HELD, "HTTP 401: the token is refused")

    for request in range(12):
        await store.requests.commit(make_commit(f"R-{request}"))
    platform, kit = two_workers(answer, replace(OPTIONS, concurrency=1))

    async def held() -> bool:
        return bool((await store.connectors.get("acme", "p")).hold)

    await eventually(held)
    await eventually(lambda: "connector held" in kit.log.getvalue())
    tried = len(platform.seen)
    assert tried <= 2, "one for each worker"
    assert kit.log.getvalue().count('"event":"connector held"') == 1
    assert await store.outbox.dead("acme") == []
    assert (await store.outbox.depths("acme"))[0].waiting == 12

    token = "new"
    assert await store.connectors.let_go("acme", "p")
    await eventually(lambda: empty(store))
    assert await store.outbox.dead("acme") == []
    assert {delivery.attempt for delivery in platform.seen} == {1}, "a refusal of the connector counts for no effect"


async def test_a_platform_that_was_away_gets_what_waited_however_long_each_entry_would_wait(store, two_workers):
    """Each entry would wait an hour by itself; the rest of the platform is short."""
    down = True

    async def answer(_: Delivery) -> Outcome:
        return Outcome(OutcomeKind.RETRY, "ConnectError") if down else DONE

    for request in range(12):
        await store.requests.commit(make_commit(f"R-{request}"))
    options = replace(OPTIONS, backoff=Backoff(3600.0, 3600.0), rests=RestPolicy(first=0.05, most=0.05))
    platform, kit = two_workers(answer, options)

    async def away() -> bool:
        return (await store.connectors.get("acme", "p")).away

    await eventually(away)
    down = False
    await eventually(lambda: empty(store))
    assert {delivery.request_id for delivery in platform.seen} == {f"R-{n}" for n in range(12)}
    await eventually(lambda: "connector is back" in kit.log.getvalue())


def test_the_end_of_an_outage_is_seen_within_five_seconds():
    """The longest rest, and the look after it."""
    assert RestPolicy().most + DeliveryOptions().poll < 5.0
