"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.escalated import EscalatedConnector, webhooks
from answerby_connectors.escalated.connector import TAGGED
from answerby_connectors.escalated.settings import CHANNELS, PRIORITIES
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("escalated")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    connector = EscalatedConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert connector.mapper.their_name("department", "vip") == "VIP desk"
    assert connector.mapper.table("priority") == PRIORITIES


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in PRIORITIES.items():
        assert f"{ours} {theirs}" in text
    for theirs, ours in CHANNELS.items():
        assert f"`{theirs}` {ours}" in text
    assert told_statuses(text, "in_progress") == EscalatedConnector.statuses
    assert all(f"`{name}`" in text for name in (*TAGGED, "tags"))


def test_the_webhooks_to_subscribe_to_are_those_that_it_handles(text):
    assert all(f"`{name}`" in text for name in webhooks.HANDLED)
