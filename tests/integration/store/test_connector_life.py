"""The life of a connector in the store: waits, rests, holds and pauses that all workers keep, and records of ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from answerby.domain.effect import EffectKind
from answerby.store.connector_life import Answer, Became, DeliveryRecord, PauseRecord, Report, RestPolicy, Standing
from answerby.store.outbox import RECORDS_KEPT, EffectSuperseded
from answerby.store.records import Completion, Lease
from answerby.store.store import Store
from tests.kit.patience import eventually

OUT = "crm-out"
LONG = timedelta(minutes=5)
FAR = timedelta(days=300)
BAD = Report(answer=Answer.BAD, rests=RestPolicy(threshold=4, first=0.05, most=0.05))
GOOD = Report(answer=Answer.GOOD)
HELD = Report(answer=Answer.HELD, mark="old")


async def put(store: Store, make_commit, *entries, request_id: str, expected: int = 0) -> None:
    await store.requests.commit(
        make_commit(request_id, f"{request_id}-{expected}", expected=expected, outbox=list(entries))
    )


@pytest.fixture
def queue(store: Store, make_commit, make_entry):
    """Queues one entry for each of the names, with their ranks where they are given."""

    async def fill(*names: str, **ranks: int) -> None:
        for name in (*names, *ranks):
            entry = msgspec.structs.replace(make_entry(name, f"R-{name}"), rank=ranks.get(name))
            await put(store, make_commit, entry, request_id=f"R-{name}")

    return fill


async def offered(store: Store, limit: int = 10, **how) -> list[Lease]:
    return (await store.outbox.offer("acme", OUT, LONG, limit, **how)).leases


def ids(leases: list[Lease]) -> list[str]:
    return [lease.entry.effect_id for lease in leases]


async def test_the_most_urgent_goes_first_and_the_order_within_a_request_stays(
    store: Store, queue, make_commit, make_entry
) -> None:
    await queue("none", c=3, b=2)
    low = msgspec.structs.replace(make_entry("first", "R-x"), rank=3)
    high = msgspec.structs.replace(make_entry("second", "R-x"), rank=0)
    await put(store, make_commit, low, request_id="R-x")
    await put(store, make_commit, high, request_id="R-x", expected=1)
    await queue(a=0)
    assert [one for _ in range(5) for one in ids(await offered(store, 1))] in (
        # R-x has become as urgent as R-a: both go first, and in R-x what was decided first.
        ["a", "first", "b", "c", "none"],
        ["first", "a", "b", "c", "none"],
    )


async def test_an_entry_that_failed_goes_behind_those_that_nobody_tried(store: Store, queue) -> None:
    await queue(a=0, b=3)
    (lease,) = await offered(store, 1)
    await store.outbox.complete(lease, Completion.retry(timedelta()), BAD)
    assert ids(await offered(store, 2)) == ["b", "a"]


async def test_after_a_wait_of_the_platform_one_attempt_goes_first_and_then_one_more_for_each_good_answer(
    store: Store, queue
) -> None:
    await queue(*"abcdefgh")
    first, second, *others = await offered(store, 4)
    wait = Report(answer=Answer.WAIT, wait=2.0)
    assert await store.outbox.complete(first, Completion.retry(FAR), wait) is Became.RESTS
    offer = await store.outbox.offer("acme", OUT, LONG)
    assert (offer.standing, offer.leases) == (Standing.RESTING, [])
    assert timedelta() < offer.wait <= timedelta(seconds=2)
    # An answer to a question from before the wait tells nothing.
    assert await store.outbox.complete(second, Completion.done(), GOOD) is Became.SAME
    for lease in others:
        await store.outbox.complete(lease, Completion.retry(FAR), wait)
    (probe,) = await eventually(lambda: offered(store))
    assert await offered(store) == []
    await store.outbox.complete(probe, Completion.done(), GOOD)
    two = await offered(store)
    assert len(two) == 2
    await store.outbox.complete(two[0], Completion.done(), GOOD)
    assert len(await offered(store)) == 1, "three at a time, one and one more"


async def test_four_bad_answers_in_a_row_let_the_platform_rest_and_one_good_one_lets_all_go_at_once(
    store: Store, queue
) -> None:
    await queue(*"abcde")
    became, tried = [], set()
    for _ in range(4):
        (lease,) = await offered(store, 1)
        tried.add(lease.entry.effect_id)
        became.append(await store.outbox.complete(lease, Completion.retry(FAR, unknown=True), BAD))
    assert became == [Became.SAME] * 3 + [Became.RESTS]
    life = await store.connectors.get("acme", OUT)
    assert (life.failures, life.away) == (4, True)
    (probe,) = await eventually(lambda: offered(store))
    # The fifth was never tried, so it goes before the four that failed.
    assert {probe.entry.effect_id} == set("abcde") - tried
    assert await store.outbox.complete(probe, Completion.done(), GOOD) is Became.BACK
    first = await offered(store)
    assert len(first) == 2, "two at a time after one good answer"
    for lease in first:
        await store.outbox.complete(lease, Completion.done(), GOOD)
    assert sorted(ids([*first, *await offered(store)])) == sorted(tried)


async def test_a_write_that_may_still_be_under_way_waits_also_when_the_platform_is_back(store: Store, queue) -> None:
    await queue("a", "b", "c", "d", "e")
    settles = Completion.retry(LONG, unknown=True, settle=LONG)
    tried = []
    for completion in (settles, Completion.retry(FAR), Completion.retry(FAR), Completion.retry(FAR)):
        (lease,) = await offered(store, 1)
        tried.append(lease.entry.effect_id)
        await store.outbox.complete(lease, completion, BAD)
    (probe,) = await eventually(lambda: offered(store))
    assert await store.outbox.complete(probe, Completion.done(), GOOD) is Became.BACK
    first = await offered(store)
    for lease in first:
        await store.outbox.complete(lease, Completion.done(), GOOD)
    assert sorted(ids([*first, *await offered(store)])) == sorted(tried[1:])
    waiting = {depth.connector: depth.waiting for depth in await store.outbox.depths("acme")}
    assert waiting == {OUT: 2}, "one is under way, and the one that settles waits"


async def test_a_refusal_of_the_connector_holds_it_and_counts_no_attempt(store: Store, queue) -> None:
    await queue("a", "b")
    (lease,) = await offered(store, 1, mark="old")
    assert await store.outbox.complete(lease, Completion.held("HTTP 401"), HELD) is Became.HELD
    offer = await store.outbox.offer("acme", OUT, LONG, mark="old")
    assert (offer.standing, offer.leases) == (Standing.HELD, [])
    life = await store.connectors.get("acme", OUT)
    assert (life.hold, life.hold_mark) == ("HTTP 401", "old")
    assert life.hold_since is not None

    # With other settings, such as a new token, one attempt goes first.
    leases = await offered(store, mark="new")
    assert len(leases) == 1
    assert leases[0].entry.attempts == 0
    assert await store.outbox.complete(leases[0], Completion.done(), GOOD) is Became.SAME
    assert len(await offered(store, mark="new")) == 1
    assert (await store.connectors.get("acme", OUT)).hold == ""


async def test_an_operator_lets_a_held_connector_go_on(store: Store, queue) -> None:
    await queue("a")
    (lease,) = await offered(store, mark="old")
    await store.outbox.complete(lease, Completion.held("HTTP 403"), HELD)
    assert await store.connectors.let_go("acme", OUT) is True
    assert await store.connectors.let_go("acme", OUT) is False
    assert ids(await offered(store, mark="old")) == ["a"]


async def test_while_held_one_attempt_goes_now_and_then_and_a_good_answer_ends_the_hold(store: Store, queue) -> None:
    await queue("a", "b")
    (lease,) = await offered(store, 1, mark="old")
    soon = msgspec.structs.replace(HELD, rests=RestPolicy(probe=0.05))
    await store.outbox.complete(lease, Completion.held("HTTP 403"), soon)
    (probe,) = await eventually(lambda: offered(store, mark="old", probe=LONG))
    assert await offered(store, mark="old") == []
    assert await store.outbox.complete(probe, Completion.done(), GOOD) is Became.BACK
    assert len(await offered(store, mark="old")) == 1


async def test_nothing_is_leased_while_paused_and_the_pause_names_its_author(store: Store, queue) -> None:
    await queue("a")
    pause = PauseRecord(by="olga", reason="the CRM is moved", since=datetime(2026, 1, 5, tzinfo=UTC))
    await store.connectors.pause("acme", OUT, pause)
    offer = await store.outbox.offer("acme", OUT, LONG)
    assert (offer.standing, offer.leases) == (Standing.PAUSED, [])
    assert (await store.connectors.get("acme", OUT)).pause == pause
    assert await store.connectors.let_go("acme", OUT) is True
    assert ids(await offered(store)) == ["a"]


async def test_no_more_begin_in_a_second_than_the_rate(store: Store, queue) -> None:
    await queue(*"abcde")
    assert len(await offered(store, rate=2.0)) == 2
    offer = await store.outbox.offer("acme", OUT, LONG, rate=0.001)
    assert offer.leases == []
    assert offer.wait > timedelta(seconds=1)


async def test_a_dead_effect_that_a_newer_decision_replaced_is_not_replayed(
    store: Store, make_commit, make_entry
) -> None:
    await put(store, make_commit, make_entry("old", supersedes="update"), make_entry("note"), request_id="R-1")
    for _ in range(2):
        (lease,) = await offered(store)
        await store.outbox.complete(lease, Completion.dead("HTTP 404"), GOOD)
    newer = msgspec.structs.replace(make_entry("new", supersedes="update"), decision_sequence=2)
    await put(store, make_commit, newer, request_id="R-1", expected=1)
    old, note = await store.outbox.dead("acme")
    with pytest.raises(EffectSuperseded, match="decision 2 of the request replaced this effect of decision 1"):
        await store.outbox.replay_dead("acme", old.id)
    assert await store.outbox.replay_dead("acme", note.id) is True
    assert [letter.id for letter in await store.outbox.dead("acme")] == [old.id]


async def test_each_end_is_kept_with_its_request_and_repeats_are_counted(store: Store, queue) -> None:
    await queue("a")

    def record(outcome: str) -> DeliveryRecord:
        return DeliveryRecord(
            connector=OUT,
            effect_id="a",
            kind=EffectKind.UPDATE_REQUEST,
            key="update",
            sequence=1,
            outcome=outcome,
            refused=("due: 422",) if outcome == "done" else (),
        )

    for n in range(3 + 2 * RECORDS_KEPT):
        (lease,) = await offered(store)
        outcome = "unknown" if n % 2 else "retry"
        again = Completion.retry(timedelta())
        await store.outbox.complete(lease, again, Report(), record("retry" if n < 3 else outcome))
        if n == 2:
            (line,) = await store.connectors.deliveries("acme", "R-a")
            assert (line.record, line.count) == (record("retry"), 3)
            assert line.first <= line.last
    (lease,) = await offered(store)
    await store.outbox.complete(lease, Completion.done(), GOOD, record("done"))
    lines = await store.connectors.deliveries("acme", "R-a")
    assert len(lines) == RECORDS_KEPT
    assert lines[-1].record == record("done")
