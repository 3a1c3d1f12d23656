"""A server whose only worker can be taken away, and commands as processes of their own that meet it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from answerby.cli.client import Server
from tests.kit.patience import PATIENCE
from tests.kit.processes import ANSWERBY, freeze, started, wake, workers_of

finds_workers = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")
WAITS = "the server does not answer; trying for"


class Outages:
    """A server whose only worker can be taken away for as long as a test wants."""

    def __init__(self, supervisor: int, target: Server) -> None:
        self.target = target
        self._supervisor = supervisor

    def begin(self) -> None:
        freeze(self._supervisor)  # it would start another worker at once
        os.kill(self._worker(), signal.SIGKILL)

    def end(self) -> None:
        wake(self._supervisor)

    def _worker(self) -> int:
        (worker,) = workers_of(self._supervisor)
        return worker


class Running:
    """A command as a process of its own; its output is read as it comes, so that it never waits for the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._changed = threading.Condition()
        self._open = 2
        """Streams that have not ended."""
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines))
            for stream, lines in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def type(self, text: str, *, end: bool = False) -> None:
        """Into its standard input."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(text)
        stdin.close() if end else stdin.flush()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits for output that makes it true."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition() or not self._open, PATIENCE)
        assert condition(), "".join(self.err)

    def waits(self) -> bool:
        """Whether it has said that the server does not answer."""
        return any(WAITS in line for line in self.err)

    def status(self) -> int:
        """Once it has ended."""
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return status

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            with self._changed:
                lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()


@contextmanager
def command(*arguments: object) -> Iterator[Running]:
    pipe = subprocess.PIPE
    with started([*ANSWERBY, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield Running(process)
