"""kill -9 of any part under load, again and again: nothing acknowledged is lost, doubled, left behind or numbered twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc.aio
import pytest

from answerby.api.v1 import request_service_pb2_grpc as rpc
from tests.kit.chaos.site import Site, Victim
from tests.kit.chaos.slow_sync import slowed_by
from tests.kit.chaos.traffic import Client, Ledger
from tests.kit.chaos.verdict import judge
from tests.kit.examples import PROFILE
from tests.kit.needs import on_every_store
from tests.kit.outages import finds_workers

pytestmark = finds_workers
CLIENTS = 6
SHARES = {
    Victim.WORKER: 3,
    Victim.WORKERS: 1,
    Victim.SUPERVISOR: 1,
    Victim.EVERYTHING: 1,
    Victim.STORE_AND_WORKER: 4,
    Victim.STORE: 10,
}
"""Of the 20 cycles of a round. Every victim is among them, the ones that take long seldom."""
FEW = dict.fromkeys(SHARES, 1)
"""Of the round of a developer, who waits for its end."""
LONGEST_QUIET = 0.6
"""Seconds between two kills in which the clients work undisturbed, at most."""


@on_every_store
@pytest.mark.parametrize(
    ("shares", "rounds", "sync_ms"),
    [
        pytest.param(FEW if PROFILE == "fast" else SHARES, 1, 0, id="one-round"),
        pytest.param(SHARES, 10, 0, id="200-cycles", marks=pytest.mark.deep),
        pytest.param(SHARES, 10, 400, id="200-cycles-slow-disk", marks=pytest.mark.deep),
    ],
)
async def test_any_part_killed_at_random(
    site: Callable[[int], Site], shares: dict[Victim, int], rounds: int, sync_ms: int
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    here = site(sync_ms)
    await here.start()
    ledger, stopping = Ledger(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name in range(CLIENTS):
            group.create_task(Client(name, here.address, ledger).run(stopping))
        recoveries = await kill_in_turn(here, chance, shares, rounds)
        stopping.set()
    async with grpc.aio.insecure_channel(here.address) as channel:
        verdict = await judge(rpc.RequestServiceStub(channel), ledger, here.delivered)
    print(f"{verdict} sent-again={dict(ledger.refusals)}")
    for victim, seconds in recoveries.items():
        print(f"{victim}: {len(seconds)} kills, ready after {min(seconds):.1f} to {max(seconds):.1f} s")
    assert verdict.broken == {}
    assert Counter({victim: len(seconds) for victim, seconds in recoveries.items()}) == Counter(
        {victim: rounds * share for victim, share in shares.items()}
    )
    assert here.stop() == 0


async def kill_in_turn(
    here: Site, chance: random.Random, shares: dict[Victim, int], rounds: int
) -> dict[Victim, list[float]]:
    """The seconds of each recovery. Every kill waits until all is ready, and comes at a random moment after that."""
    recoveries: dict[Victim, list[float]] = defaultdict(list)
    for _ in range(rounds):
        victims = [victim for victim, share in shares.items() for _ in range(share) if victim is not Victim.STORE]
        chance.shuffle(victims)
        # What a killed worker had leased is delivered half a minute later. The store's turn falls into that time.
        victims += [Victim.STORE] * shares[Victim.STORE]
        for victim in victims:
            await asyncio.sleep(chance.uniform(0.05, LONGEST_QUIET))
            recoveries[victim].append(await here.kill(victim))
    return recoveries


@pytest.fixture
async def site(tmp_path: Path, binary: Path | None) -> AsyncIterator[Callable[[int], Site]]:
    """Makes the site; its store syncs as much more slowly as the argument says, in milliseconds."""
    made: list[Site] = []

    def make(sync_ms: int) -> Site:
        made.append(Site(tmp_path, binary, slowed_by(sync_ms, tmp_path)))
        return made[-1]

    yield make
    for one in made:
        await asyncio.to_thread(one.close)
