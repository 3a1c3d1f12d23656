"""Against a real Request Tracker 5: ANSWERBY_TEST_RT_URL names it, ANSWERBY_TEST_RT_TOKEN is the token of our user.

ANSWERBY_TEST_RT_ACCOUNT is the name of this user, by default triage-bot. ANSWERBY_TEST_RT_AGENT is name and password of
a superuser, who acts as the persons, by default `root:password`. The RT has the queues General and Triage-VIP, and a
custom field Category of all tickets with the value `refund`.
"""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.kit.base import Delivery, OutcomeKind
from answerby_connectors.kit.http.answer import CallFailed
from answerby_connectors.kit.notes.marker import marked
from answerby_connectors.rt import RtConnector
from tests.kit.patience import PATIENCE
from tests.kit.platforms.trouble import (
    TIMEOUT,
    Proxy,
    delivered,
    fifty_slow_notices,
    service_settings,
    twenty_tickets_in_trouble,
)

URL, TOKEN = os.environ.get("ANSWERBY_TEST_RT_URL", ""), os.environ.get("ANSWERBY_TEST_RT_TOKEN", "")
ACCOUNT = os.environ.get("ANSWERBY_TEST_RT_ACCOUNT", "triage-bot")
AGENT = os.environ.get("ANSWERBY_TEST_RT_AGENT", "root:password")
pytestmark = [pytest.mark.platform, pytest.mark.skipif(not URL, reason="ANSWERBY_TEST_RT_URL names no RT")]
WANG = "wang@example.com"
EFFECT = "a1" * 16
HOSTILE = "<script>alert(1)</script> *bold* {{macro}} </pre> 长 🔥"


