"""Processes that are stopped and go on later, as in a paused container or a virtual machine that moves."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.server.supervisor import SILENT_SECONDS
from answerby.store.store import Store
from tests.kit.clients import make_event
from tests.kit.outages import finds_workers
from tests.kit.patience import eventually, wait_until
from tests.kit.processes import freeze, wake
from tests.kit.rulebooks import COMPLAINTS, write
from tests.kit.served import Served, serving

pytestmark = finds_workers
REQUESTS = 6
LONGER = SILENT_SECONDS + 2.0
"""Seconds of a stop in which every worker is silent for too long."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What the connector writes."""
    return tmp_path / "out.jsonl"


@pytest.fixture
def settings(tmp_path: Path, redis_url: str, out: Path) -> dict[str, Any]:
    """Two workers and a `file` connector."""
    sink = {"name": "out", "type": "file", "sources": ["crm"], "effects": ["notify"], "settings": {"path": str(out)}}
    return {
        "server": {"listen": "127.0.0.1:0", "drain_seconds": 5, "workers": 2},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path / "data")},
        "rules": {"folder": str(write(tmp_path / "rules", COMPLAINTS)), "engine": "reference", "watch": False},
        "metrics": {"listen": None},
        "connectors": [sink],
    }


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """The file, held so that no connector can write to it."""
    path.touch()
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def delivered(out: Path) -> Counter[str]:
    """How often each effect was written."""
    return Counter(json.loads(line)["effect_id"] for line in out.read_text("utf-8").splitlines())


def killed(served: Served) -> list[dict[str, Any]]:
    return [line for line in served.lines if line["event"] == "worker silent, killed"]


async def test_a_worker_that_wakes_after_its_lease_writes_nothing_that_another_wrote(settings, out, store: Store):
    """Both workers lease effects and hang before the write; half a minute later one goes on, then the other."""
    with serving(settings) as served:
        address = served.address()
        await eventually(lambda: len(served.ready_workers()) == 2)
        late, early = sorted(served.ready_workers())
        with locked(out):
            async with grpc.aio.insecure_channel(address) as channel:
                requests = rpc.RequestServiceStub(channel)
                for number in range(REQUESTS):
                    event = make_event(number, request_id=f"R-{number}", facts={"text.body": "I complain"})
                    await requests.SubmitEvent(pb.SubmitEventRequest(event=event))

            async def all_leased() -> bool:
                following = await store.outbox.next_attempt("default", "out")
                return following is not None and following > await store.time() + timedelta(seconds=1)

            await eventually(all_leased)
            freeze(served.process.pid, late, early)

        async def leases_over() -> bool:
            return await store.outbox.next_attempt("default", "out") < await store.time() - timedelta(seconds=5)

        await eventually(leases_over, "the leases of 30 s have run out")
        wake(early)

        async def all_delivered() -> bool:
            return (await store.outbox.depths("default"))[0].waiting == 0

        await eventually(all_delivered)
        before = delivered(out)
        wake(served.process.pid, late)
        await eventually(lambda: served.ready_workers() and any("held up" in line["event"] for line in served.lines))
        assert served.ready_workers() == {early, late}
        assert served.stop() == 0
        served.lines += served.rest()
        assert killed(served) == []
    assert len(before) >= REQUESTS
    assert set(delivered(out).values()) == {1}


def test_a_supervisor_that_was_stopped_too_kills_no_worker(settings):
    with serving(settings) as served:
        served.address()
        wait_until(lambda: len(served.ready_workers()) == 2)
        workers = served.ready_workers()
        freeze(served.process.pid, *workers)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + LONGER)
        wake(served.process.pid, *workers)
        assert served.line("supervisor was held up")["seconds"] > SILENT_SECONDS
        assert served.ready_workers() == workers
        assert served.stop() == 0
        served.lines += served.rest()
        assert killed(served) == []


def test_a_worker_that_is_stuck_alone_is_replaced(settings):
    with serving(settings) as served:
        served.address()
        wait_until(lambda: len(served.ready_workers()) == 2)
        stuck = min(served.ready_workers())
        freeze(stuck)
        served.line("worker silent, killed")
        wait_until(lambda: len(served.ready_workers() - {stuck}) == 2)
        assert served.stop() == 0
