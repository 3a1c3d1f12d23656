"""Checks rule files in a process of its own, which is started when needed and ended when idle."""

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
"""For one check, its rule tests included."""
IDLE_SECONDS = 120.0
MOST_CHECKS = 500
"""After so many the process is replaced, so that it never grows without bound."""


T = TypeVar("T")


class OtherProgram(Exception):
    """The program on the disk is not the one that runs here: it was upgraded meanwhile."""


class Checker:
    """One check at a time. `inline` checks in a thread of this process: quicker to start, for before it serves.

    So does a process whose program was replaced on the disk: what another program makes of the files is not its own.
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
        """What the files come to. A check that fails or takes too long is a finding, too."""
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
        """Starts the process before it is needed."""
        if not self._busy.locked():
            with contextlib.suppress(OtherProgram, EOFError):
                await asyncio.shield(await self._begin(self._running))

    async def close(self) -> None:
        await asyncio.shield(await self._begin(self._end))
        self._keep()

    async def _begin(self, work: Callable[[], T]) -> asyncio.Task[T]:
        """Work in a thread, once what went before has ended: also where its caller has gone away meanwhile."""
        await self._busy.acquire()
        self._keep()
        task = asyncio.ensure_future(asyncio.to_thread(work))
        task.add_done_callback(self._let_next)
        return task

    def _let_next(self, ended: asyncio.Task[Any]) -> None:
        if not ended.cancelled():
            ended.exception()  # where the caller went away, nobody asks what became of it
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
        """Raises OtherProgram and EOFError."""
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
