"""A store that is killed in the middle of commits: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.clock import Timer
from answerby.domain.errors import RequestNotFound, StoreUnavailable
from answerby.store.connection import StoreOptions
from answerby.store.embedded import EmbeddedValkey
from answerby.store.records import CommitOutcome, WindowMark, WindowQuery
from answerby.store.store import Store
from tests.kit.patience import eventually

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
TIMER = Timer(id="reply/1/0/0", due=T0, clock="reply", cycle=1, step=0)
MARK = WindowMark(by="customer.id", value="c1", category="complaint", at=T0)
WINDOW = WindowQuery(name="n", by="customer.id", value="c1", category="complaint", within=timedelta(hours=1), at=T0)
CYCLES = 4
WRITERS = 8


async def whole(store: Store, request_id: str) -> bool:
    """True when all of a commit is there, False when nothing of it is."""
    try:
        state = await store.requests.get("acme", request_id)
    except RequestNotFound:
        assert await store.requests.events("acme", request_id) == []
        assert await store.requests.decisions("acme", request_id) == []
        assert (await store.requests.load("acme", request_id, "crm", request_id)).duplicate is None
        return False
    assert (
        len(await store.requests.events("acme", request_id))
        == len(await store.requests.decisions("acme", request_id))
        == 1
    )
    assert (await store.requests.load("acme", request_id, "crm", request_id)).duplicate.decision.number == state.number
    return True


async def test_kill_in_the_middle_of_commits(own_server: EmbeddedValkey, make_commit, make_entry) -> None:
    acknowledged: dict[str, str] = {}
    started: list[str] = []
    for cycle in range(CYCLES):
        store = await Store.connect(own_server.url, StoreOptions(socket_timeout=2))
        killed = asyncio.Event()

        async def write(writer: int, store: Store = store, killed: asyncio.Event = killed, cycle: int = cycle) -> None:
            for i in range(10_000):
                name = f"R-{cycle}-{writer}-{i}"
                started.append(name)
                entry = make_entry(f"x{name}", name)
                commit = make_commit(name, name, arm=[TIMER], outbox=[entry], window_marks=[MARK])
                try:
                    committed = await store.requests.commit(commit)
                except StoreUnavailable:
                    assert killed.is_set()
                    return
                acknowledged[name] = committed.number

        writers = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
        await eventually(lambda enough=150 * (cycle + 1): len(acknowledged) >= enough)
        killed.set()
        os.kill(own_server.pid, signal.SIGKILL)
        await asyncio.gather(*writers)
        await eventually(lambda: not own_server.alive())
        await store.close()
        own_server.start()

    store = await Store.connect(own_server.url)
    present = {name for name in started if await whole(store, name)}
    assert set(acknowledged) <= present
    for name, number in acknowledged.items():
        assert (await store.requests.get("acme", name)).number == number
    await assert_all_parts_agree(store, present)

    # Whoever got no answer sends again: taken now, or told that it was taken before.
    for name in set(started) - set(acknowledged):
        outcome = (await store.requests.commit(make_commit(name, name, arm=[TIMER]))).outcome
        assert outcome is (CommitOutcome.DUPLICATE if name in present else CommitOutcome.COMMITTED)
    await store.close()


async def assert_all_parts_agree(store: Store, present: set[str]) -> None:
    logged = await store.log.read("acme", count=100_000)
    assert [d.log_sequence for d in logged] == list(range(1, len(present) + 1))
    assert {d.decision.request_id for d in logged} == present
    numbers = [d.decision.number for d in logged]
    assert numbers == [f"202310-CSR-{i:03d}" for i in range(1, len(present) + 1)]
    assert await store.timers.count("acme") == len(present)
    assert (await store.outbox.depths("acme"))[0].waiting == len(present)
    assert (await store.requests.load("acme", "other", "crm", "other", [WINDOW])).counts["n"] == len(present)
    listed = await store.listing.page("acme", limit=100_000)
    assert {state.request_id for state in listed.requests} == present


@pytest.mark.parametrize("lost_reply", [1, 2])
async def test_a_commit_whose_reply_was_lost_is_told_as_duplicate(store: Store, make_commit, lost_reply: int) -> None:
    first = await store.requests.commit(make_commit())
    for _ in range(lost_reply):
        again = await store.requests.commit(make_commit())
        assert (again.outcome, again.number) == (CommitOutcome.DUPLICATE, first.number)
    assert len(await store.log.read("acme")) == 1
