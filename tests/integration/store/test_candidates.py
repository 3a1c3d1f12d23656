"""What workers find of a candidate, counted together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from answerby.store import keys
from answerby.store.rulebooks import candidates
from answerby.store.rulebooks.candidate_records import Candidate, Change, Findings, StartOutcome, Total
from answerby.store.rulebooks.revision_records import Revision
from answerby.store.rulebooks.revisions import Keeping
from answerby.store.store import Store

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ODD = Change("category", "a|b", '["c"]')
"""Values that look like the way in which a count is named."""


@pytest.fixture(autouse=True)
async def _on_trial(store: Store) -> None:
    await store.revisions.save(Revision("r-2", "ann", T0), {"a.yaml": b""}, "digest", Keeping(), T0)
    started = await store.candidates.start(Candidate("trial", "r-2", T0, "ann"))
    assert started is StartOutcome.OK


async def test_the_counts_of_all_workers_add_up(store: Store) -> None:
    changes = {Change("priority", "", "high"): 2, Change("due.reply"): 1, ODD: 3}
    assert await store.candidates.add("trial", {Total.COMPARED: 5, Total.DIFFERENT: 4, **changes}, [])
    assert await store.candidates.add("trial", {Total.COMPARED: 2, Total.TOLD_LESS: 1, ODD: 1}, [])

    assert await store.candidates.findings() == Findings(
        totals={Total.COMPARED: 7, Total.DIFFERENT: 4, Total.TOLD_LESS: 1},
        changes={**changes, ODD: 4},
    )


async def test_changes_beyond_those_kept_are_counted_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "COUNTS_KEPT", 2)
    await store.candidates.add("trial", {Total.COMPARED: 3, Change("a"): 1}, [])
    await store.candidates.add("trial", {Total.COMPARED: 1, Change("a"): 1, Change("b"): 4, Change("c"): 1}, [])

    found = await store.candidates.findings()

    assert found.totals == {Total.COMPARED: 4, Total.OTHER: 5}
    assert found.changes == {Change("a"): 2}


async def test_what_comes_after_the_trial_is_not_counted(store: Store) -> None:
    assert not await store.candidates.add("another", {Total.COMPARED: 1}, [])
    assert await store.candidates.findings() == Findings()


async def test_counts_of_version_0_1_are_read(store: Store, redis_url: str) -> None:
    """A trial that began before an upgrade goes on after it."""
    counts = {"compared": 9, "told|more": 2, "priority|low|high": 3, "priority||high": 1, "due.first_response": 4}
    async with Redis.from_url(redis_url) as client:
        await client.hset(keys.RULEBOOK_CANDIDATE_COUNTS, mapping=counts)

    found = await store.candidates.findings()

    assert found.totals == {Total.COMPARED: 9, Total.TOLD_MORE: 2}
    assert found.changes == {
        Change("priority", "low", "high"): 3,
        Change("priority", "", "high"): 1,
        Change("due.first_response"): 4,
    }


async def test_counts_belong_to_their_tenant(store: Store) -> None:
    assert await store.candidates.add("trial", {Total.COMPARED: 5, ODD: 2}, [], "acme")
    assert await store.candidates.add("trial", {Total.COMPARED: 3, ODD: 1, Change("a"): 1}, [], "globex")
    assert await store.candidates.add("trial", {Total.COMPARED: 1}, [], '{"tenant":"acme"}')

    assert await store.candidates.findings(tenant="acme") == Findings({Total.COMPARED: 5}, {ODD: 2})
    assert await store.candidates.findings(tenant="globex") == Findings({Total.COMPARED: 3}, {ODD: 1, Change("a"): 1})
    assert await store.candidates.findings(tenant="nobody") == Findings()
    assert (await store.candidates.findings()).totals == {Total.COMPARED: 9}
