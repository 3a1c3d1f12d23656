"""Records that nobody can read: each goes to the dead list with its reason, and everything else goes on.

The tests write garbage by plain commands, as a broken disk, a newer version or a hand would.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis import Redis

from answerby.domain.clock import Timer
from answerby.domain.errors import RecordUnreadable, StoreUnavailable
from answerby.domain.event import Event
from answerby.store import keys as store_keys
from answerby.store.codec import TimerMember, encode, encode_member
from answerby.store.key_types import type_of
from answerby.store.keys import target_of, tenant_keys
from answerby.store.records import CommitOutcome, Completion, LoadQuery
from answerby.store.rulebooks.candidate_records import Candidate, Change, DifferenceKept, Total
from answerby.store.rulebooks.revision_records import Action, Activation, Heartbeat, Pointer, Revision, Staged, Verdict
from answerby.store.rulebooks.revisions import Keeping
from answerby.store.store import Store
from answerby.store.unreadable import RecordKind

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG = timedelta(minutes=5)
ACME = tenant_keys("acme")
GARBAGE = [
    b"",
    b"garbage",
    b"\xff\xfe\x00",
    b"{",
    b"[]",
    b"null",
    b'{"id": 7}',
    b"[" * 20_000,
    b'{"due": "2023-10-09T01:01:00"}',
]
"""No text, no JSON, another shape, too deep, too little."""


def timer(minutes: float = 1, step: int = 0) -> Timer:
    return Timer(id=f"reply/1/{step}/0", due=T0 + minutes * MINUTE, clock="reply", cycle=1, step=step)


def member(request_id: str, of: Timer) -> str:
    return encode_member(TimerMember(of.id, request_id))


async def kinds(store: Store, tenant: str = "acme") -> list[RecordKind]:
    return [record.kind for record in await store.unreadable.all(tenant)]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_timer_costs_no_other(store: Store, raw: Redis, make_commit, garbage: bytes) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1), timer(2, 1)]))
    await store.requests.commit(make_commit("R-2", "e2", arm=[timer(3)]))
    raw.hset(ACME.timer_data, member("R-1", timer(1)), garbage)

    due = await store.timers.claim(["acme"])

    assert [(d.request_id, d.timer) for d in due] == [("R-1", timer(2, 1)), ("R-2", timer(3))]
    (dead,) = await store.unreadable.all("acme")
    assert (dead.kind, dead.key, dead.name) == (RecordKind.TIMER, ACME.timer_data, member("R-1", timer(1)))
    assert dead.raw == garbage
    assert dead.reason
    for n, fired in enumerate(due):
        commit = make_commit(fired.request_id, f"t{n}", expected=1, timer=fired)
        assert (await store.requests.commit(commit)).outcome is CommitOutcome.COMMITTED
    assert await store.timers.count("acme") == 0
    assert await store.timers.claim(["acme"]) == []


async def test_the_timer_of_the_request_takes_the_place_of_an_unreadable_one(
    store: Store, raw: Redis, make_commit
) -> None:
    """No alarm is lost: the request itself knows what it has armed."""
    state = {"timers": {timer().id: timer()}}
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer()], state=state))
    raw.hset(ACME.timer_data, member("R-1", timer()), b"garbage")
    assert await store.timers.claim(["acme"]) == []
    assert [d.timer for d in await store.timers.claim(["acme"])] == [timer()]
    assert await kinds(store) == [RecordKind.TIMER]


@pytest.mark.parametrize("score", ["-inf", "12.5", "1e300", "+inf", "5"])
async def test_a_timer_of_another_due_time_costs_no_other(store: Store, raw: Redis, make_commit, score: str) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1)]))
    await store.requests.commit(make_commit("R-2", "e2", arm=[timer(3)]))
    raw.zadd(ACME.timers, {member("R-1", timer(1)): float(score)})
    raw.zadd(ACME.timers, {b"no separator": 1, b"\xff\x1f\xff": 2})
    assert [d.request_id for d in await store.timers.claim(["acme"])] == ["R-2"]
    assert await store.timers.claim(["acme"]) == []
    await store.timers.next_due(["acme"])


async def test_a_broken_key_of_one_tenant_costs_no_other(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1)], tenant="globex"))
    for key in (ACME.timers, ACME.timer_claims):
        raw.delete(ACME.timers, ACME.timer_claims)
        raw.set(key, "garbage")
        assert await store.timers.next_due(["acme", "globex"]) is not None
        assert await store.timers.wait(["acme", "globex"]) is not None
    (due,) = await store.timers.claim(["acme", "globex"])
    assert due.tenant == "globex"
    assert RecordKind.KEY in await kinds(store)


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_effect_becomes_a_dead_letter(
    store: Store, raw: Redis, make_commit, make_entry, garbage: bytes
) -> None:
    outbox = [make_entry("x1"), make_entry("x2")]
    await store.requests.commit(make_commit("R-1", "e1", outbox=outbox))
    await store.requests.commit(make_commit("R-2", "e2", outbox=[make_entry("y1", "R-2")]))
    raw.hset(ACME.outbox_entries, "x1", garbage)

    first = await store.outbox.lease("acme", "crm-out", LONG)
    second = await store.outbox.lease("acme", "crm-out", LONG)

    assert [leased.entry.effect_id for leased in first] == ["y1"]
    assert [leased.entry.effect_id for leased in second] == ["x2"]
    (dead,) = await store.outbox.dead("acme")
    assert (dead.entry, dead.payload, dead.connector) == (None, garbage, "crm-out")
    assert dead.reason.startswith("cannot be read: ")
    assert await kinds(store) == [RecordKind.EFFECT]
    with pytest.raises(RecordUnreadable):
        await store.outbox.replay_dead("acme", dead.id)


async def test_the_marks_of_an_effect_may_be_garbage(store: Store, raw: Redis, make_commit, make_entry) -> None:
    """Without its mark nobody knows whether the effect has arrived, so the connector reads first."""
    await store.requests.commit(make_commit("R-1", "e1", outbox=[make_entry("x1"), make_entry("x2")]))
    raw.hset(ACME.outbox_meta, "x1", "garbage")
    raw.hdel(ACME.outbox_meta, "x2")
    raw.zadd(ACME.outbox_queue("crm-out"), {f"{target_of('R-3')}:garbage": 0})
    raw.zadd(ACME.outbox_due("crm-out"), {target_of("R-3"): 1, "no target": 2})
    delivered = []
    for _ in range(4):
        for leased in await store.outbox.lease("acme", "crm-out", LONG):
            assert leased.previous_unknown
            assert await store.outbox.complete(leased, Completion.done())
            delivered.append(leased.entry.effect_id)
    assert delivered == ["x1", "x2"]
    assert len(await store.outbox.dead("acme")) == 1


async def test_an_effect_of_another_tenant_is_never_delivered(
    store: Store, raw: Redis, make_commit, make_entry
) -> None:
    await store.requests.commit(make_commit("R-1", "e1", outbox=[make_entry("x1")]))
    raw.hset(ACME.outbox_entries, "x1", encode(msgspec.structs.replace(make_entry("x1"), tenant="globex")))
    assert await store.outbox.lease("acme", "crm-out", LONG) == []
    assert len(await store.outbox.dead("acme")) == 1


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_unreadable_entries_of_the_intake_come_with_their_reason(
    store: Store, raw: Redis, garbage: bytes
) -> None:
    await store.intake.open("acme")
    raw.xadd(ACME.intake, {"e": garbage})
    raw.xadd(ACME.intake, {"another": garbage})
    foreign = Event(tenant="globex", source="crm", id="e0", type="request.received", time=T0, request_id="R-1")
    raw.xadd(ACME.intake, {"e": encode(foreign)})
    good = msgspec.structs.replace(foreign, tenant="acme", id="e1")
    await store.intake.enqueue("acme", [good])
    entries = await store.intake.read("acme", "w")
    assert [entry.event for entry in entries] == [None, None, None, good]
    assert all(entry.error.startswith("not an event: ") for entry in entries[:3])
    raw.xadd(ACME.intake_dead, {"garbage": garbage})
    await store.intake.give_up(entries[0], entries[0].error)
    assert [dead.reason for dead in await store.intake.dead("acme")] == ["", entries[0].error]


@pytest.mark.parametrize("garbage", [*GARBAGE, b"1 2", b"1 2 3 4", b"-1 0 0", b"99999999999999999 1 1"])
async def test_an_unreadable_progress_of_a_schedule_begins_at_its_latest_firing(
    store: Store, raw: Redis, make_commit, garbage: bytes
) -> None:
    now = T0 + timedelta(days=1)
    before = await store.schedules.records("acme", T0, 1, ["daily", "weekly"])
    decision = msgspec.structs.replace(make_commit("daily").decision, sequence=1, event_time=T0 + MINUTE, state=None)
    assert await store.schedules.commit("daily", before["daily"], decision, [])
    raw.hset(ACME.schedules, mapping={"daily": garbage, "weekly": garbage, "gone": garbage})
    raw.rpush(ACME.schedule_decisions("daily"), garbage)

    after = await store.schedules.records("acme", now, 2, ["daily", "weekly"])

    assert (after["daily"].since, after["daily"].sequence) == (T0 + MINUTE, 1)
    assert (after["weekly"].since, after["weekly"].sequence) == (now, 0)
    assert await store.schedules.records("acme", now, 2, ["daily", "weekly"]) == after
    assert await store.schedules.claim("acme", "daily", after["daily"], LONG)
    assert (await kinds(store)).count(RecordKind.SCHEDULE) == 2


@pytest.mark.parametrize("garbage", GARBAGE[1:])
async def test_an_unreadable_state_fails_its_own_calls_only(
    store: Store, raw: Redis, make_commit, garbage: bytes
) -> None:
    for name in ("R-1", "R-2", "R-3"):
        await store.requests.commit(make_commit(name, name))
    raw.hset(ACME.request("R-2"), "s", garbage)
    raw.hset(ACME.facets, "R-3", garbage)

    for call in (
        store.requests.get("acme", "R-2"),
        store.requests.snapshot("acme", "R-2", 5),
        store.requests.history("acme", "R-2"),
        store.requests.load("acme", "R-2", "crm", "new"),
    ):
        with pytest.raises(RecordUnreadable, match="restore the record, or run the version that wrote it"):
            await call
    queries = [LoadQuery(tenant="acme", request_id=f"R-{n}", source="crm", event_id="new") for n in (1, 2, 3)]
    loaded = await store.requests.load_many(queries)
    assert [type(item).__name__ for item in loaded] == ["Loaded", "RecordUnreadable", "Loaded"]
    page = await store.listing.page("acme")
    assert [state.request_id for state in page.requests] == ["R-3", "R-1"]
    assert page.unreadable == ["R-2"]
    assert await kinds(store) == [RecordKind.STATE]  # once, however often it is met


async def test_ids_that_name_no_request_cost_no_list_and_no_export(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.zadd(ACME.index, {b"\xff\xfe": 5e15, "ghost": 1.696813e15})
    page = await store.listing.page("acme", limit=10)
    assert [state.request_id for state in page.requests] == ["R-1"]
    assert len(page.unreadable) == 2
    recorded = await store.recordings.page("acme", T0 - timedelta(days=1), T0 + timedelta(days=1))
    assert {item.place.request_id: bool(item.unreadable) for item in recorded} == {"ghost": True, "R-1": False}


async def test_the_state_of_another_request_is_no_state(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    await store.requests.commit(make_commit("R-2", "e2"))
    raw.hset(ACME.request("R-2"), "s", raw.hget(ACME.request("R-1"), "s"))
    with pytest.raises(RecordUnreadable, match="of request R-1"):
        await store.requests.get("acme", "R-2")


async def test_keys_of_another_type_fail_their_own_requests_only(store: Store, raw: Redis, make_commit) -> None:
    for name in ("R-1", "R-2", "R-3"):
        await store.requests.commit(make_commit(name, name))
    raw.delete(ACME.request("R-1"), ACME.decisions("R-2"))
    raw.rpush(ACME.request("R-1"), "garbage")
    raw.set(ACME.decisions("R-2"), "garbage")
    assert [s.request_id for s in (await store.listing.page("acme")).requests] == ["R-3", "R-2"]
    recorded = await store.recordings.page("acme", T0, T0 + MINUTE)
    assert [bool(item.unreadable) for item in recorded] == [True, True, False]
    for name in ("R-1", "R-2"):
        with pytest.raises(RecordUnreadable):
            await store.requests.history("acme", name)


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.requests.decisions("acme", "R-1"),
        lambda store: store.requests.snapshot("acme", "R-1", 5),
        lambda store: store.requests.history("acme", "R-1"),
        lambda store: store.requests.decision("acme", "R-1", 1),
    ],
)
async def test_the_error_names_the_key_of_another_type(store: Store, raw: Redis, make_commit, ask) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.delete(ACME.decisions("R-1"))
    raw.sadd(ACME.decisions("R-1"), "neither")
    with pytest.raises(
        RecordUnreadable, match=r"a set under the key ab:\{acme\}:decisions:R-1, where answerby keeps a list"
    ):
        await ask(store)


async def test_latest_decisions_of_another_type_fail_their_own_request_only(
    store: Store, raw: Redis, make_commit
) -> None:
    for n in (1, 2, 3):
        await store.requests.commit(make_commit(f"R-{n}", f"e{n}"))
    raw.delete(ACME.decisions("R-2"))
    raw.set(ACME.decisions("R-2"), "no list")
    first, second, third = await store.requests.recent_decisions("acme", ["R-1", "R-2", "R-3"], 5)
    assert [[d.request_id for d in found] for found in (first, third)] == [["R-1"], ["R-3"]]
    assert isinstance(second, RecordUnreadable)
    assert "a string under the key ab:{acme}:decisions:R-2" in second.message


async def test_every_key_in_use_has_the_type_that_errors_name(
    store: Store, raw: Redis, make_commit, make_entry
) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer()], outbox=[make_entry("x")]))
    await store.intake.open("acme")
    await store.intake.enqueue("acme", [Event(source="s", id="1", type="t", time=T0, request_id="R-2")])
    await store.timers.claim(["acme"])
    (lease,) = await store.outbox.lease("acme", "crm-out", LONG)
    await store.outbox.complete(lease, Completion.dead("no"))
    found = {key.decode(): raw.type(key).decode() for key in raw.scan_iter("*")}
    assert len(found) > 12
    assert {key: type_of(key) for key in found} == found


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_unreadable_decisions_and_events_fail_their_own_request_only(
    store: Store, raw: Redis, make_commit, garbage: bytes
) -> None:
    for name in ("R-1", "R-2", "R-3"):
        await store.requests.commit(make_commit(name, name))
    raw.lset(ACME.decisions("R-1"), 0, garbage)
    raw.lset(ACME.events("R-2"), 0, garbage)
    for call in (
        store.requests.decision("acme", "R-1", 1),
        store.requests.latest_decision("acme", "R-1"),
        store.requests.decisions("acme", "R-1"),
        store.requests.events("acme", "R-2"),
    ):
        with pytest.raises(RecordUnreadable):
            await call
    histories = await store.requests.histories([("acme", "R-1"), ("acme", "R-2"), ("acme", "R-3")])
    assert [type(item).__name__ for item in histories] == ["list", "RecordUnreadable", "list"]
    recorded = await store.recordings.page("acme", T0, T0 + MINUTE)
    assert [(item.place.request_id, bool(item.unreadable)) for item in recorded] == [
        ("R-1", True),
        ("R-2", True),
        ("R-3", False),
    ]
    assert sorted(await kinds(store)) == [RecordKind.DECISION, RecordKind.EVENT]


async def test_an_unreadable_mark_of_an_event_fails_that_event_only(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.set(ACME.idempotency("crm", "e1"), "garbage")
    queries = [LoadQuery(tenant="acme", request_id="R-1", source="crm", event_id=name) for name in ("e1", "e2")]
    assert [type(item).__name__ for item in await store.requests.load_many(queries)] == ["RecordUnreadable", "Loaded"]
    again, other = await store.requests.commit_many([make_commit("R-1", "e1", 1), make_commit("R-1", "e2", 1)])
    assert isinstance(again, RecordUnreadable)
    assert other.outcome is CommitOutcome.COMMITTED


async def test_an_unreadable_version_fails_that_request_only(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.hset(ACME.request("R-1"), "v", "garbage")
    broken, other = await store.requests.commit_many([make_commit("R-1", "e2", 1), make_commit("R-2", "e3")])
    assert isinstance(broken, RecordUnreadable)
    assert other.outcome is CommitOutcome.COMMITTED


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_watch_goes_on_after_an_unreadable_entry(store: Store, raw: Redis, make_commit, garbage: bytes) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.incr(ACME.log_sequence)
    raw.xadd(ACME.log, {"n": 2, "r": "R-1", "p": "", "u": "", "d": garbage})
    raw.incr(ACME.log_sequence)
    raw.xadd(ACME.log, {"garbage": garbage})
    await store.requests.commit(make_commit("R-2", "e2"))

    whole = await store.log.read("acme")
    assert [(entry.log_sequence, bool(entry.decision), bool(entry.unreadable)) for entry in whole] == [
        (1, True, False),
        (2, False, True),
        (3, False, True),
        (4, True, False),
    ]
    # It may be resumed at each of them.
    for place, entry in enumerate(whole, 1):
        assert await store.log.read("acme", entry.token) == whole[place:]
    assert await kinds(store) == [RecordKind.LOG, RecordKind.LOG]


async def test_names_that_no_tenant_can_have_cost_no_tenant(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.sadd(store_keys.TENANTS, b"\xff", b"", b"a{b}")
    assert await store.tenants.names() == ["acme"]
    assert await kinds(store, "") == [RecordKind.TENANT] * 3


def entry(revision: str, generation: int, before: str = "") -> Activation:
    return Activation(Action.ACTIVATE, T0, "olga", "why", before, revision, generation)


async def keep(store: Store, *names: str) -> None:
    for name in names:
        await store.revisions.save(Revision(name, "ann", T0), {"a.yaml": b"x"}, f"digest-{name}", Keeping(), T0)


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_revision_costs_no_other(store: Store, raw: Redis, garbage: bytes) -> None:
    await keep(store, "r-1", "r-2", "r-3")
    raw.hset(store_keys.RULEBOOK_REVISIONS, "r-1", garbage)
    raw.hset(store_keys.RULEBOOK_FILES, "r-2", garbage)
    raw.hset(store_keys.RULEBOOK_VERDICTS, "r-3", garbage)
    found = await store.revisions.all()
    assert [(revision.revision, revision.verdict is None) for revision in found] == [("r-3", False), ("r-2", True)]
    assert not found[0].verdict.approved
    for call in (store.revisions.get("r-1"), store.revisions.files("r-2")):
        with pytest.raises(RecordUnreadable):
            await call
    # What cannot be read counts as refused, until somebody judges again.
    pointer = Pointer("r-3", 1, T0, "olga")
    assert (await store.revisions.activate(pointer, entry("r-3", 1), 0)).value == "rejected"
    await store.revisions.judge("r-3", Verdict(True, "bob", T0), entry("r-3", 0))
    assert (await store.revisions.activate(pointer, entry("r-3", 1), 0)).value == "ok"


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_pointer_is_mended_from_the_history(store: Store, raw: Redis, garbage: bytes) -> None:
    await keep(store, "r-1", "r-2")
    await store.revisions.activate(Pointer("r-1", 1, T0, "olga"), entry("r-1", 1), 0)
    await store.revisions.activate(Pointer("r-2", 2, T0, "olga", previous=["r-1"]), entry("r-2", 2, "r-1"), 1)
    await store.revisions.note(entry("r-1", 0))
    raw.lpush(store_keys.RULEBOOK_HISTORY, garbage)
    raw.set(store_keys.RULEBOOK_ACTIVE, garbage)
    raw.set(store_keys.RULEBOOK_STAGED, garbage)
    raw.set(store_keys.RULEBOOK_PROBLEM, garbage)

    scene = await store.workers.look()

    wanted = Pointer("r-2", 2, T0, "olga", "why", previous=["r-1"])
    if garbage:
        assert (scene.active, scene.staged, scene.problem) == (wanted, None, None)
    assert await store.revisions.active() == wanted
    assert len(await store.revisions.history()) == 3
    assert await store.workers.stage(Staged("r-1", "token"), LONG) is bool(garbage)
    assert (await store.revisions.activate(Pointer("r-1", 3, T0, "o"), entry("r-1", 3), 2)).value == "ok"


async def test_an_unreadable_pointer_without_a_history_is_none(store: Store, raw: Redis) -> None:
    raw.set(store_keys.RULEBOOK_ACTIVE, "garbage")
    assert await store.revisions.active() is None
    assert (await store.workers.look()).active is None
    assert await kinds(store, "") == [RecordKind.POINTER]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_heartbeat_costs_no_worker(store: Store, raw: Redis, garbage: bytes) -> None:
    raw.hset(store_keys.RULEBOOK_WORKERS, mapping={"garbled": garbage})
    newer = str(int(datetime.now(UTC).timestamp() * 1000)).encode() + b" " + (garbage or b"7")
    raw.hset(store_keys.RULEBOOK_WORKERS, mapping={"newer": newer})
    scene = await store.workers.beat("own", Heartbeat(revision="r-1"))
    seen = {worker.name: worker.beat for worker in scene.workers}
    assert seen["own"] == Heartbeat(revision="r-1")
    assert "garbled" not in seen
    # It runs, and nobody knows what: nothing goes live as if it were ready.
    assert seen["newer"].revision == ""
    assert bool(seen["newer"].problem) is not garbage.startswith(b'{"')  # an object of unknown fields can be read
    assert RecordKind.HEARTBEAT in await kinds(store, "")


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_unreadable_findings_of_a_candidate_cost_no_other(store: Store, raw: Redis, garbage: bytes) -> None:
    await keep(store, "r-1")
    await store.candidates.start(Candidate("trial", "r-1", T0, "ann"))
    kept = DifferenceKept("acme", "R-1", 1, "request.received", T0, "r-0")
    await store.candidates.add("trial", {Total.COMPARED: 1, Change("a"): 1}, [kept])
    raw.lpush(store_keys.RULEBOOK_CANDIDATE_DIFFERENCES, garbage)
    raw.hset(store_keys.RULEBOOK_CANDIDATE_COUNTS, mapping={b"[" + garbage: 1, "different": "garbage"})
    for _ in range(2):
        candidate, findings = await store.candidates.report()
        assert candidate == Candidate("trial", "r-1", T0, "ann")
        assert findings.totals == {Total.COMPARED: 1}
        assert findings.changes == {Change("a"): 1}
        assert findings.differences == [kept]
    assert await store.candidates.add("trial", {Total.DIFFERENT: 1}, [])

    raw.set(store_keys.RULEBOOK_CANDIDATE, garbage or b" ")
    assert not await store.candidates.add("trial", {Total.COMPARED: 1}, [])
    assert await store.candidates.current() is None
    await store.candidates.start(Candidate("next", "r-1", T0, "ann"))
    assert (await store.candidates.current()).token == "next"


async def test_a_dead_list_that_cannot_be_used_costs_nothing_more(store: Store, raw: Redis, make_commit) -> None:
    await store.requests.commit(make_commit("R-1", "e1", arm=[timer(1)]))
    raw.set(ACME.unreadable, "garbage")
    raw.hset(ACME.timer_data, member("R-1", timer(1)), b"garbage")
    assert await store.timers.claim(["acme"]) == []


async def test_a_record_is_told_once_and_may_be_discarded(store: Store, raw: Redis, make_commit) -> None:
    told = []
    store.unreadable.listen(told.append)
    await store.requests.commit(make_commit("R-1", "e1"))
    raw.hset(ACME.request("R-1"), "s", b"garbage")
    for _ in range(3):
        with pytest.raises(RecordUnreadable):
            await store.requests.get("acme", "R-1")
    raw.hset(ACME.unreadable, "garbage", b"garbage")
    assert told == await store.unreadable.all("acme")
    assert await store.unreadable.discard("acme", told[0].id)
    assert not await store.unreadable.discard("acme", told[0].id)


async def test_a_store_that_is_away_makes_nothing_unreadable(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.timers.claim(["acme"])
