"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.salesforce import SalesforceConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("salesforce")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "client_secret")
    connector = SalesforceConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "Priority",
        "category": "Type",
        "department": "OwnerId",
        "owner": "OwnerId",
        "due.resolution": "Answer_Due__c",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in SalesforceConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "Working") == SalesforceConnector.statuses
    assert all(f"`{field.ours}`" in text for field in SalesforceConnector.fields if field.ours)
