"""What the page of the connector promises."""

from __future__ import annotations

import re
import tomllib

from answerby_connectors.glpi import GlpiConnector
from tests.kit.platforms.pages import page_texts, told_statuses

text = page_texts("glpi")


async def test_its_configuration_is_one_that_the_connector_takes(text, tmp_path):
    (entry,) = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["connectors"]
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    settings = {**entry["settings"], "client_secret_file": str(secret), "password_file": str(secret)}
    settings["webhook_secrets_file"] = [str(secret) for _ in settings["webhook_secrets_file"]]
    connector = GlpiConnector(entry["name"], settings)
    await connector.close()
    assert entry["type"] == connector.platform
    assert entry["sources"] == [connector.source]
    assert {field.ours: field.theirs for field in connector.mapper.fields} == {
        "priority": "priority",
        "category": "category",
        "department": "group",
        "owner": "technician",
    }
    assert connector.mapper.their_name("department", "vip") == "VIP desk"


def test_its_tables_are_those_of_the_connector(text):
    for ours, theirs in GlpiConnector.values["priority"].items():
        assert f"{ours} {theirs}" in text
    assert told_statuses(text, "Pending") == GlpiConnector.statuses
    assert all(f"`{field.ours or field.theirs}`" in text for field in GlpiConnector.fields)
