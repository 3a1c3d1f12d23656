"""Fixtures shared by all tests: a real store, empty for each test."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import redis

from answerby.store.embedded import EmbeddedValkey
from answerby.store.store import Store
from tests.kit import examples
from tests.kit.patience import LONG_TEST, WHOLE_TEST
from tests.kit.starts import forbidden

UNIT, GOLDEN = (Path(__file__).with_name(name) for name in ("unit", "golden"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell. What the tests start, and stop by Ctrl-C, would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def no_test_variables() -> None:
    """The tests have read theirs by now; a service that they start would take them for a mistake."""
    for name in [name for name in os.environ if name.startswith("ANSWERBY_TEST_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def binary(request: pytest.FixtureRequest) -> Path | None:
    """Of the store's server; None is the shipped one. `tests.kit.needs.on_every_store` asks for redis-server too."""
    if getattr(request, "param", "valkey") == "valkey":
        return None
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on this machine")
    return Path(found)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, binary: Path | None) -> Iterator[EmbeddedValkey]:
    """A running store, one for the whole run."""
    running = EmbeddedValkey(tmp_path_factory.mktemp("server"), binary=binary)
    running.start()
    yield running
    running.stop()


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


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The time that one test may last follows from the patience with which it waits."""
    if config.option.timeout is None:
        config.option.timeout = WHOLE_TEST


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        generated = item.get_closest_marker("generated") and examples.PROFILE == "deep"
        if item.get_closest_marker("deep") or generated:
            item.add_marker(pytest.mark.timeout(LONG_TEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """`make test-fast` runs the unit and golden tests without the mark `process`; so they start none."""
    quiet = item.path.is_relative_to(UNIT) or item.path.is_relative_to(GOLDEN)
    with forbidden() if quiet and not item.get_closest_marker("process") else nullcontext():
        return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sla-cases", metavar="FILE", help="Run these cases instead of tests/golden/sla/sla-cases.yaml.")
