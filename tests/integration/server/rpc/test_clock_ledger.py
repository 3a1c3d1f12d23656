"""The clocks of a stored request explained, and what would become of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.api.v1 import request_service_pb2 as request_pb
from answerby.api.v1 import resources_pb2
from answerby.sla.zones import ZONE_DATA

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def waiting(running, make_event):
    """A request of half an hour ago that waits for its customer since ten minutes, with an hour to answer."""
    told = [("received", 30, {"text.body": "hello"}), ("on_hold", 10, {})]
    for place, (kind, minutes, facts) in enumerate(told):
        when = NOW - timedelta(minutes=minutes)
        event = make_event(place, type=f"request.{kind}", request_id="R-1", when=when, facts=facts)
        await running.requests.SubmitEvent(request_pb.SubmitEventRequest(event=event))
    return running


async def test_a_ledger_adds_up_to_all_of_the_time(waiting):
    reply = await waiting.decisions.Explain(pb.ExplainRequest(request_id="R-1", clocks=True))
    (ledger,) = reply.clocks
    assert ledger.target == "1h"
    assert sum(share.percent for share in ledger.shares) == pytest.approx(100)
    assert sum(share.time.ToMicroseconds() for share in ledger.shares) == ledger.elapsed.ToMicroseconds()
    assert ledger.elapsed.ToTimedelta() >= timedelta(minutes=30)
    assert ledger.spans[0].start_time.ToDatetime(UTC) == NOW - timedelta(minutes=30)
    assert [(change.sequence, change.what, change.rule) for change in ledger.changes] == [(1, "started", "later")]
    assert ledger.text in reply.text
    assert reply.decision.data == f"tzdata {ZONE_DATA}"
    first = await waiting.decisions.Explain(pb.ExplainRequest(request_id="R-1", sequence=1, clocks=True))
    assert first.clocks[0].until_time == first.decision.decide_time


async def test_what_if_stores_nothing(waiting):
    facts = {"category": resources_pb2.FactValue(string_value="complaint")}
    reply = await waiting.decisions.WhatIf(pb.WhatIfRequest(request_id="R-1", facts=facts))
    (clock,) = reply.clocks
    received = NOW - timedelta(minutes=30)
    assert clock.before.due_time.ToDatetime(UTC) == received + timedelta(hours=1)
    assert clock.after.due_time.ToDatetime(UTC) == received + timedelta(seconds=2)
    assert clock.breached_at_once
    assert clock.ledger.target == "2s"
    assert "at once" in reply.text
    assert reply.decision.sequence == 3
    stored = await waiting.requests.GetRequest(request_pb.GetRequestRequest(request_id="R-1"))
    assert stored.request.decision_count == 2
    assert stored.request.clocks[0].due_time == clock.before.due_time


async def test_what_if_says_what_it_cannot_take(waiting):
    facts = {"nonsense": resources_pb2.FactValue(string_value="x")}
    for request in (
        pb.WhatIfRequest(request_id="R-1", facts=facts),
        pb.WhatIfRequest(request_id="R-1", language_code="fr"),
        pb.WhatIfRequest(request_id="R-1", time_zone="Mars/Olympus"),
        pb.WhatIfRequest(request_id="R-2"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await waiting.decisions.WhatIf(request)
        assert refused.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
