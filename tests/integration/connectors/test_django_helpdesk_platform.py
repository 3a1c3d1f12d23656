"""Against a real django-helpdesk: ANSWERBY_TEST_DJANGO_HELPDESK_URL is the root of its API, such as http://host/api.

ANSWERBY_TEST_DJANGO_HELPDESK_TOKEN is the token of a staff account, as which the test acts. ..._OWN_TOKEN and
..._ACCOUNT are token and number of another one, which is answerby's. It has the queues `general` and `vip` with the
numbers 1 and 2 and a list `category` with the value `refund`, as a custom field. With ..._HOOK, such as
127.0.0.1:9099, its webhooks for new tickets and follow-ups go to http://127.0.0.1:9099/hook/desk/helpdesk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.conformance.hostile import HOSTILE
from answerby_connectors.django_helpdesk import DjangoHelpdeskConnector
from answerby_connectors.kit.base import Delivery, OutcomeKind
from answerby_connectors.kit.notes.marker import marked
from tests.kit.patience import PATIENCE
from tests.kit.platforms.trouble import (
    TIMEOUT,
    Proxy,
    fifty_slow_notices,
    service_settings,
    twenty_tickets_in_trouble,
)

URL, TOKEN, OWN_TOKEN, ACCOUNT, HOOK = (
    os.environ.get(f"ANSWERBY_TEST_DJANGO_HELPDESK_{name}", "")
    for name in ("URL", "TOKEN", "OWN_TOKEN", "ACCOUNT", "HOOK")
)
pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(not URL, reason="ANSWERBY_TEST_DJANGO_HELPDESK_URL names no django-helpdesk"),
]
EFFECT = "a1" * 16


class Site:
    """The help desk, as persons use it."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def call(self, method: str, path: str, content: Any = None) -> Any:
        """Without anybody who takes its webhook, the help desk answers 500 after the write."""
        headers = {"authorization": f"Token {TOKEN}"}
        answer = await self._http.request(method, f"{URL}/{path}", json=content, headers=headers)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def create(self, user: str = "wang") -> str:
        ticket = {"queue": 1, "title": "充电器冒烟起火", "description": "充电时突然起火，有人受伤", "priority": 4}
        made = await self.call("POST", "tickets/", {**ticket, "submitter_email": f"{user}@example.com"})
        return str(made["id"])

    async def show(self, reference: str) -> Any:
        return await self.call("GET", f"tickets/{reference}/")

    async def is_urgent(self, number: str) -> bool:
        return bool((await self.show(number))["priority"] == 1)

    async def notes(self, number: str) -> list[tuple[str, bool]]:
        return [(one["comment"], not one["public"]) for one in (await self.show(number))["followup_set"][1:]]

    async def say(self, reference: str, comment: str, **fields: Any) -> None:
        await self.call("POST", "followups/", {"ticket": int(reference), "comment": comment, "public": True, **fields})


