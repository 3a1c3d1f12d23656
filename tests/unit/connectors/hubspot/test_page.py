"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.hubspot import HubSpotConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("hubspot")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    del settings["webhook_secrets_file"]
    connector = HubSpotConnector(entry["name"], {**settings, "webhook_secrets": ["a long secret"]})
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert connector.settings.webhook_url.endswith(f"/hook/{entry['name']}")
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "hs_ticket_priority",
        "category": "hs_ticket_category",
        "department": "hs_pipeline",
        "owner": "hubspot_owner_id",
        "due.resolution": "answer_due",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in HubSpotConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "Waiting on contact") == HubSpotConnector.statuses
    assert all(f"`{field.ours}`" in text for field in HubSpotConnector.fields if field.ours)
