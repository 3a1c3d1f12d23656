"""Checker of rule files in a separate process, which starts on demand and ends when idle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import answerby
from answerby.server.live.checking.object_pipe import receive, send
from answerby.server.live.checking.program import program_on_disk
from answerby.server.live.checking.rule_check import Checked, Task, check, finding

CHECK_SECONDS = 120.0
"""Time limit of one check with its rule tests."""
IDLE_SECONDS = 120.0
MOST_CHECKS = 500
"""Number of checks before a new process takes over, so that its memory stays bounded."""


T = TypeVar("T")


class OtherProgram(Exception):
    """An upgrade has replaced the program on the disk."""


class Checker:
    """Checks rule files, one check at a time. `inline` checks in a thread, for a fast start of the server.

    After an upgrade of the program on the disk all checks run in a thread, because the new program may read the files
    differently.
    """

    def __init__(self, patience: float = CHECK_SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._patience = patience
        self._idle = idle
        self._busy = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._checks = 0
        self._ending: asyncio.TimerHandle | None = None
        self._program = program_on_disk()

    async def check(self, task: Task, *, inline: bool = False) -> Checked:
        """Result of the check of the files. A check that fails or takes too long is a finding too."""
        if inline:
            return await asyncio.to_thread(check, task)
        exchange = await self._begin(partial(self._exchange, task))
        late = True
        try:
            late = not (await asyncio.wait({exchange}, timeout=self._patience))[0]
        finally:
            if late and self._process is not None:
                self._process.kill()
                self._process.wait()
        try:
            return await exchange
        except OtherProgram:
            return await asyncio.to_thread(check, task)
        except (EOFError, OSError) as error:
            reason = f"took longer than {self._patience:.0f} s" if late else f"ended: {type(error).__name__}"
            return Checked((finding("CHECK_FAILED", f"the process that checks the rules {reason}"),), None)

    async def warm(self) -> None:
        """Starts the process ahead of a check."""
        if not self._busy.locked():
            with contextlib.suppress(OtherProgram, EOFError):
                await asyncio.shield(await self._begin(self._running))

    async def close(self) -> None:
        await asyncio.shield(await self._begin(self._end))
        self._keep()

    async def _begin(self, work: Callable[[], T]) -> asyncio.Task[T]:
        """Starts work in a thread after the end of the earlier work, whose caller may have gone away."""
        await self._busy.acquire()
        self._keep()
        task = asyncio.ensure_future(asyncio.to_thread(work))
        task.add_done_callback(self._let_next)
        return task

    def _let_next(self, ended: asyncio.Task[Any]) -> None:
        if not ended.cancelled():
            ended.exception()  # without a caller nobody reads the result
        self._end_when_idle()
        self._busy.release()

    def _exchange(self, task: Task) -> Checked:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin, task)
        reply: Checked = receive(process.stdout)
        self._checks += 1
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        """The running process, started if needed. Raises OtherProgram and EOFError."""
        if self._process is not None and (self._process.poll() is not None or self._checks >= MOST_CHECKS):
            self._end()
        if self._process is None:
            if program_on_disk() != self._program:
                raise OtherProgram
            home = str(Path(answerby.__file__).resolve().parent.parent)
            path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "answerby.server.live.checking.checker_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
            )
            self._checks = 0
            assert self._process.stdout is not None
            if receive(self._process.stdout) != self._program:
                self._end()
                raise OtherProgram
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._ending = loop.call_later(self._idle, self._end)
