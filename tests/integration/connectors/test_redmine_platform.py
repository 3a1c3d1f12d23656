"""Against a real Redmine: ANSWERBY_TEST_REDMINE_URL names it, ANSWERBY_TEST_REDMINE_KEY is the key of an administrator.

The project with the identifier `support` must be there, with a category `complaint`. The administrator acts as other
persons, whom the test makes. ANSWERBY_TEST_REDMINE_OWN_KEY is the key of the account of answerby with the rights of the
page; without, it is the administrator.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.kit.base import Delivery, OutcomeKind
from answerby_connectors.kit.notes.marker import marked
from answerby_connectors.redmine import RedmineConnector
from tests.kit.patience import PATIENCE

URL, KEY = os.environ.get("ANSWERBY_TEST_REDMINE_URL", ""), os.environ.get("ANSWERBY_TEST_REDMINE_KEY", "")
OWN_KEY = os.environ.get("ANSWERBY_TEST_REDMINE_OWN_KEY", KEY)
pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(not URL, reason="ANSWERBY_TEST_REDMINE_URL names no Redmine"),
]
HOSTILE = "<script>alert(1)</script> *bold* [x](http://evil.example) {{macro}} </pre> h1. 长 🔥"


class Site:
    """The Redmine, as persons use it."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def call(self, method: str, path: str, content: Any = None, user: str = "") -> Any:
        headers = {"x-redmine-api-key": KEY} | ({"x-redmine-switch-user": user} if user else {})
        answer = await self._http.request(method, f"{URL}/{path}", json=content, headers=headers)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content.strip() else None

    async def person(self, login: str) -> None:
        """A manager of the project."""
        found = await self.call("GET", f"users.json?name={login}")
        if not found["users"]:
            names = {"login": login, "firstname": login, "lastname": "Test", "mail": f"{login}@example.com"}
            user = await self.call("POST", "users.json", {"user": {**names, "password": "password-123"}})
            roles = (await self.call("GET", "roles.json"))["roles"]
            member = {"user_id": user["user"]["id"], "role_ids": [roles[0]["id"]]}
            await self.call("POST", "projects/support/memberships.json", {"membership": member})

    async def create(self, user: str) -> str:
        projects = (await self.call("GET", "projects.json"))["projects"]
        project = next(one["id"] for one in projects if one["identifier"] == "support")
        issue = {"project_id": project, "subject": "充电器冒烟起火", "description": "充电时突然起火"}
        return str((await self.call("POST", "issues.json", {"issue": issue}, user))["issue"]["id"])

    async def show(self, number: str) -> Any:
        return (await self.call("GET", f"issues/{number}.json?include=journals"))["issue"]

    async def is_urgent(self, number: str) -> bool:
        return bool((await self.show(number))["priority"]["name"] == "Urgent")

    async def notes(self, number: str) -> list[tuple[str, bool]]:
        journals = (await self.show(number))["journals"]
        return [(one["notes"], one["private_notes"]) for one in journals if one.get("notes")]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        made = Site(http)
        await made.person("wang")
        await made.person("ana")
        yield made


@pytest.fixture
async def connector() -> AsyncIterator[RedmineConnector]:
    made = RedmineConnector(
        "desk", {"url": URL, "key": OWN_KEY, "timeout": PATIENCE, "settle": 0.0, "markup": "textile"}
    )
    yield made
    await made.close()


def delivery(number: str, **payload: Any) -> Delivery:
    due = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    values = {"priority": "P0", "due.resolution": due, "because": [HOSTILE], **payload}
    effect = Effect(kind=EffectKind.UPDATE_REQUEST, key="update", payload=values)
    return Delivery(effect_id="a1" * 16, tenant="acme", request_id=number, number="202601-CSR-001", effect=effect)


async def test_a_decision_is_written_once_and_privately(site, connector):
    number = await site.create("wang")
    for attempt in (1, 2):
        given = delivery(number, department="ana Test", category="complaint")
        assert (await connector.deliver(given)).kind is OutcomeKind.DONE, attempt
    issue = await site.show(number)
    assert (issue["priority"]["name"], issue["assigned_to"]["name"]) == ("Urgent", "ana Test")
    assert issue["category"]["name"] == "complaint"
    assert issue["due_date"] == (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    notes = [one for one in issue["journals"] if one.get("notes")]
    assert [one["private_notes"] for one in notes] == [True]
    assert marked([notes[0]["notes"]], "a1" * 16) == 1


async def test_what_is_refused_does_not_keep_the_others_from_being_written(site, connector):
    number = await site.create("wang")
    outcome = await connector.deliver(delivery(number, **{"due.resolution": "2001-01-01T00:00:00+00:00"}))
    issue = await site.show(number)
    assert outcome.kind is OutcomeKind.DONE
    assert "HTTP 422" in outcome.refused[0]
    assert (issue["priority"]["name"], issue.get("due_date")) == ("Urgent", None)
    assert "due.resolution was not set" in issue["journals"][-1]["notes"]


async def test_changes_are_polled_and_own_writes_are_not(site, connector):
    since = datetime.now(UTC)
    number = await site.create("wang")
    await site.call("PUT", f"issues/{number}.json", {"issue": {"notes": "还在冒烟"}}, "wang")
    await connector.deliver(delivery(number))
    await site.call("PUT", f"issues/{number}.json", {"issue": {"priority_id": 5, "notes": "handled"}}, "ana")
    events, cursor = [], ""
    while True:
        page = await connector.poll(cursor, since)
        events += [event for event in page.events if event.request_id == number]
        cursor = page.cursor
        if not page.more:
            break
    assert [(event.type, event.actor) for event in events] == [
        ("request.received", "customer"),
        ("request.customer_replied", "customer"),
        ("request.replied", "agent"),
    ]
    assert events[0].data["text.subject"] == "充电器冒烟起火"
    assert events[1].data == {"text.body": "还在冒烟"}
    assert events[2].data == {"text.body": "handled", "override.priority": "P0"}


async def test_an_issue_that_is_not_there_is_final(connector):
    assert (await connector.deliver(delivery("99999999"))).kind is OutcomeKind.FAILED
