"""Counting windows: requests of one category by one customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from answerby.store.records import WindowMark, WindowQuery
from answerby.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def mark(at: datetime, value: str = "c1", category: str = "complaint", *, remove: bool = False) -> WindowMark:
    return WindowMark(by="customer.id", value=value, category=category, at=at, remove=remove)


async def count(store: Store, at: datetime, request_id: str = "new", value: str = "c1") -> int:
    query = WindowQuery(name="n", by="customer.id", value=value, category="complaint", within=DAY, at=at)
    return (await store.requests.load("acme", request_id, "crm", "new", [query])).counts["n"]


async def test_both_ends_of_the_window_count(store: Store, make_commit) -> None:
    times = [T0 - DAY - timedelta(microseconds=1), T0 - DAY, T0, T0 + timedelta(microseconds=1)]
    for i, at in enumerate(times):
        await store.requests.commit(make_commit(f"R-{i}", f"e{i}", window_marks=[mark(at)]))
    assert await count(store, T0) == 2


async def test_the_asking_request_is_left_out(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", window_marks=[mark(T0)]))
    await store.requests.commit(make_commit("R-2", "e2", window_marks=[mark(T0)]))
    assert await count(store, T0, "R-1") == 1
    # A mark outside the window must not be subtracted.
    assert await count(store, T0 - timedelta(hours=1), "R-1") == 0


async def test_a_request_counts_once_from_its_first_mark_on(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", window_marks=[mark(T0)]))
    await store.requests.commit(make_commit("R-1", "e2", expected=1, window_marks=[mark(T0 + DAY)]))
    assert await count(store, T0) == 1
    assert await count(store, T0 + DAY + timedelta(seconds=1)) == 0


async def test_customers_and_categories_are_apart_and_a_mark_can_be_taken_back(store: Store, make_commit) -> None:
    marks = [mark(T0), mark(T0, value="c2"), mark(T0, category="praise")]
    await store.requests.commit(make_commit("R-1", "e1", window_marks=marks))
    assert (await count(store, T0), await count(store, T0, value="c2"), await count(store, T0, value="c3")) == (1, 1, 0)
    await store.requests.commit(make_commit("R-1", "e2", expected=1, window_marks=[mark(T0, remove=True)]))
    assert (await count(store, T0), await count(store, T0, value="c2")) == (0, 1)
