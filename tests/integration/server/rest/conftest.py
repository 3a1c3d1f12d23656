"""A worker that answers calls over HTTP too, and a plain HTTP client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.kit.workers import Running


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "http": {"listen": "127.0.0.1:0", "api": True}}


@pytest.fixture
async def http(running: Running) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(running) as client:
        yield client


def client_of(running: Running, **options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{running.worker.http_port}", trust_env=False, **options)


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """An event as a CRM writes it, but for the changes. A change to None leaves the key out."""

    def make(number: int = 1, **changes: Any) -> dict[str, Any]:
        values = {
            "id": f"e-{number}",
            "source": "crm/test",
            "type": "request.received",
            "request_id": f"R-{number}",
            "time": datetime(2026, 1, 5, 9, 0, tzinfo=UTC).isoformat(),
            "facts": {"text.body": "I complain"},
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    return make
