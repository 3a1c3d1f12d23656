"""A worker on a real socket and a real store, with a small rulebook of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from answerby.api.v1 import resources_pb2 as pb
from tests.kit import clients
from tests.kit.rulebooks import COMPLAINTS, write
from tests.kit.workers import Running, launched


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with a small valid rulebook."""
    return write(tmp_path / "rules", COMPLAINTS)


@pytest.fixture
def settings(rules: Path, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    """A configuration for one test; change it before a worker is started."""
    return {
        "server": {"listen": "127.0.0.1:0", "drain_seconds": 2},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path / "data")},
        "rules": {"folder": str(rules), "engine": "reference", "watch": False},
        "metrics": {"listen": None},
        "log": {"level": "debug"},
    }


@pytest.fixture
def launch(settings: dict[str, Any]) -> Callable[..., Any]:
    """A worker in this process: `async with` it."""
    return partial(launched, settings)


@pytest.fixture
async def running(launch: Callable[..., Any]) -> AsyncIterator[Running]:
    """A worker that serves."""
    async with launch() as started:
        yield started


@pytest.fixture
def make_event() -> Callable[..., pb.Event]:
    """An event with decent values where none are given."""
    return clients.make_event
