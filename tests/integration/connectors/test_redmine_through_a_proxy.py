"""A real Redmine behind a proxy in trouble: twenty issues, each decided and written back once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from answerby_connectors.redmine import RedmineConnector
from tests.integration.connectors.test_redmine_platform import OWN_KEY, URL, pytestmark, site
from tests.kit.platforms.trouble import (
    TIMEOUT,
    Proxy,
    fifty_slow_notices,
    service_settings,
    twenty_tickets_in_trouble,
)

__all__ = ["pytestmark", "site"]
SETTINGS = {"key": OWN_KEY, "projects": ["support"], "markup": "textile"}


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy(URL)
    await made.start()
    yield made
    await made.stop()


async def test_slow_writes_a_kill_of_everything_and_an_outage(redis_url, tmp_path, site, proxy):
    settings = service_settings(redis_url, str(tmp_path), "redmine", url=proxy.url, **SETTINGS)
    await twenty_tickets_in_trouble(settings, site, proxy)


async def test_no_notice_of_fifty_is_doubled_when_each_lands_late(site, proxy):
    connector = RedmineConnector("desk", {"url": proxy.url, "timeout": TIMEOUT, **SETTINGS})
    await fifty_slow_notices(connector, site, proxy)
    await connector.close()
