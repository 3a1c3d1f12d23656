"""The supervisor starts the workers, replaces each dead or silent worker, and stops the workers in order."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import answerby
from answerby.domain.backoff import Backoff
from answerby.server.base.config import Config
from answerby.server.base.elapsed import elapsed
from answerby.server.base.logs import Logger

SILENT_SECONDS = 10.0
"""The longest silence of a worker.

A worker that is silent for longer is stuck: the supervisor kills and replaces it.
"""
START_SECONDS = 60.0
"""The longest silence before the first beat."""
TICK_SECONDS = 0.2
GAP_SECONDS = 2.0
"""A longer time between two ticks: the supervisor itself was stopped or held up. Silence of that time tells nothing."""
STEADY_SECONDS = 10.0
"""The lifetime of a worker that ends a series of quick deaths."""
RESPAWN = Backoff(first=0.1, most=5.0)
"""The wait from the second quick death on. After the first death, another worker starts at once."""
STOP_MARGIN_SECONDS = 10.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Child:
    """One worker process and the pipe of its beats."""

    def __init__(self, slot: int, process: subprocess.Popen[bytes], pipe: int) -> None:
        self.slot = slot
        self.process = process
        self.pipe = pipe
        self.started = elapsed()
        self.last_beat = self.started
        self.ready = False

    @property
    def patience(self) -> float:
        return SILENT_SECONDS if self.ready else START_SECONDS


class Supervisor:
    """Keeps `config.server.workers` workers alive until a stop signal."""

    def __init__(
        self,
        config: Config,
        logger: Logger,
        environ: Mapping[str, str],
        on_ready: Callable[[], None] = lambda: None,
        on_exit: Callable[[int], None] = lambda _: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._logger = logger
        self._environ = environ
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._on_tick = on_tick
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}
        self._respawn_at: dict[int, float] = {}
        self._quick_deaths: dict[int, int] = {}
        self._signals: list[int] = []
        self._announced = False
        self._last_tick = elapsed()
        self.restarts = 0

    @property
    def alive(self) -> int:
        """The number of running workers."""
        return len(self._children)

    def run(self) -> int:
        """Runs the workers until a stop signal, and drains them.

        Returns 0 after a clean drain. Returns 1 when workers had to be killed or no worker could ever start.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            for slot in range(self._config.server.workers):
                self._spawn(slot)
            self._last_tick = elapsed()
            while not self._signals:
                self._on_tick()
                self._tick()
                if not self._announced and self._all_failed():
                    self._logger.error("no worker can start")
                    return 1
            return self._stop()
        finally:
            self._kill_all()
            self._selector.close()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _: object) -> None:
        self._signals.append(number)

    def _tick(self) -> None:
        self._listen(TICK_SECONDS)
        now = elapsed()
        self._forgive_gap(now)
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                self._buried(child)
            elif now - child.last_beat > child.patience:
                self._logger.error("worker silent, killed", worker=child.slot, seconds=round(now - child.last_beat, 1))
                child.process.kill()
        for slot, moment in list(self._respawn_at.items()):
            if now >= moment:
                del self._respawn_at[slot]
                self._spawn(slot)

    def _forgive_gap(self, now: float) -> None:
        """Counts no silence for the time in which the supervisor itself was stopped.

        The workers were probably stopped too, and may wake up later than the supervisor.
        """
        gap, self._last_tick = now - self._last_tick, now
        if gap > GAP_SECONDS:
            self._logger.warning("supervisor was held up", seconds=round(gap, 1))
            for child in self._children.values():
                child.last_beat = min(now, child.last_beat + gap)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            child: _Child = key.data
            beats = os.read(child.pipe, 4096)
            if not beats:
                # The pipe closes when the process dies. The wait for the process leaves no zombie behind.
                self._selector.unregister(child.pipe)
                child.process.wait()
                continue
            child.last_beat = elapsed()
            if b"R" in beats:
                child.ready = True
                self._logger.info("worker started", worker=child.slot, pid=child.process.pid)
        if not self._announced and self._children and all(child.ready for child in self._children.values()):
            self._announced = True
            self._on_ready()

    def _spawn(self, slot: int) -> None:
        read_end, write_end = os.pipe()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "answerby.server.worker", str(write_end), str(slot)],
            stdin=subprocess.PIPE,
            pass_fds=(write_end,),
            env=dict(self._environ) | {"PYTHONPATH": _import_path(self._environ)},
        )
        os.close(write_end)
        assert process.stdin is not None
        try:
            process.stdin.write(self._config.model_dump_json().encode())
            process.stdin.close()
        except BrokenPipeError:
            self._logger.warning("worker died at once", worker=slot)
        child = _Child(slot, process, read_end)
        self._children[slot] = child
        self._selector.register(read_end, selectors.EVENT_READ, child)

    def _buried(self, child: _Child) -> None:
        """Handles the end of a worker. Another worker starts at once, unless workers keep dying."""
        self._forget(child)
        quick = elapsed() - child.started < STEADY_SECONDS
        deaths = self._quick_deaths.get(child.slot, 0) + 1 if quick else 0
        self._quick_deaths[child.slot] = deaths
        self._respawn_at[child.slot] = elapsed() + RESPAWN.wait(deaths - 1)
        self.restarts += 1
        self._logger.warning(
            "worker ended, replaced", worker=child.slot, pid=child.process.pid, exit_code=child.process.returncode
        )

    def _all_failed(self) -> bool:
        """Whether every slot has died three times and no worker was ever ready."""
        slots = range(self._config.server.workers)
        return not any(child.ready for child in self._children.values()) and all(
            self._quick_deaths.get(slot, 0) >= 3 for slot in slots
        )

    def _forget(self, child: _Child) -> None:
        self._children.pop(child.slot, None)
        if child.pipe in self._selector.get_map():
            self._selector.unregister(child.pipe)
        os.close(child.pipe)
        self._on_exit(child.process.pid)

    def _stop(self) -> int:
        """Drains the workers. A second signal, or too long a drain, kills the workers."""
        self._logger.info("stopping", signal=signal.Signals(self._signals[0]).name)
        for child in self._children.values():
            child.process.terminate()
        deadline = elapsed() + self._config.server.drain_seconds + STOP_MARGIN_SECONDS
        while self._children:
            self._listen(0.05)
            for child in list(self._children.values()):
                if child.process.poll() is not None:
                    self._forget(child)
            if len(self._signals) > 1 or elapsed() > deadline:
                self._logger.warning("stopped hard", count=len(self._children))
                return 1
        self._logger.info("stopped")
        return 0

    def _kill_all(self) -> None:
        for child in list(self._children.values()):
            child.process.kill()
            child.process.wait()
            self._forget(child)


def _import_path(environ: Mapping[str, str]) -> str:
    """The import path of the supervisor, so that the workers import the same code."""
    home = str(Path(answerby.__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, [home, environ.get("PYTHONPATH", "")]))
