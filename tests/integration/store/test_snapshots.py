"""What is read together is of one moment, while writers change it all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from answerby.store.records import Completion, RequestFilter
from answerby.store.rulebooks.candidate_records import Candidate, DifferenceKept, Total
from answerby.store.rulebooks.revision_records import Revision
from answerby.store.rulebooks.revisions import Keeping
from answerby.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
LOOKS = 60
HISTORY = 30
"""The most events of one request, so that no look becomes long."""


@pytest.fixture
async def writer(redis_url: str) -> AsyncIterator[Store]:
    """A store of another process."""
    connected = await Store.connect(redis_url)
    yield connected
    await connected.close()


@asynccontextmanager
async def hammering(write: Callable[[int], Awaitable[object]], first: int = 0) -> AsyncIterator[None]:
    """Writes without a pause while the block runs, with numbers from `first` on."""

    async def always() -> None:
        number = first
        while True:
            await write(number)
            number += 1

    task = asyncio.create_task(always())
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_request_agrees_with_its_decisions_and_events(store: Store, writer: Store, make_commit) -> None:
    under_way = ["R-0"]

    async def write(number: int) -> None:
        request, event = divmod(number, HISTORY)
        await writer.requests.commit(make_commit(f"R-{request}", f"e{number}", expected=event))
        under_way[0] = f"R-{request}"

    await write(0)
    async with hammering(write, 1):
        for _ in range(LOOKS):
            name = under_way[0]
            state, decisions = await store.requests.snapshot("acme", name, 3)
            assert [d.sequence for d in decisions] == [state.decisions - n for n in range(min(3, state.decisions))]
            state, events, decisions = await store.requests.history("acme", name)
            assert state.decisions == len(events) == len(decisions) == state.version
            recorded = await store.recordings.page("acme", T0, T0 + timedelta(minutes=1), limit=5)
            assert all(len(item.events) == len(item.decisions) and not item.unreadable for item in recorded)


async def test_every_listed_request_passes_the_filter_as_it_is_shown(store: Store, writer: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "first"))

    async def write(number: int) -> None:
        state = {"derived": {"priority": f"P{number % 2}"}}
        await writer.requests.commit(make_commit("R-1", f"e{number}", expected=number + 1, state=state))

    seen = set()
    async with hammering(write):
        for _ in range(LOOKS):
            page = await store.listing.page("acme", RequestFilter(priorities=("P0",)))
            seen.update(state.derived["priority"] for state in page.requests)
    assert seen == {"P0"}


async def test_the_counts_of_a_candidate_agree_with_its_differences(store: Store, writer: Store) -> None:
    await store.revisions.save(Revision("r-2", "ann", T0), {"a.yaml": b""}, "digest", Keeping(), T0)

    async def write(number: int) -> None:
        trial = f"trial-{number // 20}"
        if number % 20 == 0:
            await writer.candidates.start(Candidate(trial, "r-2", T0, "ann"))
        difference = DifferenceKept("acme", f"R-{number}", 1, "request.received", T0, trial)
        await writer.candidates.add(trial, {Total.COMPARED: 1, Total.DIFFERENT: 1}, [difference])

    await write(0)
    async with hammering(write):
        for _ in range(LOOKS):
            candidate, findings = await store.candidates.report()
            assert candidate is not None
            assert findings.totals.get(Total.DIFFERENT, 0) == len(findings.differences)
            assert {difference.active for difference in findings.differences} <= {candidate.token}


async def test_the_kept_revisions_are_all_there_while_others_come_and_go(store: Store, writer: Store) -> None:
    keeping = Keeping(revisions=5)

    async def write(number: int) -> None:
        now = T0 + timedelta(seconds=number)
        await writer.revisions.save(Revision(f"r-{number}", "ann", now), {"a.yaml": b""}, f"d-{number}", keeping, now)

    for number in range(6):
        await write(number)
    async with hammering(write):
        for _ in range(LOOKS):
            found = await store.revisions.all()
            assert len(found) == 5
            assert [r.created for r in found] == sorted((r.created for r in found), reverse=True)


async def test_the_depth_of_a_queue_agrees_with_its_age(store: Store, writer: Store, make_commit, make_entry) -> None:
    async def write(number: int) -> None:
        commit = make_commit(f"R-{number}", f"e{number}", outbox=[make_entry(f"x{number}", f"R-{number}")])
        await writer.requests.commit(commit)
        (lease,) = await writer.outbox.lease("acme", "crm-out", timedelta(minutes=5))
        await writer.outbox.complete(lease, Completion.done())

    await write(10**6)
    async with hammering(write):
        for _ in range(LOOKS):
            (depth,) = await store.outbox.depths("acme")
            assert (depth.waiting > 0) is (depth.oldest is not None)
