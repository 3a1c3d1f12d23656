"""Fixtures shared by all tests: a real store, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from service.store.embedded import EmbeddedValkey
from service.store.store import Store


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A running embedded Valkey, one for the whole run."""
    valkey = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
def redis_url(server: EmbeddedValkey) -> str:
    """The URL of an empty store, for tests that start processes of their own."""
    with redis.Redis.from_url(server.url) as client:
        client.flushdb()
    return server.url


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A connected, empty store."""
    connected = await Store.connect(redis_url)
    yield connected
    await connected.close()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A place for an embedded server of the test's own."""
    return tmp_path / "data"
