"""A real escalated help desk, installed and started for the tests, with a webhook back to them.

`ANSWERBY_TEST_ESCALATED_PYTHON` may name a Python that has escalated-django, Django, requests and waitress installed;
otherwise they are installed into a virtual environment of the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.patience import PATIENCE, wait_until
from tests.kit.processes import free_address, started

PYTHON = os.environ.get("ANSWERBY_TEST_ESCALATED_PYTHON")
PACKAGES = ["escalated-django==0.7.8", "requests", "waitress"]
SITE = Path(__file__).parent / "escalated_site"
SECRET = "hook secret of the test"


@pytest.fixture(scope="session")
def desk_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that can run escalated."""
    if PYTHON:
        return PYTHON
    folder = tmp_path_factory.mktemp("escalated")
    python = str(folder / "bin" / "python")
    try:
        subprocess.run(
            [sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=2 * PATIENCE
        )
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(install, check=True, capture_output=True, timeout=2 * PATIENCE)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"escalated-django cannot be installed: {error}")
    return python


@dataclass
class HelpDeskProcess:
    """A running help desk: where it is, and the tokens of its accounts."""

    url: str
    tokens: dict[str, str]

    def call(self, method: str, path: str, content: Any = None, *, account: str = "agent") -> Any:
        """One API call by a person or a script, not by the connector. Raises HTTPError."""
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"authorization": f"Bearer {self.tokens[account]}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    async def acall(self, method: str, path: str, content: Any = None, *, account: str = "agent") -> Any:
        """The same beside a running event loop: the desk calls us back before it answers."""
        return await asyncio.to_thread(self.call, method, path, content, account=account)


@pytest.fixture(scope="session")
def hook_port() -> int:
    """Where every help desk of the run sends its webhooks."""
    return int(free_address().rpartition(":")[2])


@pytest.fixture(scope="session")
def desk(desk_python: str, hook_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelpDeskProcess]:
    """A running help desk with room for any number of calls."""
    with contextlib.ExitStack() as stack:
        yield _start(stack, desk_python, tmp_path_factory.mktemp("desk"), hook_port, 100_000)


@pytest.fixture(scope="session")
def limited_desk(
    desk_python: str, hook_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HelpDeskProcess]:
    """A running help desk that takes four calls a minute of each token."""
    with contextlib.ExitStack() as stack:
        yield _start(stack, desk_python, tmp_path_factory.mktemp("limited"), hook_port, 4)


def _start(stack: contextlib.ExitStack, python: str, folder: Path, hook_port: int, limit: int) -> HelpDeskProcess:
    address = free_address()
    tokens = folder / "tokens.json"
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "desk_settings",
        "PYTHONPATH": str(SITE),
        "PYTHONWARNINGS": "ignore",
        "DESK_DATABASE": str(folder / "desk.sqlite3"),
        "DESK_LIMIT": str(limit),
        "DESK_PORT": address.rpartition(":")[2],
        "DESK_HOOK": f"http://127.0.0.1:{hook_port}/hook/desk",
        "DESK_SECRET": SECRET,
        "DESK_TOKENS": str(tokens),
    }
    log = stack.enter_context((folder / "desk.log").open("wb"))
    command = [python, SITE / "desk_serve.py"]
    process = stack.enter_context(started(command, env=environ, cwd=folder, stdout=log, stderr=log))
    desk = HelpDeskProcess(f"http://{address}/support/api/v1", {})

    def answers() -> bool:
        assert process.poll() is None, f"the help desk did not start:\n{(folder / 'desk.log').read_text()[-3000:]}"
        with contextlib.suppress(OSError, ValueError, KeyError):
            desk.tokens = json.loads(tokens.read_text())
            desk.call("GET", "departments/", account="admin")
            return True
        return False

    wait_until(answers, "the help desk answers")
    return desk


@dataclass
class Webhook:
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        return str(json.loads(self.body)["event"])


class Receiver:
    """Takes webhooks and keeps them as they came; `refuse`: how many of the next it answers with 500."""

    def __init__(self) -> None:
        self.webhooks: list[Webhook] = []
        self.refuse = 0
        self._arrived = asyncio.Condition()

    async def start(self, port: int) -> None:
        # The next to listen here may be answerby itself, which shares its port with others that share theirs.
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, reuse_port=True)

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def take(self, name: str) -> Webhook:
        """The next webhook of this name; it is taken out."""
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: any(w.name == name for w in self.webhooks))
            found = next(w for w in self.webhooks if w.name == name)
            self.webhooks.remove(found)
            return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        async with self._arrived:
            self.webhooks.append(Webhook(headers, body))
            self._arrived.notify_all()
        status = "500 No" if self.refuse > 0 else "202 Accepted"
        self.refuse -= 1
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def receiver(hook_port: int) -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start(hook_port)
    yield made
    await made.stop()


@pytest.fixture
def hook_secret() -> str:
    return SECRET
