"""Processes that play groups of requests. What comes of it does not depend on how many there are."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from service.backtest.run import Backtest, Settings
from service.backtest.tally import Tally
from service.cli.backtest.gathered import decode_groups, unpack
from service.cli.backtest.rules import compile_texts
from service.cli.fail import CommandFailed
from service.domain.errors import AnswerbyError
from service.rules.folder import RuleText

Done = Callable[[int], None]
"""Told how many more requests are done."""


class Job(NamedTuple):
    """What every process needs: the texts of both rulebooks (`old` None: what was recorded), engine, settings."""

    new: list[RuleText]
    old: list[RuleText] | None
    engine: str
    settings: Settings


class Failed(NamedTuple):
    """What a process answers when it cannot go on."""

    message: str


class Player:
    """One process's share: rules compiled once, then chunk after chunk."""

    def __init__(self, job: Job) -> None:
        new = compile_texts(job.new, job.engine)
        self._records = job.old is None
        old = compile_texts(job.old, job.engine) if job.old is not None else None
        self._backtest = Backtest(new, old, job.settings)

    def play(self, chunk: bytes) -> Tally:
        """Raises RecordingDamaged."""
        groups = ([unpack(p, with_decisions=self._records) for p in group] for group in decode_groups(chunk))
        return self._backtest.run(groups)


def run(job: Job, chunks: list[tuple[int, bytes]], processes: int, done: Done) -> Tally:
    """The tally of all chunks. Raises CommandFailed when a process fails."""
    total = Tally.empty(job.settings.examples)
    if processes <= 1 or len(chunks) <= 1:
        player = Player(job)
        for requests, chunk in chunks:
            total.merge(player.play(chunk))
            done(requests)
        return total
    with ExitStack() as stack:
        context = multiprocessing.get_context("spawn")  # the parent may hold threads, which a fork does not survive
        lines: dict[Connection, int] = {}
        waiting = list(reversed(chunks))
        for _ in range(min(processes, len(chunks))):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, job), daemon=True)
            process.start()
            stack.callback(end, process)
            stack.callback(ours.close)
            theirs.close()
            lines[ours] = hand_out(ours, waiting)
        while lines:
            for line in wait(list(lines)):
                assert isinstance(line, Connection)
                total.merge(receive(line))
                done(lines.pop(line))
                if waiting:
                    lines[line] = hand_out(line, waiting)
    return total


def hand_out(line: Connection, waiting: list[tuple[int, bytes]]) -> int:
    requests, chunk = waiting.pop()
    try:
        line.send_bytes(chunk)
    except OSError as error:
        raise CommandFailed("a process of the backtest ended before its work was done") from error
    return requests


def receive(line: Connection) -> Tally:
    try:
        answer = line.recv()
    except (EOFError, OSError) as error:
        raise CommandFailed("a process of the backtest ended before its work was done; is memory short?") from error
    if isinstance(answer, Failed):
        raise CommandFailed(answer.message)
    assert isinstance(answer, Tally)
    return answer


def end(process: SpawnProcess) -> None:
    process.terminate()
    process.join()


def work(line: Connection, job: Job) -> None:
    """The life of a process: chunks in, tallies out, until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends us
    try:
        player = Player(job)
        # What is loaded stays, and decisions make no circles: looking for garbage rarely is enough.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        while True:
            line.send(player.play(line.recv_bytes()))
    except (EOFError, BrokenPipeError):
        return
    except AnswerbyError as error:
        line.send(Failed(error.message))
