"""Background loops: a cancellation always gets through, and a failed step ends no loop."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from prometheus_client import CollectorRegistry

from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.server.base.logs import make_logger
from answerby.server.base.loops import pause, repeat, spared
from answerby.server.base.metrics import Metrics
from answerby.server.base.services import Services
from tests.kit.patience import in_time


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def services(log: io.StringIO, registry: CollectorRegistry) -> Services:
    return Services(None, Metrics(registry), make_logger("debug", log))


def lines(log: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_meets_the_event_gets_through(turns: int) -> None:
    """asyncio.wait_for of Python 3.11 loses it in the first three turns."""
    event = asyncio.Event()

    async def loop() -> None:
        while True:
            await pause(event, 3600)
            event.clear()

    task = asyncio.create_task(loop())
    for _ in range(2):
        await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1)
    assert done, "the cancellation was swallowed"
    assert task.cancelled()


async def test_a_pause_ends_at_its_time_and_at_its_event() -> None:
    event = asyncio.Event()
    await in_time(pause(event, 0.01))
    waiting = asyncio.create_task(pause(event, 3600))
    await asyncio.sleep(0)
    event.set()
    await in_time(waiting)


async def test_a_loop_outlives_failed_steps_and_says_so(services, log, registry) -> None:
    stopping = asyncio.Event()
    failures = iter([ValueError("客户的话"), AnswerbyError("the store failed: WRONGTYPE"), StoreUnavailable(), None])

    async def step() -> float:
        failure = next(failures)
        if failure is None:
            stopping.set()
            return 0.0
        raise failure

    await in_time(repeat("timers", step, stopping, services))
    assert registry.get_sample_value("answerby_loop_failures_total", {"loop": "timers"}) == 2
    said = [(line["event"], line["state"], line.get("reason")) for line in lines(log)]
    assert said == [
        ("step failed", "timers", ""),
        ("step failed", "timers", "the store failed: WRONGTYPE"),
        ("store unavailable", "timers", "STORE_UNAVAILABLE"),
    ]
    assert "客户的话" not in log.getvalue()


async def test_a_failure_for_one_tenant_spares_the_others(services, log, registry) -> None:
    served = []
    for tenant in ("acme", "globex"):
        with spared("timers", tenant, services):
            if tenant == "acme":
                raise AnswerbyError("the store failed: WRONGTYPE")
            served.append(tenant)
    assert served == ["globex"]
    assert registry.get_sample_value("answerby_loop_failures_total", {"loop": "timers"}) == 1
    assert lines(log)[0]["tenant"] == "acme"
    with pytest.raises(StoreUnavailable), spared("timers", "acme", services):
        raise StoreUnavailable
