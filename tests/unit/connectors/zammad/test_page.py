"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.zammad import ZammadConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("zammad")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    assert len(settings.pop("webhook_secrets_file")) == 1
    connector = ZammadConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "kind",
        "department": "group",
        "due.resolution": "due_at",
        "owner": "owner",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in ZammadConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "open") == ZammadConnector.statuses
    assert all(f"`{field.ours}`" in text for field in ZammadConnector.fields if field.ours)
