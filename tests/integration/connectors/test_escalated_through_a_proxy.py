"""The real escalated behind a proxy in trouble: twenty tickets, each decided and written back once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kit.http_server import Call, Fault, Late
from tests.kit.platforms.trouble import Proxy, service_settings, twenty_tickets_in_trouble

pytestmark = pytest.mark.platform


class Site:
    """The help desk, as persons use it."""

    def __init__(self, desk) -> None:
        self._desk = desk

    async def create(self, user: str) -> str:
        content = {"subject": "充电器冒烟起火", "description": "充电时突然起火，有人受伤，请马上处理。"}
        made = await self._desk.acall("POST", "tickets/create/", content, account="customer")
        return str(made["data"]["reference"])

    async def is_urgent(self, number: str) -> bool:
        return bool((await self._show(number))["priority"] == "critical")

    async def notes(self, number: str) -> list[tuple[str, bool]]:
        return [(one["body"], one["is_internal_note"]) for one in (await self._show(number))["replies"]]

    async def _show(self, number: str):
        return (await self._desk.acall("GET", f"tickets/{number}/"))["data"]


class Passing(Proxy):
    """The question for the account is a POST, and changes nothing."""

    def trouble(self, call: Call) -> Late | Fault | None:
        if self.down or not call.path.endswith("/validate/"):
            return super().trouble(call)
        self.landed -= 1  # what is passed on counts as a write otherwise
        return None


@pytest.fixture
async def proxy(desk) -> AsyncIterator[Proxy]:
    made = Passing(desk.url)
    await made.start()
    yield made
    await made.stop()


async def test_slow_writes_a_kill_of_everything_and_an_outage(redis_url, tmp_path, desk, proxy, hook_port, hook_secret):
    """Events come by webhooks alone, past the proxy."""
    own = {"token": desk.tokens["bot"], "webhook_secrets": [hook_secret]}
    settings = service_settings(redis_url, str(tmp_path), "escalated", url=proxy.url, **own)
    del settings["connectors"][0]["settings"]["poll_seconds"]
    settings["http"] = {"listen": f"127.0.0.1:{hook_port}"}
    await twenty_tickets_in_trouble(settings, Site(desk), proxy)
