"""Timers that were missed while no server ran: each fires once, in the order of their due times, marked late."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually
from tests.kit.silent_timers import leave_complaints

LADDER = """
ladders:
  - id: plain
    because: Somebody must hear of it.
    steps:
      - {at: 50%, notify: {roles: [lead], template: late}}
      - at: 0m
        notify: {roles: [lead], template: late, until_acknowledged: true}
        repeat: {every: 10m, at_most: 2}
      - {at: +1h, notify: {roles: [lead], template: late}}
"""
DUE_AFTER = (1, 2, 3602)
"""Seconds from the receipt of a complaint, whose clock runs 2 s, to each of its steps. What a repeat would have told
again and again meanwhile is not made up for: it goes on at the next of its times, here minutes after the test."""
STARTS = {"R-1": 30, "R-2": 185 * 60, "R-3": 95 * 60, "R-4": 125 * 60, "R-5": 0}
"""Seconds before the server ended, by request."""
NO_COMPLAINT = {"R-5": "Good morning"}
"""Its clock runs an hour, so that nothing of it is due while the test runs."""
MISSED = 11


@pytest.fixture
async def down(launch, rules) -> datetime:
    """Complaints are accepted, their timers armed and past, and nothing runs. When the server had ended."""
    (rules / "ladders.yaml").write_text(LADDER, "utf-8")
    return await leave_complaints(
        launch, {request: timedelta(seconds=before) for request, before in STARTS.items()}, NO_COMPLAINT
    )


def due_times(ended: datetime) -> dict[str, list[datetime]]:
    """By request, every due time that has passed."""
    starts = {
        request: ended - timedelta(seconds=before) for request, before in STARTS.items() if request not in NO_COMPLAINT
    }
    due = {request: [start + timedelta(seconds=after) for after in DUE_AFTER] for request, start in starts.items()}
    passed = {request: [moment for moment in moments if moment <= ended] for request, moments in due.items()}
    return {request: moments for request, moments in passed.items() if moments}


@on_every_store
async def test_each_fires_once_in_order_and_says_how_late(down, launch, store):
    wanted = due_times(down)
    assert sum(map(len, wanted.values())) == MISSED
    began = datetime.now(UTC)
    async with launch() as running:

        async def fired() -> bool:
            reply = await running.requests.ListRequests(pb.ListRequestsRequest())
            return sum(request.decision_count for request in reply.requests) >= MISSED + len(STARTS)

        await eventually(fired)
        # All who share the timers have had a turn after the last one; a second firing would be logged by now.
        assert await store.timers.claim(["default"], datetime.now(UTC), 100) == []
        decisions = {
            request: (
                await running.requests.GetRequest(pb.GetRequestRequest(request_id=request, decision_limit=200))
            ).decisions
            for request in STARTS
        }
    ended = datetime.now(UTC)

    logged = [entry.decision for entry in await store.log.read("default", count=1000)]
    timers = [decision for decision in logged if decision.event_type == "timer.due"]
    assert len({(d.request_id, d.event_id) for d in timers}) == len(timers) == MISSED

    by_request: dict[str, list[datetime]] = defaultdict(list)
    for decision in timers:
        by_request[decision.request_id].append(decision.event_time)
        assert began <= decision.decided <= ended
    assert by_request == wanted  # in order, none of R-5
    firsts = list(dict.fromkeys(decision.request_id for decision in timers))
    assert firsts == ["R-2", "R-4", "R-3", "R-1"]  # across requests, by their first due time

    for request, moments in wanted.items():
        events = [event for event in await store.requests.events("default", request) if event.type == "timer.due"]
        for event, moment in zip(events, moments, strict=True):
            least, most = (int((now - moment).total_seconds()) for now in (began, ended))
            assert least <= event.data["timer.delay_seconds"] <= most
        told = [
            effect.payload["delay_seconds"].int_value
            for decision in reversed(decisions[request])
            for effect in decision.effects
            if effect.key.startswith("ladder/")
        ]
        assert told == [event.data["timer.delay_seconds"] for event in events]


async def test_two_servers_that_start_at_once_share_them(down, launch, store):
    async with launch() as one, launch():

        async def fired() -> bool:
            reply = await one.requests.ListRequests(pb.ListRequestsRequest())
            return sum(request.decision_count for request in reply.requests) >= MISSED + len(STARTS)

        await eventually(fired)
    logged = [entry.decision for entry in await store.log.read("default", count=1000)]
    by_request: dict[str, list[datetime]] = defaultdict(list)
    for decision in logged:
        if decision.event_type == "timer.due":
            by_request[decision.request_id].append(decision.event_time)
    assert by_request == due_times(down)


async def test_after_one_more_restart_none_fires_again(down, launch, store):
    for _ in range(2):
        async with launch() as running:

            async def fired(running=running) -> bool:
                reply = await running.requests.ListRequests(pb.ListRequestsRequest())
                return sum(request.decision_count for request in reply.requests) >= MISSED + len(STARTS)

            await eventually(fired)
    logged = [entry.decision for entry in await store.log.read("default", count=1000)]
    assert len(logged) == MISSED + len(STARTS)
