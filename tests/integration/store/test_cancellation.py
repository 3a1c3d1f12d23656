"""A cancellation that meets a call of the store gets through: the task ends, whatever the client library does."""

from __future__ import annotations

import asyncio

from answerby.store.store import Store
from tests.kit.patience import in_time

MOMENTS = 40
"""Turns of the event loop after which a task is cancelled. asyncio.wait_for of Python 3.11 swallows some of them."""


async def test_a_loop_of_calls_ends_at_every_moment_of_its_cancellation(store: Store, make_commit) -> None:
    calls = [
        store.time,
        store.tenants.names,
        lambda: store.timers.claim(["acme"]),
        lambda: store.requests.load("acme", "R-1", "crm", "e1"),
        store.candidates.report,
        lambda: store.requests.commit(make_commit("R-1", "e1")),
    ]
    for call in calls:
        for moment in range(MOMENTS):

            async def always(call=call) -> None:
                while True:
                    await call()

            task = asyncio.create_task(always())
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            await in_time(asyncio.wait({task}))
            assert task.cancelled()


async def test_a_timeout_around_a_call_still_ends_it(store: Store) -> None:
    """asyncio.timeout cancels too, and tells its own cancellation from others."""
    for moment in range(MOMENTS):
        ended = False
        try:
            async with asyncio.timeout(moment / 20_000):
                while True:
                    await store.time()
        except TimeoutError:
            ended = True
        assert ended
