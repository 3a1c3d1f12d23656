"""The whole service as a process: a supervisor and its workers, by the settings of a test."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.kit.patience import PATIENCE
from tests.kit.processes import end, started, stop, wake, workers_of

PROGRAM = """
import sys
from answerby.server.base.config import Config
from answerby.server.serve import serve
sys.exit(serve(Config.model_validate_json(sys.stdin.read())))
"""


class Served:
    """A running service and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        """The log as far as the test has read it."""
        self._before: list[dict[str, Any]] = []
        """What came before the address, which `line` looks at first: processes log in no certain order at a start."""
        self._unread: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._unread.put(json.loads(line) if line.startswith("{") else {"event": line})
        self._unread.put(None)

    def line(self, event: str) -> dict[str, Any]:
        """The next log line of this event; blocks until it comes."""
        before, self._before = self._before, []
        for number, line in enumerate(before):
            if line["event"] == event:
                self._before = before[number + 1 :]
                return line
        while True:
            line = self._unread.get(timeout=PATIENCE)
            assert line is not None, f"the service ended before {event!r}: {self.lines}"
            self.lines.append(line)
            if line["event"] == event:
                return line

    def address(self) -> str:
        """Where it listens; blocks until it does."""
        read = len(self.lines)
        line = self.line("listening")
        self._before = self.lines[read:-1]
        return str(line["address"])

    def workers(self) -> list[int]:
        """The processes of the workers, by slot, as far as the log lines read name them."""
        begun = [line for line in self.lines if line["event"] == "worker started"]
        return list({line["worker"]: line["pid"] for line in sorted(begun, key=lambda line: line["worker"])}.values())

    def ready_workers(self) -> set[int]:
        """The processes of the workers that have said that they are ready, and still run."""
        while not self._unread.empty():
            if (line := self._unread.get()) is not None:
                self.lines.append(line)
        begun = {line["pid"] for line in self.lines if line["event"] == "worker started"}
        return begun.intersection(workers_of(self.process.pid))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal; returns the exit status."""
        status = stop(self.process, number)
        self.close()
        return status

    def kill(self) -> None:
        """Kills the supervisor and all workers at once, and waits for the supervisor's end."""
        for process in (self.process.pid, *workers_of(self.process.pid)):
            os.kill(process, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def close(self) -> None:
        """Reads the log of a process that has ended."""
        self._reader.join(PATIENCE)

    def rest(self) -> list[dict[str, Any]]:
        """The log lines of a process that has ended which nobody has read."""
        self.close()
        return list(iter(self._unread.get_nowait, None))


@contextmanager
def serving(
    settings: Mapping[str, Any], *, before: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """A service with these settings. `before`: a line of Python that its process runs first. `environment` adds variables."""
    command = [sys.executable, "-c", before + PROGRAM]
    variables = {**os.environ, **(environment or {})}
    with started(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables) as process:
        served = Served(process)
        process.stdin.write(json.dumps(settings))
        process.stdin.close()
        try:
            yield served
        finally:
            # A process that a test has frozen would never end, and neither would its log.
            if process.poll() is None:
                wake(process.pid, *workers_of(process.pid))
            end(process)
            served.close()
