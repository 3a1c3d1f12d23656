"""What the page of the connector promises."""

from __future__ import annotations

from answerby_connectors.django_helpdesk import DjangoHelpdeskConnector
from tests.kit.platforms.pages import page_texts, told_entry, told_statuses

text = page_texts("django-helpdesk")


async def test_its_configuration_is_one_that_the_connector_takes(text):
    entry, settings = told_entry(text, "token")
    connector = DjangoHelpdeskConnector(entry["name"], settings)
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "custom_category",
        "department": "queue",
        "due.resolution": "due_date",
        "owner": "assigned_to",
    }
    vip = connector.mapper.their_name("department", "vip")
    assert (await connector.choices("queue", ""))[vip] == 2
    assert (await connector.choices("assigned_to", ""))["ana"] == 7
    await connector.close()


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in DjangoHelpdeskConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    numbered = {
        name.partition("(")[0].partition("（")[0].strip(): kind
        for name, kind in told_statuses(text, "3 ?[(（]resolved[)）]").items()
    }
    assert numbered == DjangoHelpdeskConnector.statuses
    assert all(f"`{field.ours}`" in text for field in DjangoHelpdeskConnector.fields if field.ours)
    for title in ("Ticket placed on hold", "Ticket taken off hold"):
        assert title in text
