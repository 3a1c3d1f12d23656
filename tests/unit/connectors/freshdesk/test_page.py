"""What the page of the connector promises."""

from __future__ import annotations

import re
import tomllib

import pytest

from answerby_connectors.freshdesk import FreshdeskConnector
from tests.kit.places import DOCS

PAGES = [DOCS / "howto" / f"freshdesk{language}.md" for language in ("", ".zh")]


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def text(request) -> str:
    return request.param.read_text("utf-8")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    (entry,) = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["connectors"]
    settings = {**entry["settings"], "key": "k"}
    del settings["key_file"]
    connector = FreshdeskConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "cf_category",
        "department": "group_id",
        "due.resolution": "due_by",
        "due.first_response": "fr_due_by",
        "tags": "tags",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in FreshdeskConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    row = re.search(r"^\| (Pending.*?) \| (.*?) \|$", text, re.MULTILINE)
    statuses = re.split(r", |、", row[1])
    events = re.findall(r"`([\w.]+)`", row[2])
    assert dict(zip(statuses, events, strict=True)) == FreshdeskConnector.statuses
    assert all(f"`{field.ours}`" in text for field in FreshdeskConnector.fields if field.ours)
