"""What the page of the connector promises."""

from __future__ import annotations

import re
import tomllib

import pytest

from answerby_connectors.zendesk import ZendeskConnector
from tests.kit.places import DOCS

PAGES = [DOCS / "howto" / f"zendesk{language}.md" for language in ("", ".zh")]


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def text(request) -> str:
    return request.param.read_text("utf-8")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    (entry,) = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["connectors"]
    settings = {**entry["settings"], "token": "t"}
    del settings["token_file"]
    connector = ZendeskConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "cf_360001",
        "department": "group_id",
        "due.resolution": "due_at",
        "owner": "assignee_id",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in ZendeskConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    row = re.search(r"^\| (open[,、].*?) \| (.*?) \|$", text, re.MULTILINE)
    statuses = re.split(r", |、", row[1])
    events = re.findall(r"`([\w.]+)`", row[2])
    assert dict(zip(statuses, events, strict=True)) == ZendeskConnector.statuses
    assert all(f"`{field.ours}`" in text for field in ZendeskConnector.fields if field.ours)
