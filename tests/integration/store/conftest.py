"""The store tests run on the shipped Valkey, and on redis-server too where the machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.embedded import EmbeddedValkey

BINARIES = {"valkey": None, "redis": shutil.which("redis-server")}


@pytest.fixture(scope="session", params=sorted(BINARIES, reverse=True))
def binary(request: pytest.FixtureRequest) -> Path | None:
    """Of the server under test; None is the shipped one."""
    if request.param == "redis" and BINARIES["redis"] is None:
        pytest.skip("no redis-server on this machine")
    path = BINARIES[request.param]
    return Path(path) if path else None


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, binary: Path | None) -> Iterator[EmbeddedValkey]:
    running = EmbeddedValkey(tmp_path_factory.mktemp("server"), binary=binary)
    running.start()
    yield running
    running.stop()