class Site:
    """The RT, as persons use it."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def call(self, method: str, path: str, content: Any = None) -> Any:
        user, _, password = AGENT.partition(":")
        answer = await self._http.request(method, f"{URL}/REST/2.0/{path}", json=content, auth=(user, password))
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def create(self, user: str) -> str:
        text = {"Subject": "充电器冒烟起火", "Content": "充电时突然起火", "ContentType": "text/plain"}
        return str(
            (await self.call("POST", "ticket", {"Queue": "General", "Requestor": f"{user}@example.com", **text}))["id"]
        )

    async def show(self, number: str) -> Any:
        return await self.call("GET", f"ticket/{number}")

    async def is_urgent(self, number: str) -> bool:
        return bool((await self.show(number))["Priority"] == "100")

    async def notes(self, number: str) -> list[tuple[str, bool]]:
        """The agent sees everything, so that lists tell their length."""
        fields = "fields=Type,Creator,_hyperlinks"
        told: list[tuple[str, bool]] = []
        page, pages = 0, 1
        while page < pages:
            page += 1
            body = await self.call("GET", f"ticket/{number}/history?per_page=100&page={page}&{fields}")
            pages = body["pages"]
            for one in body["items"]:
                if one["Type"] in ("Comment", "Correspond"):
                    link = next(link["_url"] for link in one["_hyperlinks"] if link["ref"] == "attachment")
                    found = await self.call("GET", f"attachment/{link.rpartition('/')[2]}")
                    told.append((text_of(found), one["Type"] == "Comment"))
        return told


def text_of(attachment: dict[str, Any]) -> str:
    """RT shows the content of one attachment in Base64."""
    return base64.b64decode(attachment["Content"]).decode()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        made = Site(http)
        await made.call("PUT", f"user/{ACCOUNT}", {"Timezone": "UTC"})
        yield made


@pytest.fixture
async def category(site: Site) -> str:
    """The name of the custom field for the connector."""
    ticket = await site.show(await site.create("wang"))
    return next(f"cf_{one['id']}" for one in ticket["CustomFields"] if one["name"] == "Category")


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy(URL)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def connector(category: str) -> AsyncIterator[RtConnector]:
    made = RtConnector("desk", settings(URL, fields={"category": category, "role": "owner"}, settle=0.0))
    yield made
    await made.close()


def settings(url: str, **further: Any) -> dict[str, Any]:
    return {"url": url, "account": ACCOUNT, "token": TOKEN, "timeout": PATIENCE, **further}


def delivery(number: str, **payload: Any) -> Delivery:
    values = {"priority": "P0", "due.resolution": "2097-03-04T18:00:00+08:00", "because": [HOSTILE], **payload}
    effect = Effect(kind=EffectKind.UPDATE_REQUEST, key="update", payload=values)
    return Delivery(effect_id=EFFECT, tenant="acme", request_id=number, number="202601-CSR-001", effect=effect)


async def test_a_decision_is_written_once_and_as_a_comment(site, connector, category):
    number = await site.create("wang")
    for attempt in (1, 2):
        given = delivery(number, department="Triage-VIP", category="refund", role="root")
        outcome = await connector.deliver(given)
        assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ()), attempt
    ticket = await site.show(number)
    queue = await site.call("GET", f"queue/{ticket['Queue']['id']}")
    assert (ticket["Priority"], ticket["Due"], queue["Name"]) == ("100", "2097-03-04T10:00:00Z", "Triage-VIP")
    assert ticket["Owner"]["id"] == "root"
    assert [one["values"] for one in ticket["CustomFields"] if f"cf_{one['id']}" == category] == [["refund"]]
    ((note, private),) = await site.notes(number)
    assert (private, marked([note], EFFECT), HOSTILE in note) == (True, 1, True)


async def test_what_is_refused_with_200_does_not_keep_the_others_from_being_written(site, connector):
    number = await site.create("wang")
    outcome = await connector.deliver(delivery(number, category="no such value", role=WANG))
    ticket = await site.show(number)
    assert outcome.kind is OutcomeKind.DONE
    assert [refusal.rpartition("the ")[2] for refusal in outcome.refused] == [
        "category is still another one",
        "role is still another one",
    ]
    assert (ticket["Priority"], ticket["Owner"]["id"]) == ("100", "Nobody")
    assert "role was not set" in (await site.notes(number))[0][0]


async def test_a_change_by_a_person_after_our_look_is_not_overwritten_unseen(site, connector):
    """RT refuses with 412, so the next attempt sees what the person did."""
    number = await site.create("wang")
    first = await connector.fetch(number)
    await site.call("PUT", f"ticket/{number}", {"Priority": "70"})
    (call,) = connector.write(first, {"priority": "100"})
    with pytest.raises(CallFailed, match="412"):
        await connector.send(first, call, {"priority": "100"})
    assert (await site.show(number))["Priority"] == "70"
    assert (await delivered(connector, delivery(number))).kind is OutcomeKind.DONE
    assert (await site.show(number))["Priority"] == "100"


async def test_changes_are_polled_and_own_writes_are_not(site, connector, category):
    since = datetime.now(UTC)
    number = await site.create("wang")
    await connector.deliver(delivery(number, category="refund"))
    await site.call("POST", f"ticket/{number}/correspond", {"Content": "<p>on&nbsp;it</p>", "ContentType": "text/html"})
    field = category.removeprefix("cf_")
    await site.call(
        "PUT", f"ticket/{number}", {"Priority": "50", "Status": "stalled", "CustomFields": {field: "login"}}
    )
    events, cursor, more = [], "", True
    while more:
        page = await connector.poll(cursor, since - timedelta(minutes=1))
        events += [event for event in page.events if event.request_id == number]
        cursor, more = page.cursor, page.more
    assert [(event.type, event.actor, event.data) for event in events[:2]] == [
        (
            "request.received",
            "customer",
            {
                "text.subject": "充电器冒烟起火",
                "text.body": "充电时突然起火",
                "customer.id": WANG,
                "contact.email": WANG,
            },
        ),
        ("request.replied", "agent", {"text.body": "on it"}),
    ]
    told = {(event.type, *event.data.items()) for event in events[2:] if event.actor == "agent"}
    assert told == {
        ("request.updated", ("override.priority", "P1")),
        ("request.updated", ("override.category", "login")),
        ("request.on_hold",),
    }


async def test_a_ticket_that_is_not_there_is_final(connector):
    assert (await connector.deliver(delivery("99999999"))).kind is OutcomeKind.FAILED


async def test_a_merged_ticket_is_decided_at_the_survivor(site, connector):
    number, survivor = await site.create("wang"), await site.create("wang")
    await site.call("PUT", f"ticket/{number}", {"MergeInto": survivor})
    assert (await connector.deliver(delivery(number))).kind is OutcomeKind.DONE
    assert (await site.is_urgent(survivor), len(await site.notes(survivor))) == (True, 1)


async def test_slow_writes_a_kill_of_everything_and_an_outage(redis_url, tmp_path, site, proxy):
    own = {"url": proxy.url, "account": ACCOUNT, "token": TOKEN}
    await twenty_tickets_in_trouble(service_settings(redis_url, str(tmp_path), "rt", **own), site, proxy)


async def test_no_notice_of_fifty_is_doubled_when_each_lands_late(site, proxy):
    connector = RtConnector("desk", settings(proxy.url, timeout=TIMEOUT))
    await fifty_slow_notices(connector, site, proxy)
    await connector.close()
