"""Every request to a HubSpot is one that its documents allow: ours, and the vendor's, one for each part of its API."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from openapi_core.exceptions import OpenAPIError

from answerby_connectors.conformance import Call
from answerby_connectors.conformance.inbound import brought, polled
from answerby_connectors.conformance.play import playing
from answerby_connectors.kit.base import DONE
from tests.kit.platforms.hubspot import PAGE
from tests.kit.platforms.hubspot_stage import HubSpotStage
from tests.kit.platforms.vendor_specs import OWN, Judge, parts


async def calls_to_hubspot() -> list[Call]:
    """With every setting that changes a request, and more notes than one page has."""
    fields = {"department": "hs_pipeline", "due.resolution": "answer_due", "owner": "hubspot_owner_id", "role": "role"}

    class AllOfHubSpot(HubSpotStage):
        settings: ClassVar[dict[str, Any]] = {"fields": fields}

    async with playing(AllOfHubSpot()) as play:
        for _ in range(PAGE + 1):
            play.stage.hubspot.add("notes", {"hs_note_body": "x"})
        play.stage.hubspot.mail("hello", "INCOMING_EMAIL")
        payload = {**HubSpotStage.payload, "role": "quality", "owner": "ana@example.com"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        await brought(play, play.stage.person_writes())
        await polled(play)
        assert play.stage.hubspot.writes[0] == {
            "hs_ticket_priority": "URGENT",
            "hs_ticket_category": "complaint",
            "hs_pipeline": "77",
            "hs_pipeline_stage": "771",
            "answer_due": "2026-01-07T10:00:00Z",
            "hubspot_owner_id": "901",
            "role": "quality",
        }
        return list(play.server.calls)


async def test_every_request_to_hubspot_is_one_that_our_document_allows():
    calls, judge = await calls_to_hubspot(), Judge(OWN / "hubspot.json")
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 27


@pytest.mark.skipif(parts("hubspot", "*-v[34].json") is None, reason="needs the documents of the vendor")
async def test_every_request_to_hubspot_is_one_that_its_documents_allow():
    judge = parts("hubspot", "*-v[34].json")
    for call in await calls_to_hubspot():
        judge.check(call)
    assert judge.judged == 23
    assert {call.path for call in judge.unknown} == {
        "/oauth/v2/private-apps/get/access-token-info",  # of the page "Private apps"
        "/crm/v3/objects/emails/batch/read",  # as that of notes
    }


HUBSPOT_REFUSES = [
    ("PATCH", "/crm/v3/objects/tickets/1", b'{"properties": {"role": 1}}'),
    ("PATCH", "/crm/v3/objects/tickets/1", b'{"hs_ticket_priority": "HIGH"}'),
    ("PUT", "/crm/v3/objects/tickets/1", b'{"properties": {"role": "x"}}'),
    ("POST", "/crm/v3/objects/notes", b'{"properties": {"hs_note_body": "x"}}'),
    ("POST", "/crm/v3/objects/tickets/search", b'{"filterGroups": [], "limit": 20, "after": "0"}'),
]


@pytest.mark.parametrize(("method", "path", "body"), HUBSPOT_REFUSES)
def test_the_judges_of_hubspot_refuse(method, path, body):
    call = Call(method, path, {"authorization": "Bearer x", "content-type": "application/json"}, body)
    for judge in filter(None, (Judge(OWN / "hubspot.json"), parts("hubspot", "*-v[34].json"))):
        with pytest.raises(OpenAPIError):
            judge.check(call)
