"""Every request of a connector is one that the documents of its platform allow."""

from __future__ import annotations

import pytest
from openapi_core.exceptions import OpenAPIError

from answerby_connectors.conformance import Call
from answerby_connectors.conformance.inbound import polled
from answerby_connectors.conformance.play import playing
from answerby_connectors.kit.base import DONE, Connector
from answerby_connectors.redmine import RedmineConnector
from tests.kit.redmine import KEY
from tests.kit.stages import RedmineStage
from tests.kit.vendor_specs import Judge, documents


class AllOfRedmine(RedmineStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "cf_12", "status": "status_id"}
        values = {"status": {"open": "In Progress"}}
        settings = {"url": url, "key": KEY, "timeout": timeout, "settle": settle, "projects": ["1", "support"]}
        return RedmineConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("redmine"), ids=lambda path: path.parent.name)
async def test_every_request_to_redmine_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfRedmine()) as play:
        payload = {**RedmineStage.payload, "role": "quality", "status": "open"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        issue = play.stage.redmine.issues[4711]
    assert (issue["status"]["name"], issue["custom_fields"][0]["value"]) == ("In Progress", "quality")
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 13
    assert {call.method for call in calls} == {"GET", "PUT"}


@pytest.mark.parametrize("document", documents("redmine"), ids=lambda path: path.parent.name)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/issues/1.json", b'{"issue": {"priority_id": "Urgent"}}'),
        ("PUT", "/issues/1.json", b'{"issue": {"due_date": "2026-01-07T18:00:00Z"}}'),
        ("PATCH", "/issues/1.json", b'{"issue": {"notes": "x"}}'),
        ("GET", "/tickets/1.json", b""),
    ],
)
def test_the_judge_refuses(document, method, path, body):
    call = Call(method, path, {"x-redmine-api-key": "k", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(document).check(call)
