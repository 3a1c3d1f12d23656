"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.jira import JiraConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("jira")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    connector = JiraConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "components",
        "due.resolution": "duedate",
        "department": "Support group",
        "owner": "assignee",
        "due.first_response": "Answer due",
    }
    assert connector.mapper.their_name("department", "vip") == "vip-desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in JiraConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "Waiting for support") == JiraConnector.statuses
    assert all(f"`{field.ours}`" in text for field in JiraConnector.fields if field.ours)
