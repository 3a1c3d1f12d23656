"""The active rulebook: not serving without one, last good one kept, all workers follow."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from tests.kit.patience import eventually

BROKEN = "stage: priority\nrules:\n  - {id: x, because: y, when: {no.such.field: 1}, then: {priority: high}}\n"


async def shown(running) -> rulebook_pb.Rulebook:
    return (await running.rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest())).rulebook


def complaint(make_event, number):
    return pb.SubmitEventRequest(event=make_event(number, facts={"text.body": "I complain"}))


async def test_nothing_is_served_before_the_first_valid_rulebook(launch, rules, make_event):
    good = (rules / "priority.yaml").read_text("utf-8")
    (rules / "priority.yaml").write_text(BROKEN, "utf-8")
    async with launch(serving=False) as running:

        async def tried() -> bool:
            return bool((await shown(running)).diagnostics)

        await eventually(tried)
        await running.health_is("NOT_SERVING")
        assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_UNAVAILABLE
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.requests.SubmitEvent(complaint(make_event, 1))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE

        (rules / "priority.yaml").write_text(good, "utf-8")
        await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
        await running.health_is("SERVING")
        await running.requests.SubmitEvent(complaint(make_event, 1))


@pytest.mark.parametrize("state", ["missing", "empty", "half written", "a duplicate key"])
async def test_a_folder_in_any_bad_state_changes_nothing(running, rules, make_event, state):
    before = await shown(running)
    files = sorted(rules.glob("*.yaml"))
    if state in {"missing", "empty"}:
        for file in files:
            file.unlink()
        if state == "missing":
            rules.rmdir()
    elif state == "half written":
        files[0].write_text(files[0].read_text("utf-8")[:25], "utf-8")
    else:
        files[0].write_text(files[0].read_text("utf-8") * 2, "utf-8")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert (await shown(running)).revision == before.revision
    await running.requests.SubmitEvent(complaint(make_event, 1))


async def test_a_bad_folder_leaves_the_last_good_rulebook(running, rules, make_event):
    before = await shown(running)
    assert before.state == rulebook_pb.RULEBOOK_STATE_ACTIVE
    assert before.engine == "reference"
    assert before.rule_count == 6
    assert {file.path for file in before.files} >= {"vocabulary.yaml", "priority.yaml"}
    (rules / "priority.yaml").write_text(BROKEN, "utf-8")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    failure = error_details_pb2.PreconditionFailure()
    assert any(detail.Unpack(failure) for detail in rpc_status.from_call(caught.value).details)
    assert "priority.yaml:3" in failure.violations[0].description

    after = await shown(running)
    assert after.state == rulebook_pb.RULEBOOK_STATE_DEGRADED
    assert after.revision == before.revision
    assert [(d.file, d.line) for d in after.diagnostics if d.severity == "error"] == [("priority.yaml", 3)]
    reply = await running.requests.SubmitEvent(complaint(make_event, 1))
    assert reply.decision.revision == before.revision
    await running.health_is("SERVING")


async def test_a_good_reload_decides_at_once(running, rules, make_event):
    before = await shown(running)
    text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: high}", "{priority: top}")
    (rules / "priority.yaml").write_text(text, "utf-8")
    only = await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest(validate_only=True))
    assert not only.changed
    assert only.rulebook.revision == before.revision
    reply = await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert reply.changed
    decided = await running.requests.SubmitEvent(complaint(make_event, 1))
    assert decided.decision.facts["priority"].string_value == "top"
    assert decided.decision.revision == reply.rulebook.revision != before.revision
    again = await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert not again.changed


async def test_every_worker_follows_a_reload(launch, rules):
    async with launch() as one, launch() as other:
        text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: high}", "{priority: top}")
        (rules / "priority.yaml").write_text(text, "utf-8")
        reply = await one.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())

        async def followed() -> bool:
            return (await shown(other)).revision == reply.rulebook.revision

        await eventually(followed)


async def test_a_worker_started_on_a_broken_folder_takes_the_last_good_rulebook(launch, rules, make_event):
    async with launch() as running:
        before = await shown(running)
    (rules / "priority.yaml").write_text(BROKEN, "utf-8")
    async with launch() as running:
        after = await shown(running)
        assert after.state == rulebook_pb.RULEBOOK_STATE_DEGRADED
        assert after.revision == before.revision
        assert after.diagnostics
        await running.requests.SubmitEvent(complaint(make_event, 1))


async def test_health_knows_every_service(running):
    for service in ("RequestService", "DecisionService", "RulebookService"):
        await running.health_is("SERVING", f"answerby.v1.{service}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.health.Check(health_pb2.HealthCheckRequest(service="other"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_failing_rule_test_keeps_the_last_good_rulebook(running, rules):
    before = await shown(running)
    test = 'now: "2026-03-02T10:00:00Z"\ncases: [{name: calm, given: {text.body: I complain}, expect: {priority: P}}]\n'
    (rules / "calm_test.yaml").write_text(test.replace(": P}", ": low}"), "utf-8")
    (rules / "lexicons.yaml").write_text("lexicons: {anger: {terms: [complain, 投诉, angry]}}\n", "utf-8")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    after = await shown(running)
    assert (after.revision, after.state) == (before.revision, rulebook_pb.RULEBOOK_STATE_DEGRADED)
    (finding,) = [diagnostic for diagnostic in after.diagnostics if diagnostic.severity == "error"]
    assert (finding.file, finding.line, finding.code) == ("calm_test.yaml", 2, "RULE_TEST_FAILED")
    assert finding.message == "calm: priority: expected low, got high"

    (rules / "calm_test.yaml").write_text(test.replace(": P}", ": high}"), "utf-8")
    await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_ACTIVE
