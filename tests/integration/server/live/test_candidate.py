"""A candidate decides beside the active rules: counted and listed, nothing stored or delivered; then it goes live."""

from __future__ import annotations

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.server.live.candidate_trial import share_of
from tests.kit.patience import eventually
from tests.kit.refusals import refusal_reason


async def keep(running, rules, value: str) -> str:
    """A revision in which complaints get another priority; it is kept, not live."""
    path = rules / "priority.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("{priority: high}", f"{{priority: {value}}}"), "utf-8")
    reply = await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest(keep_only=True))
    path.write_text(text, "utf-8")
    return str(reply.revision)


async def start(running, revision: str, **segment) -> rulebook_pb.Candidate:
    request = rulebook_pb.StartCandidateRequest(revision=revision, segment=segment, reason="are they urgent?")
    return (await running.rulebooks.StartCandidate(request)).candidate


async def trial(running, differences: int = 0) -> rulebook_pb.GetCandidateResponse:
    return await running.rulebooks.GetCandidate(rulebook_pb.GetCandidateRequest(differences=differences))


async def until(running, holds) -> rulebook_pb.GetCandidateResponse:
    async def held() -> rulebook_pb.GetCandidateResponse | None:
        now = await trial(running)
        return now if holds(now) else None

    return await eventually(held)


async def complain(running, make_event, *numbers: int) -> list[pb.SubmitEventResponse]:
    replies = []
    for number in numbers:
        event = make_event(number, facts={"text.body": "I complain"})
        replies.append(await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event)))
    return replies


async def test_a_candidate_changes_nothing_and_says_what_it_would(running, rules, make_event):
    revision = await keep(running, rules, "top")
    started = await start(running, revision)
    assert (started.revision, started.actor, started.reason) == (revision, "(local)", "are they urgent?")
    await until(running, lambda now: now.candidate.ready)

    replies = await complain(running, make_event, 1, 2, 3)
    question = make_event(4, facts={"text.body": "just asking"})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=question))
    assert {reply.decision.facts["priority"].string_value for reply in replies} == {"high"}
    assert revision not in {reply.decision.revision for reply in replies}

    found = (await until(running, lambda now: now.findings.compared == 4)).findings
    assert (found.different, found.failed, found.skipped) == (3, 0, 0)
    counted = {(c.change.name, c.change.before, c.change.after): c.count for c in found.changes}
    assert counted[("priority", "high", "top")] == 3
    assert len(found.differences) == 3
    latest = found.differences[0]
    assert latest.request_id == replies[2].decision.request_id
    assert [(c.name, c.before, c.after) for c in latest.changes if c.name == "priority"] == [
        ("priority", "high", "top")
    ]


async def test_promoting_makes_it_live_and_ends_the_trial(running, rules, make_event):
    revision = await keep(running, rules, "top")
    await start(running, revision)
    await until(running, lambda now: now.candidate.ready)
    promoted = await running.rulebooks.PromoteCandidate(rulebook_pb.PromoteCandidateRequest(reason="yes"))
    assert (promoted.changed, promoted.rulebook.revision) == (True, revision)
    (reply,) = await complain(running, make_event, 1)
    assert (reply.decision.revision, reply.decision.facts["priority"].string_value) == (revision, "top")
    assert not (await trial(running)).HasField("candidate")
    assert (
        await refusal_reason(running.rulebooks.PromoteCandidate(rulebook_pb.PromoteCandidateRequest()))
        == "NO_CANDIDATE"
    )
    entries = (await running.rulebooks.ListActivations(rulebook_pb.ListActivationsRequest())).activations
    assert [rulebook_pb.RulebookAction.Name(e.action) for e in entries[:2]] == [
        "RULEBOOK_ACTION_PROMOTE",
        "RULEBOOK_ACTION_TRY",
    ]
    back = await running.rulebooks.RollbackRulebook(rulebook_pb.RollbackRulebookRequest())
    assert back.from_revision == revision


async def test_a_segment_by_share_takes_the_same_requests_everywhere(running, rules, make_event):
    revision = await keep(running, rules, "top")
    await start(running, revision, percent=40)
    await until(running, lambda now: now.candidate.ready)
    replies = await complain(running, make_event, *range(1, 31))
    ids = [reply.decision.request_id for reply in replies]
    inside = [name for name in ids if share_of("default", name) < 40]
    assert 0 < len(inside) < 30
    found = (await until(running, lambda now: now.findings.compared == len(inside))).findings
    assert sorted(d.request_id for d in found.differences) == sorted(inside)


async def test_a_segment_by_category_and_tenant(running, rules, make_event):
    revision = await keep(running, rules, "top")
    await start(running, revision, categories=["complaint"], tenants=["default"])
    await until(running, lambda now: now.candidate.ready)
    question = make_event(1, facts={"text.body": "just asking"})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=question))
    await complain(running, make_event, 2)
    found = (await until(running, lambda now: now.findings.compared >= 1)).findings
    assert (found.compared, found.different) == (1, 1)
    await start(running, revision, tenants=["elsewhere"])
    await until(running, lambda now: now.candidate.ready and not now.findings.compared)
    await complain(running, make_event, 3)
    await start(running, revision)
    now = await until(running, lambda now: now.candidate.ready and not now.candidate.segment.tenants)
    assert now.findings.compared == 0


async def test_what_cannot_be_tried_is_refused(running, rules):
    revision = await keep(running, rules, "top")
    active = (await running.rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest())).rulebook.revision
    assert await refusal_reason(start(running, "r-none")) == "REVISION_NOT_FOUND"
    assert await refusal_reason(start(running, active)) == "REVISION_ACTIVE"
    for segment in ({"percent": -1}, {"percent": 101}, {"tenants": [""]}, {"categories": ["nonsense"]}):
        assert await refusal_reason(start(running, revision, **segment)) == "INVALID_FIELDS"
    stopped = await running.rulebooks.StopCandidate(rulebook_pb.StopCandidateRequest())
    assert stopped.revision == ""


async def test_stopping_keeps_what_was_found(running, rules, make_event):
    revision = await keep(running, rules, "top")
    await start(running, revision)
    await until(running, lambda now: now.candidate.ready)
    await complain(running, make_event, 1)
    await until(running, lambda now: now.findings.compared == 1)
    stopped = await running.rulebooks.StopCandidate(rulebook_pb.StopCandidateRequest(reason="seen enough"))
    assert stopped.revision == revision
    after = await trial(running)
    assert (after.HasField("candidate"), after.findings.different) == (False, 1)
