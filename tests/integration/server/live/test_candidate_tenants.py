"""Whose requests a trial shows to whom: those of the caller's own tenant, in detail only to an operator."""

from __future__ import annotations

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from tests.kit.patience import eventually
from tests.kit.refusals import refusal_reason

TOKENS = {
    "crm-acme": {"tenant": "acme"},
    "crm-globex": {"tenant": "globex"},
    "crm-initech": {"tenant": "initech"},
    "olga": {"tenant": "acme", "roles": ["operator"], "name": "olga"},
    "gina": {"tenant": "globex", "roles": ["operator"], "name": "gina"},
    "anna": {"tenant": "acme", "roles": ["author"], "name": "anna"},
    "rita": {"roles": ["author"], "name": "rita"},
    "otto": {"roles": ["operator"], "name": "otto"},
    "pia": {"roles": ["approver"], "name": "pia"},
}


def bearer(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer token-of-{name}-0123456789"),)


def ask(running, name: str, method: str, **fields):
    request = getattr(rulebook_pb, f"{method}Request")(**fields)
    return getattr(running.rulebooks, method)(request, metadata=bearer(name))


@pytest.fixture
def guarded(settings, launch):
    settings["server"]["tokens"] = {f"token-of-{name}-0123456789": entry for name, entry in TOKENS.items()}
    return launch


async def keep(running, rules, who: str = "rita") -> str:
    """A revision in which complaints are `top`; it is kept, not live."""
    path = rules / "priority.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("{priority: high}", "{priority: top}"), "utf-8")
    reply = await ask(running, who, "ReloadRulebook", keep_only=True)
    path.write_text(text, "utf-8")
    return str(reply.revision)


async def complain(running, make_event, tenant: str, *numbers: int) -> None:
    for number in numbers:
        event = make_event(number, request_id=f"{tenant}-{number}", facts={"text.body": "I complain"})
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event), metadata=bearer(f"crm-{tenant}"))


async def test_each_caller_sees_its_own_tenant_and_details_only_as_operator(guarded, rules, make_event):
    async with guarded() as running:
        await ask(running, "rita", "StartCandidate", revision=await keep(running, rules))

        async def ready() -> bool:
            return (await ask(running, "rita", "GetCandidate")).candidate.ready

        await eventually(ready)
        await complain(running, make_event, "acme", 1, 2)
        await complain(running, make_event, "globex", 3, 4, 5)

        async def compared() -> bool:
            return (await ask(running, "otto", "GetCandidate")).findings.different == 5

        await eventually(compared)
        # Name -> decisions that differ, and the requests that are named.
        expected = {
            "olga": (2, {"acme-1", "acme-2"}),
            "gina": (3, {"globex-3", "globex-4", "globex-5"}),
            "crm-acme": (2, set()),
            "anna": (2, set()),
            "crm-globex": (3, set()),
            "crm-initech": (0, set()),
            "rita": (5, set()),
            "otto": (5, set()),
            "pia": (5, set()),
        }
        for name, (different, requests) in expected.items():
            reply = await ask(running, name, "GetCandidate", differences=500)
            assert reply.findings.different == different, name
            assert {difference.request_id for difference in reply.findings.differences} == requests, name
            counted = {c.change.name: c.count for c in reply.findings.changes}
            assert counted.get("priority", 0) == different, name
            other = {"acme": "globex", "globex": "acme"}.get(TOKENS[name].get("tenant", ""), "globex-")
            assert other not in str(reply), name
        newest = await ask(running, "olga", "GetCandidate", differences=1)
        assert [difference.request_id for difference in newest.findings.differences] == ["acme-2"]


async def test_the_names_in_a_segment_are_for_those_who_choose_it(guarded, rules):
    async with guarded() as running:
        segment = {"tenants": ["acme", "globex"]}
        await ask(running, "rita", "StartCandidate", revision=await keep(running, rules), segment=segment)
        assert list((await ask(running, "otto", "GetCandidate")).candidate.segment.tenants) == ["acme", "globex"]
        assert list((await ask(running, "crm-acme", "GetCandidate")).candidate.segment.tenants) == ["acme"]
        assert not (await ask(running, "crm-initech", "GetCandidate")).HasField("candidate")


async def test_an_author_tries_nothing_that_waits_for_an_approval(settings, guarded, rules):
    settings["rules"]["approval"] = "required"
    async with guarded(serving=False) as running:
        (first,) = (await ask(running, "otto", "GetRulebook")).rulebook.waiting_revisions
        await ask(running, "pia", "ApproveRevision", revision=first, activate=True)
        await running.health_is("SERVING")
        waiting = await keep(running, rules)
        for author in ("rita", "anna"):
            assert await refusal_reason(ask(running, author, "StartCandidate", revision=waiting)) == "APPROVAL_REQUIRED"
        assert not (await ask(running, "otto", "GetCandidate")).HasField("candidate")
        assert (await ask(running, "otto", "StartCandidate", revision=waiting)).candidate.revision == waiting
        await ask(running, "otto", "StopCandidate")
        await ask(running, "pia", "RejectRevision", revision=waiting, reason="no")
        for name in ("rita", "otto"):
            assert await refusal_reason(ask(running, name, "StartCandidate", revision=waiting)) == "REVISION_REFUSED"
        await ask(running, "pia", "ApproveRevision", revision=waiting)
        assert (await ask(running, "rita", "StartCandidate", revision=waiting)).candidate.actor == "rita"
