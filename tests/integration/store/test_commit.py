"""The commit on a real server: atomic, guarded by version, idempotent."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis import Redis

from answerby.domain.clock import Timer
from answerby.domain.errors import AnswerbyError, DecisionNotFound, RecordUnreadable, RequestNotFound
from answerby.store.keys import tenant_keys
from answerby.store.records import Commit, CommitOutcome, LoadQuery
from answerby.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
TIMER = Timer(id="first_response/1/0/0", due=T0, clock="first_response", cycle=1, step=0)


def snapshot(raw: Redis) -> dict[str, bytes]:
    """Every key with its serialised value."""
    names = sorted(raw.execute_command("KEYS", "*"))
    return {name: raw.execute_command("DUMP", name) for name in names}


async def test_a_committed_request_is_read_back_whole_with_its_number(store: Store, make_commit) -> None:
    commit = make_commit()
    committed = await store.requests.commit(commit)
    assert (committed.outcome, committed.number) == (CommitOutcome.COMMITTED, "202310-CSR-001")
    expected = msgspec.structs.replace(commit.decision.state, number="202310-CSR-001")
    assert await store.requests.get("acme", "R-1") == expected
    assert await store.requests.events("acme", "R-1") == [commit.event]
    logged = msgspec.structs.replace(commit.decision, state=None, number="202310-CSR-001")
    assert await store.requests.decisions("acme", "R-1") == [logged]
    assert await store.requests.decision("acme", "R-1", 1) == logged
    assert await store.tenants.names() == ["acme"]


async def test_load_gives_state_and_the_reply_to_the_same_event(store: Store, make_commit) -> None:
    empty = await store.requests.load("acme", "R-1", "crm", "e1")
    assert (empty.state, empty.duplicate, empty.version) == (None, None, 0)
    await store.requests.commit(make_commit())
    loaded = await store.requests.load("acme", "R-1", "crm", "e1")
    assert loaded.version == 1
    assert loaded.state.number == "202310-CSR-001"
    assert loaded.duplicate.payload_hash == "hash-e1"
    assert loaded.duplicate.decision.number == "202310-CSR-001"
    assert (await store.requests.load("acme", "R-1", "crm", "e2")).duplicate is None


async def test_an_id_used_for_another_request_names_that_request(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit("R 1 with blanks"))
    duplicate = (await store.requests.load("acme", "R-2", "crm", "e1")).duplicate
    assert (duplicate.request_id, duplicate.decision) == ("R 1 with blanks", None)


async def test_a_second_decision_on_the_same_version_changes_nothing(
    store: Store, raw: Redis, make_commit, make_entry
) -> None:
    await store.requests.commit(make_commit(event_id="e1", arm=[TIMER]))
    before = snapshot(raw)
    later = make_commit(
        event_id="e2",
        arm=[msgspec.structs.replace(TIMER, id="other/1/0/0")],
        cancel=[TIMER.id],
        outbox=[make_entry("x1")],
    )
    assert (await store.requests.commit(later)).outcome is CommitOutcome.VERSION_CONFLICT
    assert snapshot(raw) == before


async def test_an_unknown_request_is_not_at_a_later_version(store: Store, make_commit) -> None:
    assert (await store.requests.commit(make_commit(expected=1))).outcome is CommitOutcome.VERSION_CONFLICT
    with pytest.raises(RequestNotFound):
        await store.requests.get("acme", "R-1")


async def test_the_same_event_again_changes_nothing_and_tells_what_was_stored(
    store: Store, raw: Redis, make_commit
) -> None:
    await store.requests.commit(make_commit())
    before = snapshot(raw)
    again = await store.requests.commit(make_commit(expected=1))
    assert again.outcome is CommitOutcome.DUPLICATE
    assert (again.payload_hash, again.sequence, again.request_id) == ("hash-e1", 1, "R-1")
    assert again.number == "202310-CSR-001"
    assert snapshot(raw) == before


async def test_a_decision_out_of_sequence_is_an_error_and_changes_nothing(
    store: Store, raw: Redis, make_commit
) -> None:
    commit = make_commit()
    wrong = msgspec.structs.replace(commit, decision=msgspec.structs.replace(commit.decision, sequence=7))
    with pytest.raises(AnswerbyError, match="does not follow"):
        await store.requests.commit(wrong)
    assert snapshot(raw).keys() <= {b"ab:tenants", b"ab:schema"}


async def test_a_damaged_key_fails_the_commit_before_it_changes_anything(store: Store, raw: Redis, make_commit) -> None:
    raw.execute_command("SET", tenant_keys("acme").decisions("R-1"), "not a list")
    before = snapshot(raw)
    told = r"holds a string under the key ab:\{acme\}:decisions:R-1, where answerby keeps a list: restore the key"
    with pytest.raises(RecordUnreadable, match=told):
        await store.requests.commit(make_commit(tenant="acme"))
    after = snapshot(raw)
    assert {name: value for name, value in after.items() if name != b"ab:tenants"} == before


async def test_of_many_writers_on_one_version_exactly_one_wins(store: Store, make_commit) -> None:
    outcomes = [
        r.outcome
        for r in await asyncio.gather(*(store.requests.commit(make_commit(event_id=f"e{i}")) for i in range(20)))
    ]
    assert outcomes.count(CommitOutcome.COMMITTED) == 1
    assert outcomes.count(CommitOutcome.VERSION_CONFLICT) == 19
    assert len(await store.requests.events("acme", "R-1")) == 1


async def test_a_failed_item_of_a_batch_leaves_the_others_alone(store: Store, raw: Redis, make_commit) -> None:
    raw.execute_command("SET", tenant_keys("acme").decisions("R-2"), "not a list")
    good, bad, stale, last = await store.requests.commit_many(
        [make_commit("R-1", "e1"), make_commit("R-2", "e2"), make_commit("R-1", "e3"), make_commit("R-4", "e4")]
    )
    assert good.number == "202310-CSR-001"
    assert isinstance(bad, AnswerbyError)
    assert stale.outcome is CommitOutcome.VERSION_CONFLICT
    assert last.number == "202310-CSR-002"
    loaded = await store.requests.load_many(
        [LoadQuery(tenant="acme", request_id=f"R-{i}", source="crm", event_id="new") for i in (1, 2, 4)]
    )
    assert [item.version for item in loaded] == [1, 0, 1]


async def test_decisions_come_newest_first_and_by_sequence(store: Store, make_commit) -> None:
    for i in range(5):
        await store.requests.commit(make_commit(event_id=f"e{i}", expected=i))
    assert [d.sequence for d in await store.requests.decisions("acme", "R-1", 3)] == [5, 4, 3]
    assert (await store.requests.decision("acme", "R-1", 2)).event_id == "e1"
    assert {d.number for d in await store.requests.decisions("acme", "R-1")} == {"202310-CSR-001"}
    for missing in (0, -1, 6):
        with pytest.raises(DecisionNotFound):
            await store.requests.decision("acme", "R-1", missing)


async def test_tenants_do_not_see_each_other(store: Store, make_commit) -> None:
    await store.requests.commit(make_commit(tenant="acme"))
    other = await store.requests.commit(make_commit(tenant="globex"))
    assert (other.outcome, other.number) == (CommitOutcome.COMMITTED, "202310-CSR-001")
    assert await store.tenants.names() == ["acme", "globex"]


async def test_the_idempotency_record_expires_after_seven_days(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit())
    left = raw.execute_command("PTTL", tenant_keys("acme").idempotency("crm", "e1"))
    assert timedelta(days=7) - timedelta(minutes=2) < timedelta(milliseconds=left) <= timedelta(days=7)


async def test_key_names_hold_no_personal_data(store: Store, raw: Redis, make_commit) -> None:
    from answerby.store.records import WindowMark

    mark = WindowMark(by="customer.id", value="13800138000", category="complaint", at=T0)
    await store.requests.commit(make_commit(window_marks=[mark]))
    assert not [name for name in snapshot(raw) if b"13800138000" in name]


async def test_every_key_but_the_tenant_list_carries_the_hash_tag(
    store: Store, raw: Redis, make_commit, make_entry
) -> None:
    await store.requests.commit(make_commit(arm=[TIMER], outbox=[make_entry("x1")]))
    names = set(snapshot(raw))
    assert {name for name in names if not name.startswith(b"ab:{acme}:")} == {b"ab:schema", b"ab:tenants"}


async def test_a_forgotten_script_is_loaded_again(store: Store, raw: Redis, make_commit) -> None:
    raw.execute_command("SCRIPT FLUSH")
    assert (await store.requests.commit(make_commit())).number == "202310-CSR-001"
    raw.execute_command("SCRIPT FLUSH")
    results = await store.requests.commit_many([make_commit(f"B-{i}", f"b{i}") for i in range(10)])
    assert [r.number for r in results] == [f"202310-CSR-{i:03d}" for i in range(2, 12)]


async def test_scripts_that_are_forgotten_all_the_time_cost_nothing(store: Store, raw: Redis, make_commit) -> None:
    ended = asyncio.Event()

    async def flush() -> None:
        while not ended.is_set():
            await asyncio.to_thread(raw.execute_command, "SCRIPT FLUSH")

    flushing = asyncio.create_task(flush())
    numbers = []
    for round_ in range(50):
        commits = [make_commit(f"B-{round_}-{i}", f"b{round_}-{i}") for i in range(20)]
        numbers += [committed.number for committed in await store.requests.commit_many(commits)]
        numbers.append((await store.requests.commit(make_commit(f"S-{round_}", f"s{round_}"))).number)
    ended.set()
    await flushing
    assert numbers == [f"202310-CSR-{n:03d}" for n in range(1, 50 * 21 + 1)]


def test_a_commit_needs_the_state_after_the_decision(make_commit) -> None:
    from answerby.store.connection import StoreOptions
    from answerby.store.requests.commit import commit_call

    commit: Commit = make_commit()
    bare = msgspec.structs.replace(commit, decision=msgspec.structs.replace(commit.decision, state=None))
    with pytest.raises(ValueError, match="no state"):
        commit_call(bare, StoreOptions())


HOSTILE = [
    "KD:ev",
    "KD",
    "KD:dec",
    "KD:ev:ev",
    "a:b",
    "{x}",
    "}{",
    "x\ny",
    "\x1f",
    " ",
    "投诉:ev",
    "投诉",
    "e\u0301",
    "é",
]
HOSTILE += ["i" * 5000]


@pytest.mark.parametrize("order", [HOSTILE, HOSTILE[::-1]], ids=["forth", "back"])
async def test_requests_of_hostile_ids_do_not_touch_one_another(store: Store, make_commit, order: list[str]) -> None:
    """The case reported: `KD:ev` and then `KD` left KD with clocks and without events, and broken for ever."""
    for expected in (0, 1):
        for name in order:
            committed = await store.requests.commit(make_commit(name, f"{name}/{expected}", expected))
            assert committed.outcome is CommitOutcome.COMMITTED
    for name in order:
        assert [e.id for e in await store.requests.events("acme", name)] == [f"{name}/0", f"{name}/1"]
        assert [d.event_id for d in await store.requests.decisions("acme", name)] == [f"{name}/1", f"{name}/0"]
        assert (await store.requests.get("acme", name)).request_id == name
    page = await store.listing.page("acme", limit=100)
    assert sorted(state.request_id for state in page.requests) == sorted(order)


@pytest.mark.parametrize(
    "damaged", ["request", "events", "decisions", "log", "facets", "timers", "timer_data", "counter"]
)
async def test_a_key_of_another_type_fails_the_commit_whole(
    store: Store, raw: Redis, make_commit, make_entry, damaged: str
) -> None:
    """Every write of the commit comes after the look at all types, so nothing is half done."""
    keys = tenant_keys("acme")
    key = getattr(keys, damaged)
    key = key("R-1") if callable(key) else key
    raw.sadd(key, "neither")
    await store.tenants.register({"acme"})
    before = snapshot(raw)
    with pytest.raises(RecordUnreadable, match=f"holds a set under the key {re.escape(key)}, where"):
        await store.requests.commit(make_commit(arm=[TIMER], outbox=[make_entry("x")]))
    assert snapshot(raw) == before
    raw.delete(key)
    assert (await store.requests.commit(make_commit(arm=[TIMER]))).outcome is CommitOutcome.COMMITTED


@pytest.mark.parametrize("damaged", ["log_sequence", "counter", "serial"])
async def test_a_counter_that_is_no_number_fails_the_commit_whole(
    store: Store, raw: Redis, make_commit, make_entry, damaged: str
) -> None:
    key = getattr(tenant_keys("acme"), damaged)
    raw.set(key("202310-CSR") if callable(key) else key, "many")
    await store.tenants.register({"acme"})
    before = snapshot(raw)
    with pytest.raises(AnswerbyError, match="no number"):
        await store.requests.commit(make_commit(outbox=[make_entry("x")]))
    assert snapshot(raw) == before
