"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.rt import RtConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("rt")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    connector = RtConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "cf_2",
        "department": "queue",
        "role": "owner",
        "due.resolution": "due",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"
    assert set(connector.mapper.table("department").values()) <= set(connector.settings.queues)


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in RtConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "open") == RtConnector.statuses
    assert all(f"`{field.ours}`" in text for field in RtConnector.fields if field.ours)
