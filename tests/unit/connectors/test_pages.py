"""What the pages of the connectors `file` and `webhook` promise."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.file.connector import FileConnector, line_of
from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.webhook.connector import (
    CONTENT_TYPE,
    ENDPOINT_REFUSES,
    EVENT_TYPES,
    WebhookConnector,
    cloud_event,
)
from tests.kit.places import DOCS

NAMED = re.compile(r"`([a-z_]+)`")


def page(name: str, language: str) -> str:
    return (DOCS / "howto" / f"{name}{language}.md").read_text("utf-8")


def configured(text: str) -> tuple[dict, dict]:
    (entry,) = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["connectors"]
    return entry, entry["settings"]


def rows(text: str) -> list[tuple[str, str]]:
    """The first two cells of all rows of the page's tables."""
    return re.findall(r"^\| (.*?) \| (.*?) (?=\|)", text, re.MULTILINE)


both = pytest.mark.parametrize("language", ["", ".zh"], ids=["en", "zh"])


@both
async def test_the_configuration_of_the_file_is_one_that_it_takes(language):
    entry, settings = configured(page("file", language))
    connector = FileConnector(entry["name"], settings)
    assert entry["type"] == "file"
    assert {EffectKind(kind) for kind in entry["effects"]} <= connector.manifest.effects
    assert not connector.manifest.inbound
    await connector.close()


@both
def test_the_members_of_a_line_are_those_of_the_page(language, make_delivery):
    text = page("file", language)
    payload = {"priority": "P0", "category": "complaint"}
    given = {"tenant": "default", "request_id": "CRM-17", "source": "crm", "sequence": 1, "payload": payload}
    line = json.loads(line_of(make_delivery(created=datetime(2026, 1, 5, 1, tzinfo=UTC), **given)))
    assert json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1]) == line
    members = text.partition("`effect_id`")[2].partition("```json")[0]
    assert {"effect_id", *(name for cell, _ in rows(f"| `{members}") for name in NAMED.findall(cell))} == line.keys()


@both
async def test_the_configuration_of_the_webhook_is_one_that_it_takes(language):
    entry, settings = configured(page("webhook", language))
    del settings["secrets_file"]
    connector = WebhookConnector(entry["name"], {**settings, "secrets": ["whsec_" + "QUJD" * 10]})
    assert entry["type"] == "webhook"
    assert not connector.manifest.inbound
    await connector.close()


@both
def test_what_the_webhook_posts_is_what_the_page_tells(language, make_delivery):
    text = page("webhook", language)
    assert f"`{CONTENT_TYPE}`" in text
    for kind, name in EVENT_TYPES.items():
        assert (f"`{kind}`", f"`{name}`") in rows(text)
    event = cloud_event(make_delivery(created=datetime(2026, 1, 5, 1, tzinfo=UTC)))
    data = event["data"]
    assert isinstance(data, dict)
    assert all(f"`{name}`" in text for name in (*data, "id", "subject", "time", "data"))


@both
@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ((200, 202, 204), OutcomeKind.DONE),
        ((408, 425, 429, 503), OutcomeKind.RETRY),
        ((500, 502), OutcomeKind.UNKNOWN),
        ((401, 403, 410), OutcomeKind.HELD),
        ((400, 404, 422, 302), OutcomeKind.FAILED),
    ],
)
async def test_what_an_answer_does(language, statuses, kind, http_server, make_delivery, answer):
    settings = {"url": http_server.url, "secrets": ["whsec_" + "QUJD" * 10], "allow_private": True}
    connector = WebhookConnector("out", settings)
    for status in statuses:
        http_server.faults = [answer(status)]
        assert (await connector.deliver(make_delivery())).kind is kind, status
    await connector.close()
    named = [cell for cell, _ in rows(page("webhook", language)) if re.search(r"[0-9]", cell)]
    if kind in (OutcomeKind.RETRY, OutcomeKind.HELD):
        assert any(tuple(map(int, re.findall(r"\d{3}", cell))) == statuses for cell in named)
    assert {401, 403, 410} == ENDPOINT_REFUSES.keys()
