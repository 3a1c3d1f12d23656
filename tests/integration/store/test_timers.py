"""Timers: shared by workers, fired once, in order, removed by the commit of their event."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from answerby.domain.clock import Timer
from answerby.store.records import CommitOutcome, DueTimer
from answerby.store.store import Store
from tests.kit.patience import eventually

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BRIEF = timedelta(milliseconds=30)


def timer(minutes: float, step: int = 0) -> Timer:
    return Timer(id=f"reply/1/{step}/0", due=T0 + minutes * MINUTE, clock="reply", cycle=1, step=step)


async def claimed_again(store: Store, now: datetime) -> list:
    """Claim until something comes: a claim of another worker has to end first."""
    return await eventually(lambda: store.timers.claim(["acme"], now))


async def test_timers_come_when_due_in_order_and_are_removed_by_their_commit(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(30), timer(10, 1)]))
    await store.requests.commit(make_commit("R-2", "e2", arm=[timer(20)]))
    assert await store.timers.next_due(["acme"]) == T0 + 10 * MINUTE
    assert await store.timers.claim(["acme"], T0 + 10 * MINUTE - timedelta(microseconds=1)) == []
    due = await store.timers.claim(["acme"], T0 + 25 * MINUTE)
    assert [(d.request_id, d.timer) for d in due] == [("R-1", timer(10, 1)), ("R-2", timer(20))]
    for i, fired in enumerate(due):
        await store.requests.commit(make_commit(fired.request_id, f"t{i}", expected=1, timer=fired))
    assert await store.timers.next_due(["acme"]) == T0 + 30 * MINUTE
    assert await store.timers.count("acme") == 1


async def test_a_timer_never_comes_before_its_microsecond(store: Store, make_commit) -> None:
    odd = msgspec.structs.replace(timer(0), due=T0 + timedelta(microseconds=1))
    await store.requests.commit(make_commit(arm=[odd]))
    assert await store.timers.claim(["acme"], T0) == []
    assert [d.timer for d in await store.timers.claim(["acme"], T0 + timedelta(milliseconds=1))] == [odd]


async def test_two_workers_fire_each_timer_once(store: Store, redis_url: str, make_commit) -> None:
    total = 60
    for i in range(total):
        await store.requests.commit(make_commit(f"R-{i}", f"e{i}", arm=[timer(i % 7), timer(i % 5, 1)]))
    other = await Store.connect(redis_url)
    fired: list[tuple[str, str]] = []
    versions = {f"R-{i}": 1 for i in range(total)}

    async def fire(own: Store, one: DueTimer) -> CommitOutcome:
        event_id = f"{one.request_id}/{one.timer.id}"
        while True:
            commit = make_commit(one.request_id, event_id, expected=versions[one.request_id], timer=one)
            outcome = (await own.requests.commit(commit)).outcome
            if outcome is not CommitOutcome.VERSION_CONFLICT:
                return outcome
            # The other worker's commit is through, and its answer on the way: only then is the version known here.
            await asyncio.sleep(0)

    async def work(own: Store) -> None:
        while due := await own.timers.claim(["acme"], T0 + 60 * MINUTE, limit=7):
            for one in due:
                assert await fire(own, one) is CommitOutcome.COMMITTED
                versions[one.request_id] += 1
                fired.append((one.request_id, one.timer.id))

    await asyncio.gather(work(store), work(other))
    await other.close()
    assert len(fired) == len(set(fired)) == 2 * total
    assert await store.timers.next_due(["acme"]) is None


async def test_after_downtime_all_overdue_timers_come_in_due_order(store: Store, make_commit) -> None:
    minutes = [50, 10, 40, 20, 30]
    for i, due in enumerate(minutes):
        await store.requests.commit(make_commit(f"R-{i}", f"e{i}", arm=[timer(due)]))
    due = await store.timers.claim(["acme"], T0 + timedelta(days=3))
    assert [d.timer.due for d in due] == [T0 + m * MINUTE for m in sorted(minutes)]


async def test_the_timers_of_one_request_stay_with_one_worker(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1), timer(2, 1), timer(3, 2)]))
    await store.requests.commit(make_commit("R-2", "e2", arm=[timer(4)]))
    first = await store.timers.claim(["acme"], T0 + 60 * MINUTE, limit=1)
    second = await store.timers.claim(["acme"], T0 + 60 * MINUTE)
    assert [d.request_id for d in first] == ["R-1"]
    assert [d.request_id for d in second] == ["R-2"]
    await store.requests.commit(make_commit("R-1", "t1", expected=1, timer=first[0]))
    rest = await store.timers.claim(["acme"], T0 + 60 * MINUTE)
    assert [d.timer.step for d in rest] == [1, 2]


async def test_a_claim_that_ends_is_taken_over_and_the_late_worker_does_no_harm(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1)]))
    lost = (await store.timers.claim(["acme"], T0 + MINUTE, length=BRIEF))[0]
    taken = (await claimed_again(store, T0 + MINUTE))[0]
    assert taken.token > lost.token
    assert (
        await store.requests.commit(make_commit(event_id="t1", expected=1, timer=taken))
    ).outcome is CommitOutcome.COMMITTED
    late = await store.requests.commit(make_commit(event_id="t1", expected=1, timer=lost))
    assert late.outcome is CommitOutcome.DUPLICATE
    assert len(await store.requests.events("acme", "R-1")) == 2


async def test_a_claimed_timer_that_was_armed_for_later_meanwhile_stays(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1)]))
    claimed = (await store.timers.claim(["acme"], T0 + MINUTE))[0]
    await store.requests.commit(make_commit(event_id="e2", expected=1, arm=[timer(9)]))
    await store.requests.commit(make_commit(event_id="t1", expected=2, timer=claimed))
    assert await store.timers.next_due(["acme"]) == T0 + 9 * MINUTE
    assert await store.timers.drop(claimed) is False


async def test_the_timer_event_may_arm_the_same_timer_again(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1)]))
    claimed = (await store.timers.claim(["acme"], T0 + MINUTE))[0]
    await store.requests.commit(make_commit(event_id="t1", expected=1, timer=claimed, arm=[timer(5)]))
    assert [d.timer for d in await store.timers.claim(["acme"], T0 + 5 * MINUTE)] == [timer(5)]


async def test_a_cancelled_timer_does_not_come(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1), timer(2, 1)]))
    await store.requests.commit(make_commit(event_id="e2", expected=1, cancel=[timer(1).id]))
    assert [d.timer.step for d in await store.timers.claim(["acme"], T0 + 60 * MINUTE)] == [1]


async def test_a_duplicate_timer_event_still_clears_the_timer(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1)]))
    await store.requests.commit(make_commit(event_id="t1", expected=1))
    claimed = (await store.timers.claim(["acme"], T0 + MINUTE))[0]
    again = await store.requests.commit(make_commit(event_id="t1", expected=1, timer=claimed))
    assert again.outcome is CommitOutcome.DUPLICATE
    assert await store.timers.next_due(["acme"]) is None


async def test_a_dropped_timer_is_gone(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1), timer(2, 1)]))
    first, second = await store.timers.claim(["acme"], T0 + 2 * MINUTE)
    assert await store.timers.drop(first) is True
    assert await store.timers.drop(first) is False
    assert await store.timers.drop(second) is True
    assert await store.timers.count("acme") == 0


async def test_the_next_claim_waits_for_the_end_of_another(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1)]))
    await store.requests.commit(make_commit("R-2", "e2", arm=[timer(600)]))
    await store.timers.claim(["acme"], T0 + MINUTE, length=timedelta(hours=1))
    # The claimed timer is free in an hour by the server's clock, years after R-2's.
    assert await store.timers.next_due(["acme"]) == T0 + 600 * MINUTE


@pytest.mark.parametrize("request_id", ["a/b c", "{x}", "中文-单号", "a\x1fb"])
async def test_any_request_id_survives(store: Store, make_commit, request_id: str) -> None:
    await store.requests.commit(make_commit(request_id, arm=[timer(1)]))
    due = await store.timers.claim(["acme"], T0 + MINUTE)
    assert [d.request_id for d in due] == [request_id]
    await store.requests.commit(make_commit(request_id, "t1", expected=1, timer=due[0]))
    assert await store.timers.count("acme") == 0


async def test_overdue_timers_are_counted(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1), timer(2, 1), timer(3, 2)]))
    assert await store.timers.count("acme", T0 + 2 * MINUTE) == 2


async def test_nothing_is_claimed_before_its_time_by_the_servers_clock(store: Store, make_commit) -> None:
    """A worker whose clock is three minutes fast asks for what is due by its own clock."""
    now = await store.time()
    soon = Timer(id="reply/1/0/0", due=now + MINUTE, clock="reply", cycle=1, step=0)
    await store.requests.commit(make_commit(arm=[soon]))
    assert await store.timers.claim(["acme"], now + 3 * MINUTE) == []
    assert timedelta() < await store.timers.wait(["acme"]) <= MINUTE


async def test_a_claim_tells_its_time_by_the_servers_clock(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(arm=[timer(1)]))
    before = await store.time()
    (due,) = await store.timers.claim(["acme"])
    assert before - timedelta(milliseconds=1) <= due.claimed <= await store.time()