class Receiver:
    """Answers 202 to every webhook, so that the help desk does."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        yield Site(http)


@pytest.fixture
async def receiver() -> AsyncIterator[None]:
    if not HOOK:
        yield
        return
    host, _, port = HOOK.rpartition(":")
    server = await asyncio.start_server(Receiver().serve, host, int(port), reuse_port=True)
    yield
    server.close()
    await server.wait_closed()


def settings_of(url: str, **settings: Any) -> dict[str, Any]:
    named = {"queues": {"general": 1, "vip": 2}, "fields": {"category": "custom_category"}}
    values = {"category": {"complaint": "refund"}}
    return {"url": url, "token": OWN_TOKEN, "account": int(ACCOUNT), "values": values, **named, **settings}


@pytest.fixture
async def connector(receiver) -> AsyncIterator[DjangoHelpdeskConnector]:
    made = DjangoHelpdeskConnector("desk", settings_of(URL, timeout=PATIENCE, settle=0.0))
    yield made
    await made.close()


def delivery(reference: str, effect_id: str = EFFECT, **payload: Any) -> Delivery:
    due = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0).isoformat()
    values = {"priority": "P0", "due.resolution": due, "because": [*HOSTILE.values()], **payload}
    effect = Effect(kind=EffectKind.UPDATE_REQUEST, key="update", payload=values)
    return Delivery(effect_id=effect_id, tenant="acme", request_id=reference, number="202601-CSR-001", effect=effect)


async def test_a_decision_is_written_once_and_privately(site, connector):
    reference = await site.create()
    given = delivery(reference, department="vip", category="complaint")
    for attempt in (1, 2):
        outcome = await connector.deliver(given)
        assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ()), attempt
    ticket = await site.show(reference)
    assert (ticket["priority"], ticket["queue"], ticket["custom_category"]) == (1, 2, "refund")
    due = given.effect.payload["due.resolution"]
    assert datetime.fromisoformat(ticket["due_date"]) == datetime.fromisoformat(due)
    assert ticket["title"] == "充电器冒烟起火"
    _, note = ticket["followup_set"]
    assert not note["public"]
    assert marked([note["comment"]], EFFECT) == 1


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE.values(),
        "{{ ticket.title }} {{ a b }}",
        "{% debug %} %}",
        "X-HELPDESK-COMMENT-VERBATIM %}",
        "{# x #} #1",
    ],
)
async def test_hostile_text_is_neither_a_template_nor_a_link(site, connector, text):
    other = await site.create()
    reference = await site.create()
    assert (await connector.deliver(delivery(reference, because=[text, f"#{other}"]))).kind is OutcomeKind.DONE
    assert len((await site.show(reference))["followup_set"]) == 2
    assert len((await site.show(other))["followup_set"]) == 1


async def test_what_is_refused_does_not_keep_the_others_from_being_written(site, connector):
    reference = await site.create()
    outcome = await connector.deliver(delivery(reference, category="warranty", department="moon"))
    ticket = await site.show(reference)
    assert outcome.kind is OutcomeKind.DONE
    assert ticket["priority"] == 1
    assert "there is no department moon" in outcome.refused
    assert any("category warranty" in one for one in outcome.refused)


async def test_changes_are_polled_and_own_writes_are_not(site, connector):
    since = datetime.now(UTC)
    reference = await site.create()
    await connector.deliver(delivery(reference))
    await site.say(reference, "handled")
    await site.say(reference, "done", new_status=3)
    events, cursor = [], ""
    while True:
        page = await connector.poll(cursor, since)
        events += [event for event in page.events if event.request_id == reference]
        cursor = page.cursor
        if not page.more:
            break
    assert [(event.type, event.actor) for event in events] == [
        ("request.received", "customer"),
        ("request.replied", "agent"),
        ("request.replied", "agent"),
        ("request.completed", "agent"),
    ]
    assert events[0].data["text.subject"] == "充电器冒烟起火"
    assert [event.data.get("text.body") for event in events[1:]] == ["handled", "done", None]


async def test_a_ticket_that_is_not_there_is_final(connector):
    assert (await connector.deliver(delivery("99999999"))).kind is OutcomeKind.FAILED


async def test_a_wrong_account_holds_the_connector_after_the_first_note(site, receiver):
    wrong = DjangoHelpdeskConnector("desk", settings_of(URL, account=int(ACCOUNT) + 1000))
    reference = await site.create()
    outcome = await wrong.deliver(delivery(reference))
    await wrong.close()
    assert outcome.kind is OutcomeKind.HELD
    assert f"account {ACCOUNT}" in outcome.detail
    assert len(await site.notes(reference)) == 1


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy(URL)
    await made.start()
    yield made
    await made.stop()


async def test_slow_writes_a_kill_of_everything_and_an_outage(redis_url, tmp_path, site, proxy):
    """With webhooks, if they are set up, and polling."""
    own = settings_of(proxy.url, webhook_secrets=["helpdesk"])
    settings = service_settings(redis_url, str(tmp_path), "django_helpdesk", **own)
    if HOOK:
        settings["http"] = {"listen": HOOK}
    await twenty_tickets_in_trouble(settings, site, proxy)


async def test_no_notice_of_fifty_is_doubled_when_each_lands_late(site, proxy, receiver):
    connector = DjangoHelpdeskConnector("desk", settings_of(proxy.url, timeout=TIMEOUT))
    await fifty_slow_notices(connector, site, proxy)
    await connector.close()
