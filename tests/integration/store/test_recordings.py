"""Recordings: whole requests by when they were received, each once, in pages."""

from __future__ import annotations

from datetime import timedelta

from answerby.store.requests.recordings import Recorded
from answerby.store.store import Store
from tests.integration.store.conftest import T0

DAY = timedelta(days=1)


async def read(store: Store, since, until, limit: int) -> list[list[Recorded]]:
    pages, after = [], None
    while page := await store.recordings.page("acme", since, until, after, limit):
        pages.append(page)
        after = page[-1].place
    return pages


async def test_oldest_first_each_once_also_where_many_came_at_the_same_moment(store: Store, make_commit) -> None:
    names = [f"R-{number:02d}" for number in range(11)]
    await store.requests.commit_many(
        [make_commit(n, f"e-{n}", created=T0 + timedelta(minutes=i // 5)) for i, n in enumerate(names)]
    )

    for limit in (1, 2, 3, 5, 50):
        pages = await read(store, T0, T0 + DAY, limit)
        assert [recorded.place.request_id for page in pages for recorded in page] == names, limit
        assert {len(page) for page in pages[:-1]} <= {limit}


async def test_the_beginning_is_within_and_the_end_is_not(store: Store, make_commit) -> None:
    await store.requests.commit_many(
        [make_commit(f"R-{h}", f"e{h}", created=T0 + timedelta(hours=h)) for h in range(4)]
    )

    pages = await read(store, T0 + timedelta(hours=1), T0 + timedelta(hours=3), 50)

    assert [recorded.place.request_id for recorded in pages[0]] == ["R-1", "R-2"]


async def test_a_request_comes_with_all_that_was_decided_on_it(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    await store.requests.commit(make_commit("R-1", "e2", expected=1, created=T0 + DAY))
    await store.requests.commit(make_commit("other", "e3", tenant="elsewhere"))

    ((recorded,),) = await read(store, T0, T0 + DAY, 50)

    assert (recorded.number, recorded.created) == ("202310-CSR-001", T0)
    assert [event.id for event in recorded.events] == ["e1", "e2"]
    assert [decision.sequence for decision in recorded.decisions] == [1, 2]
    assert recorded.events[0].data == {"text.body": "插座起火 🔥"}


async def test_what_comes_between_two_pages_comes_once_or_not_at_all(store: Store, make_commit) -> None:
    await store.requests.commit_many(
        [make_commit(f"R-{h}", f"e{h}", created=T0 + timedelta(hours=h)) for h in (1, 2, 4)]
    )
    first = await store.recordings.page("acme", T0, T0 + DAY, None, 2)
    await store.requests.commit_many([make_commit(f"R-{h}", f"e{h}", created=T0 + timedelta(hours=h)) for h in (0, 3)])
    second = await store.recordings.page("acme", T0, T0 + DAY, first[-1].place, 50)

    assert [recorded.place.request_id for recorded in first + second] == ["R-1", "R-2", "R-3", "R-4"]
