"""The delivery loop on a real store: everything arrives, nothing twice in effect, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.backoff import Backoff
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.server.flow.delivering.delivery import DeliveryLoop
from answerby.server.flow.delivering.delivery_options import DeliveryOptions
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.store.connector_life import Became, RestPolicy
from answerby.store.records import Commit, Completion, OutboxEntry
from answerby_connectors.file.connector import FileConnector
from answerby_connectors.kit.base import DONE, Delivery, Guarantee, Manifest, Outcome, OutcomeKind
from tests.kit.patience import PATIENCE, eventually
from tests.kit.services import Kit

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
QUICK = DeliveryOptions(
    poll=0.01,
    backoff=Backoff(0.01, 0.05, jitter=1.0),
    lease=timedelta(seconds=5),
    attempt=5.0,
    drain=0.2,
    rests=RestPolicy(threshold=1000),
)


class Platform:
    """A connector that does what the test says, and keeps what was delivered."""

    def __init__(self, answer: Callable[[Delivery], Awaitable[Outcome]] | None = None) -> None:
        self.manifest = Manifest("p", frozenset(EffectKind), Guarantee.EXACTLY_ONCE, False, "")
        self.seen: list[Delivery] = []
        self.under_way = 0
        self.most = 0
        self._answer = answer

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.seen.append(delivery)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return DONE if self._answer is None else await self._answer(delivery)
        finally:
            self.under_way -= 1

    async def close(self) -> None:
        return None


def make_commit(request: str, sequence: int = 1, connector: str = "p", tenant: str = "acme", **effect) -> Commit:
    made = {"kind": EffectKind.UPDATE_REQUEST, "key": "update", "payload": {"priority": "P0"}, **effect}
    event = Event(
        tenant=tenant, source="crm", id=f"{request}/{sequence}", type="request.received", time=T0, request_id=request
    )
    state = RequestState(
        tenant=tenant, request_id=request, source="crm", version=sequence, created=T0, last_event=T0, decisions=sequence
    )
    decision = Decision(
        tenant=tenant,
        request_id=request,
        event_source="crm",
        event_id=event.id,
        event_type=event.type,
        event_time=T0,
        decided=T0,
        sequence=sequence,
        revision="r1",
        number_prefix="202601-CSR" if sequence == 1 else "",
        state=state,
    )
    entry = OutboxEntry(
        effect_id=f"{tenant}/{request}/{sequence}",
        tenant=tenant,
        request_id=request,
        connector=connector,
        effect=Effect(**made),
        decision_sequence=sequence,
        created=datetime.now(UTC),
        source="crm",
    )
    return Commit(
        tenant=tenant,
        event=event,
        payload_hash=event.id,
        decision=decision,
        expected_version=sequence - 1,
        outbox=[entry],
    )


@pytest.fixture
async def start(store):
    """Starts a loop; all are drained at the end."""
    loops: list[tuple[DeliveryLoop, asyncio.Task[None]]] = []

    def begin(platform, name="p", options=QUICK, kit=None, tenant="acme") -> DeliveryLoop:
        loop = DeliveryLoop((kit or Kit(store)).services, {name: TenantConnector(tenant, platform)}, {name: options})
        loops.append((loop, asyncio.create_task(loop.run())))
        return loop

    yield begin
    for loop, task in loops:
        await loop.drain()
        await task


async def empty(store, tenant: str = "acme") -> bool:
    return all(depth.waiting == 0 for depth in await store.outbox.depths(tenant))


async def test_delivers_what_waits_and_what_comes(store, start):
    platform = Platform()
    await store.requests.commit(make_commit("R-1"))
    start(platform)
    await store.requests.commit(make_commit("R-2", payload={"text.en": "{number} is late"}))
    await eventually(lambda: empty(store))
    first, second = sorted(platform.seen, key=lambda d: d.request_id)
    assert (first.effect_id, first.number, first.source, first.attempt) == ("acme/R-1/1", "202601-CSR-001", "crm", 1)
    assert not first.previous_unknown
    assert second.effect.payload["text.en"] == "202601-CSR-002 is late"


async def test_an_entry_of_another_tenant_is_never_delivered(store, start):
    """An older version queued every effect for every connector. Such an entry ends as a dead letter with its reason."""
    platform, kit = Platform(), Kit(store)
    for tenant in ("acme", "beta", "gamma"):
        for number in range(3):
            await store.requests.commit(make_commit(f"R-{number}", tenant=tenant))
    start(platform, kit=kit)
    for tenant in ("acme", "beta", "gamma"):
        await eventually(lambda tenant=tenant: empty(store, tenant))
    assert sorted((d.tenant, d.request_id) for d in platform.seen) == [("acme", f"R-{n}") for n in range(3)]
    assert await store.outbox.dead("acme") == []
    for tenant in ("beta", "gamma"):
        dead = await store.outbox.dead(tenant)
        assert sorted(letter.entry.effect_id for letter in dead) == [f"{tenant}/R-{n}/1" for n in range(3)]
        assert {letter.reason for letter in dead} == {"the connector belongs to another tenant"}
    assert kit.counts("deliveries")[("p", "dead")] == 6


async def test_an_entry_put_back_for_another_tenant_is_given_up_again(store, start):
    platform = Platform()
    options = replace(QUICK, stray_look=0.01)
    await store.requests.commit(make_commit("R-1", tenant="beta"))
    start(platform, options=options)

    async def buried() -> bool:
        return len(await store.outbox.dead("beta")) == 1

    await eventually(buried)
    (letter,) = await store.outbox.dead("beta")
    assert await store.outbox.replay_dead("beta", letter.id)
    await eventually(buried)
    assert platform.seen == []


async def test_one_at_a_time_for_a_request_and_several_at_once_for_many(store, start):
    gate = asyncio.Event()

    async def wait(_: Delivery) -> Outcome:
        await gate.wait()
        return DONE

    platform = Platform(wait)
    for request in range(6):
        for sequence in (1, 2):
            await store.requests.commit(make_commit(f"R-{request}", sequence))
    start(platform, options=DeliveryOptions(poll=0.01, concurrency=4))

    async def four() -> bool:
        return platform.under_way == 4

    await eventually(four)
    assert len({d.request_id for d in platform.seen}) == 4
    gate.set()
    await eventually(lambda: empty(store))
    assert platform.most == 4
    for request in range(6):
        assert [d.effect_id for d in platform.seen if d.request_id == f"R-{request}"] == [
            f"acme/R-{request}/1",
            f"acme/R-{request}/2",
        ]


async def test_tries_again_and_tells_what_is_unknown(store, start):
    outcomes = iter([OutcomeKind.RETRY, OutcomeKind.UNKNOWN, OutcomeKind.RETRY, OutcomeKind.DONE])

    async def answer(_: Delivery) -> Outcome:
        return Outcome(next(outcomes), "as told")

    platform, kit = Platform(answer), Kit(store)
    await store.requests.commit(make_commit("R-1"))
    start(platform, kit=kit)
    await eventually(lambda: empty(store))
    assert [(d.attempt, d.previous_unknown) for d in platform.seen] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    expected = {("p", "retry"): 2, ("p", "unknown"): 1, ("p", "done"): 1}
    await eventually(lambda: kit.counts("deliveries") == expected)


async def test_a_refusal_goes_to_the_dead_letters_and_can_be_replayed(store, start):
    refuse = True

    async def answer(_: Delivery) -> Outcome:
        return Outcome(OutcomeKind.FAILED, "HTTP 410") if refuse else DONE

    platform = Platform(answer)
    await store.requests.commit(make_commit("R-1"))
    start(platform)
    await eventually(lambda: empty(store))
    (dead,) = await store.outbox.dead("acme")
    assert (dead.entry.effect_id, dead.reason) == ("acme/R-1/1", "HTTP 410")

    refuse = False
    assert await store.outbox.replay_dead("acme", dead.id)
    await eventually(lambda: empty(store))
    assert platform.seen[-1].previous_unknown
    assert await store.outbox.dead("acme") == []


async def test_too_many_attempts_go_to_the_dead_letters(store, start):
    async def answer(_: Delivery) -> Outcome:
        return Outcome(OutcomeKind.UNKNOWN, "HTTP 500")

    platform, kit = Platform(answer), Kit(store)
    await store.requests.commit(make_commit("R-1"))
    options = DeliveryOptions(
        poll=0.01, backoff=Backoff(0.01, 600.0, jitter=1.0), max_attempts=3, give_up_after=timedelta(0)
    )
    start(platform, options=options, kit=kit)
    await eventually(lambda: empty(store))
    (dead,) = await store.outbox.dead("acme")
    assert dead.reason == "given up after 3 attempts: HTTP 500"
    await eventually(lambda: kit.counts("deliveries") == {("p", "unknown"): 3, ("p", "dead"): 1})


async def test_an_exception_is_logged_without_its_message_and_tried_again(store, start):
    async def answer(delivery: Delivery) -> Outcome:
        if delivery.attempt == 1:
            raise ValueError("王芳 138-0000-0000")
        return DONE

    kit = Kit(store, level="info")
    lines = kit.log
    platform = Platform(answer)
    await store.requests.commit(make_commit("R-1", payload={"note": "王芳 138-0000-0000"}))
    start(platform, kit=kit)
    await eventually(lambda: len(lines.getvalue().splitlines()) == 3)
    assert [(d.attempt, d.previous_unknown) for d in platform.seen] == [(1, False), (2, True)]
    assert "王芳" not in lines.getvalue()
    assert "138-0000" not in lines.getvalue()
    records = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(r["event"], r.get("outcome")) for r in records] == [
        ("connector failed", None),
        ("effect not delivered", "unknown"),
        ("effect delivered", "done"),
    ]
    assert records[0]["error"] == "ValueError"
    assert all("dropped" not in r for r in records)


async def test_the_whole_lane_waits_when_the_platform_asks_for_it(store, start):
    """The limit is of the account: the second request is not even tried meanwhile."""
    stamps: list[float] = []

    async def answer(_: Delivery) -> Outcome:
        stamps.append(asyncio.get_running_loop().time())
        return Outcome(OutcomeKind.RETRY, "HTTP 429", 0.5) if len(stamps) == 1 else DONE

    platform = Platform(answer)
    for request in ("R-1", "R-2", "R-3"):
        await store.requests.commit(make_commit(request))
    start(platform, options=DeliveryOptions(poll=0.01, concurrency=1))
    await eventually(lambda: empty(store))
    assert len(stamps) == 4
    assert stamps[1] - stamps[0] >= 0.5


async def test_the_breaker_spares_a_platform_that_is_down(store, start):
    down = True

    async def answer(_: Delivery) -> Outcome:
        return Outcome(OutcomeKind.RETRY, "ConnectError") if down else DONE

    platform = Platform(answer)
    for request in range(20):
        await store.requests.commit(make_commit(f"R-{request}"))
    options = DeliveryOptions(
        poll=0.01,
        backoff=Backoff(0.001, 600.0, jitter=1.0),
        concurrency=2,
        rests=RestPolicy(threshold=3, first=0.1, most=0.2),
    )
    start(platform, options=options)

    async def rested() -> bool:
        return len(platform.seen) >= 6

    await eventually(rested)
    tried = len(platform.seen)
    assert tried < 20
    down = False
    await eventually(lambda: empty(store))
    assert len({d.request_id for d in platform.seen}) == 20


async def test_a_newer_decision_replaces_an_older_one_that_was_not_sent(store, start):
    platform = Platform()
    for sequence in (1, 2, 3):
        await store.requests.commit(make_commit("R-1", sequence, supersedes="update"))
    start(platform)
    await eventually(lambda: empty(store))
    assert [d.effect_id for d in platform.seen] == ["acme/R-1/3"]


async def test_a_stop_waits_and_then_leaves_nothing_leased(store, start):
    async def hang(_: Delivery) -> Outcome:
        await asyncio.Event().wait()
        return DONE

    stuck, after = Platform(hang), Platform()
    await store.requests.commit(make_commit("R-1"))
    loop = start(stuck)

    async def begun() -> bool:
        return stuck.under_way == 1

    await eventually(begun)
    await loop.drain()
    assert stuck.under_way == 0

    start(after)
    await eventually(lambda: empty(store))
    assert [(d.attempt, d.previous_unknown) for d in after.seen] == [(2, True)]


async def test_a_stop_before_the_start_and_twice(store):
    loop = DeliveryLoop(Kit(store).services, {"p": TenantConnector("acme", Platform())}, {"p": QUICK})
    await loop.drain()
    await loop.run()
    await loop.drain()


async def test_a_worker_that_slept_through_its_lease_cannot_complete(store, start):
    """As after SIGSTOP: the other worker has finished, and the late answer changes nothing."""
    (lease,) = await _leased(store, make_commit("R-1"))
    other = Platform()
    start(other)
    await eventually(lambda: empty(store))
    assert [(d.attempt, d.previous_unknown) for d in other.seen] == [(2, True)]
    assert await store.outbox.complete(lease, Completion.dead("too late")) is Became.LOST
    assert await store.outbox.dead("acme") == []


async def _leased(store, commit: Commit):
    await store.requests.commit(commit)
    return await store.outbox.lease("acme", "p", timedelta(milliseconds=50))


async def test_a_lease_is_kept_as_long_as_the_delivery_goes_on(store, start, monkeypatch):
    gate = asyncio.Event()

    async def wait(_: Delivery) -> Outcome:
        await gate.wait()
        return DONE

    renewals, renew = [], store.outbox.renew

    async def counted(lease, length) -> bool:
        renewals.append(await renew(lease, length))
        return renewals[-1]

    monkeypatch.setattr(store.outbox, "renew", counted)
    slow, other = Platform(wait), Platform()
    options = DeliveryOptions(poll=0.01, lease=timedelta(seconds=PATIENCE / 60))
    await store.requests.commit(make_commit("R-1"))
    start(slow, options=options)

    async def begun() -> bool:
        return slow.under_way == 1

    await eventually(begun)
    start(other, options=options)

    # A lease is renewed when a third of it has passed.
    await eventually(lambda: len(renewals) >= 4, "longer than the lease")
    assert all(renewals)
    assert other.seen == []
    gate.set()
    await eventually(lambda: empty(store))
    assert other.seen == []


async def test_an_attempt_without_end_is_given_up_as_unknown(store, start):
    async def first_hangs(delivery: Delivery) -> Outcome:
        if delivery.attempt == 1:
            await asyncio.Event().wait()
        return DONE

    platform = Platform(first_hangs)
    await store.requests.commit(make_commit("R-1"))
    start(platform, options=DeliveryOptions(poll=0.01, attempt=0.1, backoff=Backoff(0.01, 600.0, jitter=1.0)))
    await eventually(lambda: empty(store))
    assert [(d.attempt, d.previous_unknown) for d in platform.seen] == [(1, False), (2, True)]


async def test_several_workers_and_lost_answers_write_every_effect_once(store, start, tmp_path):
    """Three workers, one file, every third answer lost after the line was written."""
    path = tmp_path / "effects.jsonl"
    count = 0

    class Forgetful(FileConnector):
        async def deliver(self, delivery: Delivery) -> Outcome:
            nonlocal count
            outcome = await super().deliver(delivery)
            count += 1
            return Outcome(OutcomeKind.UNKNOWN, "lost") if count % 3 == 0 else outcome

    for request in range(60):
        await store.requests.commit(make_commit(f"R-{request}"))
    for _ in range(3):
        start(Forgetful("p", {"path": str(path), "fsync": False}))
    await eventually(lambda: empty(store))
    written = [json.loads(line)["effect_id"] for line in path.read_text().splitlines()]
    assert sorted(written) == sorted(f"acme/R-{request}/1" for request in range(60))
