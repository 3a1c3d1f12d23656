"""Who may do what with the rules: call by call, and with an approval."""

from __future__ import annotations

import grpc
import pytest
from pydantic import ValidationError

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.server.base.config import Config
from tests.kit.refusals import error_info

SERVICE = rulebook_pb.DESCRIPTOR.services_by_name["RulebookService"]
READING = {"GetRulebook", "ListRevisions", "GetRevision", "ListActivations", "GetCandidate"}
BRINGING = {"ReloadRulebook", "UploadRevision", "StartCandidate", "StopCandidate"}
ALLOWED = {
    "reader": READING,
    "author": READING | BRINGING,
    "approver": READING | {"ApproveRevision", "RejectRevision"},
    "operator": READING | BRINGING | {"ActivateRevision", "RollbackRulebook", "PromoteCandidate"},
    "tenant": READING,
}
DENIED = (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


def token(name):
    return f"token-of-{name}-0123456789"


def bearer(name):
    return (("authorization", f"Bearer {token(name)}"),)


@pytest.fixture
def guarded(settings, launch):
    people = {
        "reader": ["reader"],
        "author": ["author"],
        "approver": ["approver"],
        "operator": ["operator"],
        "all": ["author", "approver", "operator"],
    }
    settings["server"]["tokens"] = {token(name): {"name": name, "roles": roles} for name, roles in people.items()}
    settings["server"]["tokens"][token("tenant")] = "one"
    return launch


async def outcome(call) -> tuple[grpc.StatusCode, str]:
    """OK, or the code and reason of the refusal."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error_info(error).reason
    return grpc.StatusCode.OK, ""


def ask(running, name, method, **fields):
    request = getattr(rulebook_pb, f"{method}Request")(**fields)
    return getattr(running.rulebooks, method)(request, metadata=bearer(name))


def write_priority(rules, value):
    text = (rules / "priority.yaml").read_text("utf-8")
    (rules / "priority.yaml").write_text(text.replace("{priority: high}", f"{{priority: {value}}}"), "utf-8")


async def test_every_call_is_allowed_to_its_roles_and_to_no_other(guarded):
    methods = [method.name for method in SERVICE.methods]
    async with guarded() as running:
        for role, allowed in ALLOWED.items():
            for method in methods:
                result = await outcome(ask(running, role, method))
                assert (result != DENIED) == (method in allowed), (role, method, result)


async def test_a_token_for_the_rules_alone_sees_no_request(guarded, make_event):
    async with guarded() as running:
        event = make_event()
        for call in (
            running.requests.SubmitEvent(pb.SubmitEventRequest(event=event), metadata=bearer("all")),
            running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"), metadata=bearer("all")),
            running.decisions.Evaluate(decision_pb.EvaluateRequest(event=event), metadata=bearer("operator")),
        ):
            assert await outcome(call) == DENIED
        allowed = running.requests.SubmitEvent(pb.SubmitEventRequest(event=event), metadata=bearer("tenant"))
        assert (await outcome(allowed))[0] == grpc.StatusCode.OK


async def test_the_history_names_the_token_never_shows_it(guarded, rules):
    async with guarded() as running:
        write_priority(rules, "top")
        await ask(running, "author", "ReloadRulebook", reason="urgent")
        entries = (await ask(running, "reader", "ListActivations")).activations
        assert (entries[0].actor, entries[0].reason) == ("author", "urgent")
        assert '"actor":"author"' in running.log.getvalue()
        assert "token-of" not in running.log.getvalue() + str(entries)


@pytest.fixture
async def approving(settings, guarded):
    """A server on which a revision needs an approver; its first rules are approved and live."""
    settings["rules"]["approval"] = "required"
    async with guarded(serving=False) as running:
        (first,) = (await ask(running, "reader", "GetRulebook")).rulebook.waiting_revisions
        await running.health_is("NOT_SERVING")
        await ask(running, "approver", "ApproveRevision", revision=first, activate=True)
        await running.health_is("SERVING")
        yield running


async def active(running):
    return (await ask(running, "reader", "GetRulebook")).rulebook


async def test_nothing_goes_live_before_somebody_else_approves(approving, rules):
    first = (await active(approving)).revision
    write_priority(rules, "top")
    reply = await ask(approving, "author", "ReloadRulebook", reason="urgent")
    assert (reply.changed, reply.waiting) == (False, True)
    second = reply.revision
    now = await active(approving)
    assert (now.revision, list(now.waiting_revisions), now.approval_required) == (first, [second], True)
    required = (grpc.StatusCode.FAILED_PRECONDITION, "APPROVAL_REQUIRED")
    assert await outcome(ask(approving, "operator", "ActivateRevision", revision=second)) == required
    await ask(approving, "approver", "ApproveRevision", revision=second, reason="read it")
    assert (await active(approving)).revision == first
    await ask(approving, "operator", "ActivateRevision", revision=second)
    assert (await active(approving)).revision == second
    kept = (await ask(approving, "reader", "GetRevision", revision=second)).revision
    assert (kept.author, kept.judge, kept.judge_reason) == ("author", "approver", "read it")


async def test_an_author_never_approves_the_own_revision(approving, rules):
    write_priority(rules, "top")
    revision = (await ask(approving, "all", "ReloadRulebook")).revision
    own = (grpc.StatusCode.PERMISSION_DENIED, "OWN_REVISION")
    assert await outcome(ask(approving, "all", "ApproveRevision", revision=revision, activate=True)) == own
    # Another who brings the same is an author of it, too.
    await ask(approving, "author", "ReloadRulebook")
    assert (await ask(approving, "reader", "GetRevision", revision=revision)).revision.authors == ["all", "author"]
    assert (await active(approving)).revision != revision
    assert (await outcome(ask(approving, "approver", "ApproveRevision", revision=revision, activate=True)))[
        0
    ] == grpc.StatusCode.OK
    assert (await active(approving)).revision == revision


async def test_rolling_back_to_what_was_approved_needs_an_operator_only(approving, rules):
    first = (await active(approving)).revision
    write_priority(rules, "top")
    second = (await ask(approving, "author", "ReloadRulebook")).revision
    await ask(approving, "approver", "ApproveRevision", revision=second, activate=True)
    reply = await ask(approving, "operator", "RollbackRulebook", reason="wrong")
    assert (reply.from_revision, reply.rulebook.revision) == (second, first)


async def test_a_refused_revision_goes_live_once_it_is_approved(approving, rules):
    write_priority(rules, "top")
    revision = (await ask(approving, "author", "ReloadRulebook")).revision
    await ask(approving, "approver", "RejectRevision", revision=revision, reason="why top?")
    refused = (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_REFUSED")
    assert await outcome(ask(approving, "operator", "ActivateRevision", revision=revision)) == refused
    live = (await active(approving)).revision
    active_one = (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_ACTIVE")
    assert await outcome(ask(approving, "approver", "RejectRevision", revision=live)) == active_one
    await ask(approving, "approver", "ApproveRevision", revision=revision, activate=True)
    assert (await active(approving)).revision == revision


async def test_every_action_is_in_the_history(approving, rules):
    write_priority(rules, "top")
    revision = (await ask(approving, "author", "ReloadRulebook", reason="urgent")).revision
    await ask(approving, "approver", "ApproveRevision", revision=revision, reason="read it", activate=True)
    await ask(approving, "operator", "RollbackRulebook", reason="wrong")
    await ask(approving, "approver", "RejectRevision", revision=revision, reason="wrong")
    entries = (await ask(approving, "reader", "ListActivations")).activations
    name = rulebook_pb.RulebookAction.Name
    assert [(name(e.action).removeprefix("RULEBOOK_ACTION_"), e.actor, e.reason) for e in entries] == [
        ("REJECT", "approver", "wrong"),
        ("ROLLBACK", "operator", "wrong"),
        ("ACTIVATE", "approver", "read it"),
        ("APPROVE", "approver", "read it"),
        ("KEEP", "author", "urgent"),
        ("ACTIVATE", "approver", ""),
        ("APPROVE", "approver", ""),
        ("KEEP", "(folder)", "first start"),
    ]
    for entry in entries:
        assert f'"actor":"{entry.actor}"' in approving.log.getvalue()


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ({"tokens": {token("x"): {"roles": ["author"]}}}, "needs a name"),
        ({"tokens": {token("x"): {"name": "x", "roles": []}}}, "tenant, roles, or both"),
        ({"tokens": {token("x"): {"name": "x", "roles": ["boss"]}}}, "reader"),
        ({"tokens": {token("x"): {"name": "(folder)", "roles": ["author"]}}}, "pattern"),
    ],
)
def test_a_token_says_who_it_is(server, says):
    with pytest.raises(ValidationError, match=says):
        Config.model_validate({"server": server})


def test_an_approval_needs_somebody_who_can_give_it():
    with pytest.raises(ValidationError, match="role approver"):
        Config.model_validate({"rules": {"approval": "required"}})
