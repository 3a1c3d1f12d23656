"""Processes that replay groups of requests. The result does not depend on the number of processes."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple, Self

from answerby.cli.backtest.request_set import decode_groups, unpack
from answerby.cli.backtest.rule_set import compile_texts
from answerby.cli.fail import CommandFailed
from answerby.domain.errors import AnswerbyError
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.backtest.groups import Backtest, Settings
from answerby.workbench.backtest.tally import Tally

ReportProgress = Callable[[int], None]
"""Called with the number of requests just finished."""


class RuleTexts(NamedTuple):
    """The input of every process: the texts of both rulebooks and the engine. `old` None: the recorded decisions."""

    new: list[RuleText]
    old: list[RuleText] | None
    engine: str


class WorkerFailure(NamedTuple):
    """The answer of a process that cannot go on."""

    message: str


class Worker:
    """The work of one process: it compiles the rules once, then replays chunk after chunk."""

    def __init__(self, rules: RuleTexts) -> None:
        self._new = compile_texts(rules.new, rules.engine)
        self._old = compile_texts(rules.old, rules.engine) if rules.old is not None else None
        self._backtest: Backtest | None = None

    def begin(self, settings: Settings) -> None:
        self._backtest = Backtest(self._new, self._old, settings)

    def play(self, chunk: bytes) -> Tally:
        """Call `begin` first. Raises RecordingDamaged."""
        assert self._backtest is not None
        records = self._old is None
        groups = ([unpack(p, with_decisions=records) for p in group] for group in decode_groups(chunk))
        return self._backtest.run(groups)


class Pool:
    """The processes of a backtest, or only this one if that is enough. The end of the `with` block ends them."""

    def __init__(self, rules: RuleTexts, processes: int) -> None:
        self._rules = rules
        self._processes = processes
        self._connections: list[Connection] = []
        self._stack = ExitStack()
        self._starting: futures.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._starting is not None:
            futures.wait([self._starting])
        self._stack.close()

    def start(self) -> None:
        """Starts compiling the rules in all processes and returns at once. `run` calls it if nobody has."""
        if self._processes > 1 and self._starting is None:
            # A process reads its input only once Python has started in it, so a thread waits for that.
            self._starting = ThreadPoolExecutor(1).submit(self._start)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # The parent may hold threads, which a fork does not copy.
        for _ in range(self._processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, self._rules), daemon=True)
            self._stack.callback(ours.close)
            process.start()
            self._stack.callback(end, process)
            theirs.close()
            self._connections.append(ours)

    def run(self, settings: Settings, chunks: list[tuple[int, bytes]], done: ReportProgress) -> Tally:
        """The merged tally of all chunks. Raises CommandFailed if a process fails."""
        total = Tally.empty(settings.examples)
        if self._starting is None and (self._processes <= 1 or len(chunks) <= 1):
            worker = Worker(self._rules)
            worker.begin(settings)
            for requests, chunk in chunks:
                total.merge(worker.play(chunk))
                done(requests)
            return total
        self.start()
        if self._starting is not None:
            self._starting.result()
        waiting = list(reversed(chunks))
        connections: dict[Connection, int] = {}
        for free in self._connections[: len(chunks)]:
            send(free, settings)
            connections[free] = hand_out(free, waiting)
        while connections:
            for line in wait(list(connections)):
                assert isinstance(line, Connection)
                total.merge(receive(line))
                done(connections.pop(line))
                if waiting:
                    connections[line] = hand_out(line, waiting)
        return total


def hand_out(line: Connection, waiting: list[tuple[int, bytes]]) -> int:
    requests, chunk = waiting.pop()
    send(line, chunk)
    return requests


def send(line: Connection, message: Settings | bytes) -> None:
    """Raises CommandFailed."""
    try:
        if isinstance(message, bytes):
            line.send_bytes(message)
        else:
            line.send(message)
    except OSError as error:
        if line.poll():
            receive(line)  # The answer gives the reason of the end.
        raise CommandFailed("a process of the backtest ended before its work was done") from error


def receive(line: Connection) -> Tally:
    try:
        answer = line.recv()
    except (EOFError, OSError) as error:
        raise CommandFailed("a process of the backtest ended before its work was done; is memory short?") from error
    if isinstance(answer, WorkerFailure):
        raise CommandFailed(answer.message)
    assert isinstance(answer, Tally)
    return answer


def end(process: SpawnProcess) -> None:
    process.terminate()
    process.join()


def work(line: Connection, rules: RuleTexts) -> None:
    """The main function of a process: it reads settings and chunks and sends tallies until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends this one.
    try:
        worker = Worker(rules)
        # Loaded objects stay, and decisions make no reference cycles, so the collector rarely has work.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        worker.begin(line.recv())
        while True:
            line.send(worker.play(line.recv_bytes()))
    except (EOFError, BrokenPipeError):
        return
    except AnswerbyError as error:
        line.send(WorkerFailure(error.message))
