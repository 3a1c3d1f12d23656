"""Every request to GLPI is one that the document of what it takes allows."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from openapi_core.exceptions import OpenAPIError

from answerby_connectors.conformance import Call
from answerby_connectors.conformance.inbound import polled
from answerby_connectors.conformance.play import playing
from answerby_connectors.kit.base import DONE
from tests.kit.platforms.glpi_stage import GlpiStage
from tests.kit.platforms.vendor_specs import OWN, Judge


class AllOfGlpi(GlpiStage):
    """With every setting that changes a request."""

    settings: ClassVar[dict[str, Any]] = {
        **GlpiStage.settings,
        "fields": {"urgent": "urgency", "status": "status", "owner": "technician", "reference": "external_id"},
        "values": {"status": {"open": "Pending"}, "urgent": {"yes": "High"}},
    }


async def test_every_request_to_glpi_is_one_that_its_document_allows():
    judge = Judge(OWN / "glpi.json")
    async with playing(AllOfGlpi()) as play:
        play.stage.glpi.team.append(("assigned", "Group", 22))
        more = {"urgent": "yes", "status": "open", "owner": "ana", "reference": "R-1"}
        assert (await play.deliver(payload={**GlpiStage.payload, **more}))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        writes = play.stage.glpi.writes
    assert writes[:-1] == [
        ("PATCH", "", {"priority": 5, "category": {"id": 31}, "urgency": 4, "status": 4, "external_id": "R-1"}),
        ("POST", "TeamMember", {"type": "Group", "id": 21, "role": "assigned"}),
        ("DELETE", "TeamMember", {"type": "Group", "id": 22, "role": "assigned"}),
        ("POST", "TeamMember", {"type": "User", "id": 7, "role": "assigned"}),
    ]
    assert writes[-1][:2] == ("POST", "Timeline/Followup")
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 18
    assert {call.method for call in calls} == {"GET", "PATCH", "POST", "DELETE"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "Assistance/Ticket/1", b'{"priority": "High"}'),
        ("PATCH", "Assistance/Ticket/1", b'{"status": {"id": 4}}'),
        ("PATCH", "Assistance/Ticket/1", b'{"time_to_resolve": "2026-01-07T10:00:00Z"}'),
        ("POST", "Assistance/Ticket/1/Timeline/Followup", b'{"content": "x", "is_private": false}'),
        ("POST", "Assistance/Ticket/1/TeamMember", b'{"type": "Group", "id": 21}'),
        ("GET", "Assistance/Ticket", b""),
    ],
)
def test_our_document_of_glpi_refuses(method, path, body):
    headers = {"authorization": "Bearer x", "content-type": "application/json"}
    with pytest.raises(OpenAPIError):
        Judge(OWN / "glpi.json").check(Call(method, f"/api.php/v2.2/{path}", headers, body))
