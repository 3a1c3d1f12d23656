"""Running clocks keep the target that they started with, until somebody migrates them, after a preview."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb

NOW = datetime.now(UTC).replace(microsecond=0)


async def migrate(running, **asked):
    return [message async for message in running.requests.MigrateClocks(pb.MigrateClocksRequest(**asked))]


async def due(running, number):
    reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id=f"R-{number}"))
    return reply.request.clocks[0].due_time.ToDatetime(UTC), reply.request.decision_count


@pytest.fixture
async def edited(running, rules, make_event):
    """Three requests with an hour to answer, one of them answered; then the rules give three hours."""
    for number in (1, 2, 3):
        event = make_event(number, when=NOW - timedelta(minutes=number))
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    answer = make_event(9, type="request.replied", request_id="R-3", when=NOW, facts={})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=answer))
    file = rules / "sla.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("1h", "3h"), encoding="utf-8")
    await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    return running


async def test_a_preview_shows_what_moves_and_moves_nothing(edited):
    (page,) = await migrate(edited, preview=True)
    assert (page.examined, page.changed, page.failed, page.done) == (3, 2, 0, True)
    moved = {clock.request_id: clock for clock in page.moved}
    assert set(moved) == {"R-1", "R-2"}
    first = moved["R-1"]
    assert (first.name, first.target_before, first.target_after) == ("first_response", "1h", "3h")
    assert first.before.due_time.ToDatetime(UTC) == NOW + timedelta(minutes=59)
    assert first.after.due_time.ToDatetime(UTC) == NOW + timedelta(minutes=179)
    assert await due(edited, 1) == (NOW + timedelta(minutes=59), 1)


async def test_a_migration_does_what_the_preview_said_once(edited):
    preview = await migrate(edited, preview=True)
    done = await migrate(edited)
    assert [m.moved for m in done] == [m.moved for m in preview]
    assert await due(edited, 1) == (NOW + timedelta(minutes=179), 2)
    assert await due(edited, 2) == (NOW + timedelta(minutes=178), 2)
    # Whoever was answered is left alone.
    assert await due(edited, 3) == (NOW + timedelta(minutes=57), 2)
    (again,) = await migrate(edited)
    assert (again.changed, len(again.moved)) == (0, 0)


async def test_without_a_migration_an_event_changes_nothing(edited, make_event):
    event = make_event(8, type="request.updated", request_id="R-1", when=NOW, facts={})
    await edited.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert (await due(edited, 1))[0] == NOW + timedelta(minutes=59)


async def test_a_late_event_keeps_the_target_too(edited, make_event):
    event = make_event(8, type="request.updated", request_id="R-1", when=NOW - timedelta(minutes=5), facts={})
    reply = await edited.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert any(flag.code == "RETROACTIVE" for flag in reply.decision.flags)
    # The first that is known of the request is now five minutes ago; it still has an hour.
    assert (await due(edited, 1))[0] == NOW + timedelta(minutes=55)


async def test_only_the_clocks_asked_for_and_only_such_as_there_are(edited):
    (page,) = await migrate(edited, clocks=["first_response"], limit=1)
    assert (page.examined, page.done) == (1, True)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await migrate(edited, clocks=["nonsense"])
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
