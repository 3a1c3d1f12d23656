"""A server as a process of its own, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answerby.cli.client import Server
from answerby.cli.serve.configuration import configured, options
from answerby.cli.serve.own_server import own_server
from tests.kit.commands import invoke
from tests.kit.outages import Outages
from tests.kit.processes import free_address

RULES = Path(__file__).parent / "incident_rules"


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No port for metrics, no configuration file that happens to lie in the working folder."""
    monkeypatch.setenv("ANSWERBY_METRICS__LISTEN", "")
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def incident_rules() -> Path:
    return RULES


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Server]:
    """A server with the incident rules on an embedded store."""
    overlay = options(listen=free_address(), rules=RULES, data=tmp_path / "data")
    with own_server(None, overlay, configured(None, overlay)) as (_, running):
        yield running


@pytest.fixture
def outages(tmp_path: Path) -> Iterator[Outages]:
    """The same, with a worker that can be taken away."""
    overlay = options(listen=free_address(), rules=RULES, data=tmp_path / "data")
    with own_server(None, overlay, configured(None, overlay)) as (server, target):
        outages = Outages(server.pid, target)
        yield outages
        outages.end()


@pytest.fixture
def answerby() -> Callable[..., Any]:
    """Runs a command; the result has exit_code, stdout and stderr."""
    return invoke
