"""Workers whose machines have wrong clocks: everything is decided by the clock of the store, which all share."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server.base.services import utc_now
from answerby.server.base.store_clock import StoreClock
from answerby.store.store import Store
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually

MINUTES = timedelta(minutes=3)
SECONDS = timedelta(seconds=5)


class Wall:
    """The clock of a machine, which somebody may set."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


async def timers(store: Store) -> list:
    """The decisions on timers, in the order of the log."""
    return [
        entry.decision
        for entry in await store.log.read("default", count=1000)
        if entry.decision is not None and entry.decision.event_type == "timer.due"
    ]


async def complain(running, make_event, number: int = 1) -> None:
    """A request whose clock runs out in two seconds."""
    event = make_event(number, request_id=f"R-{number}", facts={"text.body": "I complain"})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))


def said(running, event: str) -> list[dict]:
    lines = [json.loads(line) for line in running.log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


@on_every_store
@pytest.mark.parametrize("ahead", [MINUTES, -MINUTES], ids=["fast", "slow"])
async def test_the_clock_is_the_stores_and_the_difference_is_known(store: Store, ahead: timedelta) -> None:
    wall = Wall(ahead)
    clock = StoreClock(store, wall)
    await clock.measure()
    assert abs(clock.skew() - ahead) < SECONDS
    assert abs(clock.now() - await store.time()) < SECONDS
    wall.ahead += timedelta(days=40)  # set between two measurements
    assert abs(clock.now() - await store.time()) < SECONDS


@pytest.mark.parametrize("ahead", [MINUTES, -MINUTES], ids=["fast", "slow"])
async def test_minutes_off_no_timer_fires_until_the_clock_is_mended(launch, make_event, store, ahead) -> None:
    wall = Wall(ahead)
    async with launch(clock=wall) as running:
        await complain(running, make_event)
        (first,) = await store.log.read("default")
        assert abs(first.decision.decided - await store.time()) < SECONDS

        async def overdue() -> bool:
            return await store.timers.wait(["default"]) < -timedelta(seconds=1)

        await eventually(overdue)
        assert await timers(store) == []
        (line,) = said(running, "clock wrong, no timers here")
        assert abs(line["seconds"] - ahead.total_seconds()) < 5
        metric = running.registry.get_sample_value("answerby_clock_skew_seconds")
        assert abs(metric - ahead.total_seconds()) < 5
        wall.ahead = timedelta()
        await eventually(lambda: timers(store))
        (fired,) = await timers(store)
        assert fired.event_time <= fired.decided <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("ahead", [SECONDS, -SECONDS], ids=["fast", "slow"])
async def test_seconds_off_a_timer_fires_at_its_time_and_the_clock_is_reported(
    launch, make_event, store, ahead
) -> None:
    async with launch(clock=Wall(ahead)) as running:
        await complain(running, make_event)
        await eventually(lambda: timers(store))
        (fired,) = await timers(store)
        assert fired.decided >= fired.event_time
        events = await store.requests.events("default", "R-1")
        assert events[-1].data["timer.delay_seconds"] <= 3  # of 2 s and a slow machine, and not of the 5 s of the clock
        assert len(said(running, "clock differs from the store's")) == 1


async def test_a_fast_worker_beside_a_right_one_doubles_and_hastens_nothing(launch, make_event, store) -> None:
    async with launch() as right, launch(clock=Wall(MINUTES)):
        for number in range(1, 11):
            await complain(right, make_event, number)

        async def all_fired() -> bool:
            return len(await timers(store)) >= 10

        await eventually(all_fired)
    fired = await timers(store)
    assert sorted(decision.request_id for decision in fired) == sorted(f"R-{number}" for number in range(1, 11))
    assert all(decision.decided >= decision.event_time for decision in fired)
