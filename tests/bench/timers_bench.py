"""How late timers fire while a million more are armed, and what a million cost. Shipped rules, embedded store.

Lateness is the store's own time of the commit less the due time, of every timer that falls due in the measured minute.
"""

import asyncio
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis.asyncio

from answerby.domain.clock import Timer
from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook
from answerby.store import codec
from answerby.store.embedded import EmbeddedValkey
from answerby.store.keys import tenant_keys
from answerby.store.records import Commit
from answerby.store.store import Store
from tests.kit.places import ROOT

TENANTS = ("north", "south", "east", "west")
ARMED = 1_000_000
BURSTS, BURST, APART = 10, 400, timedelta(seconds=6)
BEFORE_DUE = timedelta(minutes=7, seconds=30)
"""An urgent complaint has 15 minutes; its owner is warned at half of them."""
LEAD = timedelta(seconds=25)
BATCH = 1000
CHUNK = 100


def main() -> None:
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            valkey = EmbeddedValkey(Path(folder) / "data")
            valkey.start()
            try:
                asyncio.run(measure(valkey.url, workers))
            finally:
                valkey.stop()


async def measure(url: str, workers: int) -> None:
    print(f"-- {workers} worker{'s' if workers > 1 else ''}", flush=True)
    client = redis.asyncio.Redis.from_url(url)
    store = await Store.connect(url)
    server = start(url, workers)
    try:
        await arm_a_million(client)
        first = datetime.now(UTC).replace(microsecond=0) + LEAD
        due = [first + number * APART for number in range(BURSTS)]
        await receive_requests(store, due)
        if datetime.now(UTC) > first:
            print("the machine was too slow to prepare; the first bursts are late by that", flush=True)
        await pause_until(due[-1] + timedelta(seconds=3))
        report(await commits(client, due))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        await store.close()
        await client.aclose()


def start(url: str, workers: int) -> subprocess.Popen[bytes]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        **os.environ,
        "REDIS_URL": url,
        "ANSWERBY_SERVER__LISTEN": address,
        "ANSWERBY_SERVER__WORKERS": str(workers),
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
        "ANSWERBY_LOG__LEVEL": "error",
        "ANSWERBY_RULES__FOLDER": str(ROOT / "rules"),
    }
    return subprocess.Popen([sys.executable, "-m", "answerby.cli.main", "serve"], cwd=ROOT, env=environment)


async def arm_a_million(client: redis.asyncio.Redis) -> None:
    """Writes timers of the coming month as a commit writes them."""
    before = (await client.info("memory"))["used_memory"]
    start_of = datetime.now(UTC) + timedelta(hours=1)
    begin = time.perf_counter()
    for first in range(0, ARMED, BATCH):
        keys = tenant_keys(TENANTS[first // BATCH % len(TENANTS)])
        scores, data = {}, {}
        for number in range(first, first + BATCH):
            at = start_of + timedelta(seconds=number * 7919 % (30 * 86_400))
            timer = Timer(id="first_response/1/0/0", due=at, clock="first_response", cycle=1, step=0)
            member = codec.encode_member(codec.TimerMember(timer.id, f"request-{number}"))
            scores[member], data[member] = codec.to_ms(at), codec.encode(timer)
        pipeline = client.pipeline(transaction=False)
        pipeline.zadd(keys.timers, scores)
        pipeline.hset(keys.timer_data, mapping=data)
        await pipeline.execute()
    seconds = time.perf_counter() - begin
    after = (await client.info("memory"))["used_memory"]
    print(
        f"{ARMED} timers armed in {seconds:.1f} s ({ARMED / seconds:.0f}/s, "
        f"{seconds / ARMED * 1e6:.1f} us each, encoding included); "
        f"{(after - before) / 2**20:.0f} MiB of the store, {(after - before) / ARMED:.0f} bytes each",
        flush=True,
    )


async def receive_requests(store: Store, due: list[datetime]) -> None:
    """Urgent complaints, received so that the warnings of each burst are due at one moment."""
    result = load_rulebook(ROOT / "rules")
    assert result.rulebook is not None
    compiled = compile_rulebook(result.rulebook)
    commits = []
    for number, moment in enumerate(itertools.chain.from_iterable([at] * BURST for at in due)):
        tenant = TENANTS[number % len(TENANTS)]
        event = Event(
            tenant=tenant,
            source="bench",
            id=f"e{number}",
            type="request.received",
            time=moment - BEFORE_DUE,
            request_id=f"R-{number}",
            data={"channel": "phone", "stated.urgency": "urgent", "text.body": "我要投诉，设备故障，请立即处理"},
        )
        decision = decide(compiled, None, event, Context(), datetime.now(UTC))
        commits.append(Commit(tenant=tenant, event=event, payload_hash="x", decision=decision, expected_version=0))
    begin = time.perf_counter()
    for at in range(0, len(commits), CHUNK):
        await store.requests.commit_many(commits[at : at + CHUNK])
    seconds = time.perf_counter() - begin
    timers = sum(len(commit.decision.arm) for commit in commits)
    print(
        f"{len(commits)} requests with {timers} timers committed in {seconds:.1f} s, beside the million: "
        f"{seconds / len(commits) * 1e6:.0f} us a commit",
        flush=True,
    )


async def pause_until(moment: datetime) -> None:
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(min(left, 1.0))


async def commits(client: redis.asyncio.Redis, due: list[datetime]) -> dict[datetime, list[float]]:
    """Seconds late, by due time, of every timer of the bursts; waits for stragglers."""
    deadline = time.monotonic() + 60
    while True:
        found: dict[datetime, list[float]] = {moment: [] for moment in due}
        seen: set[tuple[str, str]] = set()
        for tenant in TENANTS:
            for stream_id, fields in await client.xrange(tenant_keys(tenant).log):
                decision = codec.decode_decision(fields[b"d"], None)
                if decision.event_type == "timer.due" and decision.event_time in found:
                    committed = int(stream_id.split(b"-")[0]) / 1000
                    found[decision.event_time].append(committed - decision.event_time.timestamp())
                    assert (tenant, decision.event_id) not in seen, "fired twice"
                    seen.add((tenant, decision.event_id))
        if len(seen) >= BURSTS * BURST or time.monotonic() > deadline:
            return found
        await asyncio.sleep(1)


def report(found: dict[datetime, list[float]]) -> None:
    late = sorted(itertools.chain.from_iterable(found.values()))
    cuts = statistics.quantiles(late, n=100)
    print(
        f"{len(late)} of {BURSTS * BURST} fired, each once; late by p50 {statistics.median(late) * 1e3:.0f} ms, "
        f"p99 {cuts[98] * 1e3:.0f} ms, max {late[-1] * 1e3:.0f} ms; "
        f"first of a burst by {max(min(times) for times in found.values() if times) * 1e3:.0f} ms at most; "
        f"{sum(seconds > 1 for seconds in late)} later than 1 s",
        flush=True,
    )
