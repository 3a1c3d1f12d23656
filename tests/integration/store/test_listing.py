"""Lists of requests: newest first, filtered, in pages that stay in place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from answerby.domain.clock import ClockPhase, ClockState, Target
from answerby.domain.errors import InvalidPageToken
from answerby.domain.request import RequestStatus
from answerby.store.records import RequestFilter
from answerby.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)


async def fill(store: Store, make_commit, count: int) -> None:
    commits = [make_commit(f"R-{i:03d}", f"e{i}", created=T0 + timedelta(minutes=i // 3)) for i in range(count)]
    await store.requests.commit_many(commits)


async def pages(store: Store, query: RequestFilter | None = None, limit: int = 50) -> list[list[str]]:
    found, token = [], ""
    while True:
        page = await store.listing.page("acme", query, token, limit)
        found.append([state.request_id for state in page.requests])
        if not page.next_token:
            return found
        token = page.next_token


async def test_newest_first_with_numbers(store: Store, make_commit) -> None:
    await fill(store, make_commit, 7)
    page = await store.listing.page("acme")
    assert [s.request_id for s in page.requests] == [f"R-{i:03d}" for i in (6, 5, 4, 3, 2, 1, 0)]
    assert page.requests[-1].number == "202310-CSR-001"
    assert page.next_token == ""


async def test_pages_hold_each_request_once_while_new_ones_arrive(store: Store, make_commit) -> None:
    await fill(store, make_commit, 10)
    first = await store.listing.page("acme", limit=4)
    await store.requests.commit(make_commit("R-new", "new", created=T0 + timedelta(days=1)))
    second = await store.listing.page("acme", None, first.next_token, 4)
    third = await store.listing.page("acme", None, second.next_token, 4)
    ids = [s.request_id for page in (first, second, third) for s in page.requests]
    assert ids == [f"R-{i:03d}" for i in range(9, -1, -1)]
    assert third.next_token == ""


async def test_a_full_last_page_is_the_end(store: Store, make_commit) -> None:
    await fill(store, make_commit, 4)
    assert [len(page) for page in await pages(store, limit=4)] == [4]
    assert [len(page) for page in await pages(store, limit=3)] == [3, 1]


async def test_filters_are_combined(store: Store, make_commit) -> None:
    late = ClockState(name="reply", phase=ClockPhase.RUNNING, target=Target(amount=1), started=T0, breached=True)
    states = {
        "a": {"derived": {"category": "complaint", "priority": "P0", "department": "quality"}},
        "b": {"derived": {"category": "complaint", "priority": "P1"}, "status": RequestStatus.CLOSED},
        "c": {"derived": {"category": "投诉建议", "priority": "P0"}, "clocks": {"reply": late}},
        "d": {"derived": {}},
    }
    await store.requests.commit_many([make_commit(name, name, state=state) for name, state in states.items()])

    async def found(**query) -> set[str]:
        return {name for page in await pages(store, RequestFilter(**query)) for name in page}

    assert await found(categories=("complaint",)) == {"a", "b"}
    assert await found(categories=("complaint", "投诉建议"), priorities=("P0",)) == {"a", "c"}
    assert await found(statuses=("closed",)) == {"b"}
    assert await found(departments=("quality",)) == {"a"}
    assert await found(breached_only=True) == {"c"}
    assert await found(categories=("complaint",), breached_only=True) == set()


async def test_a_filter_follows_the_latest_decision(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", state={"derived": {"priority": "P2"}}))
    await store.requests.commit(make_commit("R-1", "e2", expected=1, state={"derived": {"priority": "P0"}}))
    assert await pages(store, RequestFilter(priorities=("P2",))) == [[]]
    assert await pages(store, RequestFilter(priorities=("P0",))) == [["R-1"]]


async def test_a_rare_match_among_thousands_is_found(store: Store, make_commit) -> None:
    rare = {"derived": {"priority": "P0"}}
    usual = {"derived": {"priority": "P2"}}
    commits = [make_commit(f"R-{i}", f"e{i}", state=rare if i == 5 else usual) for i in range(2500)]
    await store.requests.commit_many(commits)
    assert await pages(store, RequestFilter(priorities=("P0",))) == [["R-5"]]


async def test_a_page_token_fits_its_own_query_only(store: Store, make_commit) -> None:
    await fill(store, make_commit, 3)
    token = (await store.listing.page("acme", limit=1)).next_token
    for tenant, query, given in (
        ("acme", RequestFilter(priorities=("P0",)), token),
        ("globex", RequestFilter(), token),
        ("acme", RequestFilter(), token[:-2]),
        ("acme", RequestFilter(), "nonsense"),
    ):
        with pytest.raises(InvalidPageToken):
            await store.listing.page(tenant, query, given)


async def test_a_token_into_an_emptied_store_is_refused(store: Store, raw: Redis, make_commit) -> None:
    await fill(store, make_commit, 3)
    token = (await store.listing.page("acme", limit=1)).next_token
    raw.execute_command("FLUSHDB")
    with pytest.raises(InvalidPageToken):
        await store.listing.page("acme", None, token)


async def test_an_unknown_tenant_has_no_requests(store: Store) -> None:
    assert await pages(store) == [[]]
