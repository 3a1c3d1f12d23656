"""Time alone makes a clock late on a server: the list, the log and the platform say so, ladder or none."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually

LADDER = """
ladders:
  - {id: plain, because: Much later., steps: [{at: +10h, notify: {roles: [lead], template: late}}]}
"""


@on_every_store
async def test_a_clock_without_a_step_at_due_becomes_late_by_itself(launch, rules, make_event, store):
    (rules / "ladders.yaml").write_text(LADDER, "utf-8")
    async with launch() as running:
        received = datetime.now(UTC)
        event = make_event(1, request_id="R-1", facts={"text.body": "I complain"}, when=received)
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))

        async def late() -> bool:
            reply = await running.requests.ListRequests(pb.ListRequestsRequest(breached_only=True))
            return [request.request_id for request in reply.requests] == ["R-1"]

        await eventually(late)
    first, second = [entry.decision for entry in await store.log.read("default", count=10)]
    assert (first.event_type, second.event_type) == ("request.received", "timer.due")
    assert (second.event_time - received).total_seconds() == 2
    told = [(effect.kind, effect.payload["breached"]) for each in (first, second) for effect in each.effects]
    assert told == [("update_request", []), ("update_request", ["first_response"])]
