"""One replay from file to summary."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from answerby.cli.client import Server
from answerby.cli.replay.mapping import Mapping
from answerby.cli.replay.outcome import Outcome, Refused
from answerby.cli.replay.output import STANDARD_OUTPUT, Output, differences_path, open_output, refused_path
from answerby.cli.replay.planner import Planned
from answerby.cli.replay.source import Source
from answerby.cli.replay.summary import Summary
from answerby.cli.replay.tally import Tally

UPDATE_EVERY = 100
"""Decisions between two updates of the progress bar."""


@dataclass(frozen=True)
class Job:
    """The input and the output of a replay. `limit` 0 means all rows."""

    file: Path
    mapping: Mapping
    out: Path
    tenant: str = "default"
    limit: int = 0


@dataclass(frozen=True)
class Local:
    """Decides here with these rules."""

    rules: Path
    engine: str = "durable"


@dataclass(frozen=True)
class Remote:
    """Decides on a server."""

    target: Server
    in_flight: int = 4
    batch: int = 500
    brief: bool = False


class Progressing(Protocol):
    """Called after every few decisions."""

    def __call__(self, decided: int) -> None: ...


class Replay:
    """The common parts of local and remote replays."""

    def __init__(self, job: Job, output: Output, progress: Progressing) -> None:
        self._output = output
        self._progress = progress
        self._source = Source(job.file, job.mapping, job.tenant, output.refuse, job.limit)
        self.tally = Tally(job.mapping)
        self.counts = self._source.counts

    def plan(self) -> Iterator[Planned]:
        return self._source.plan()

    def take(self, planned: Planned, outcome: Outcome | Refused) -> None:
        if isinstance(outcome, Refused):
            self._output.refuse(planned.line, outcome.reason, planned.event.request_id)
            return
        for difference in self.tally.add(planned, outcome):
            self._output.difference(difference)
        self._output.decision(planned, outcome)
        if self.tally.decisions % UPDATE_EVERY == 0:
            self._progress(self.tally.decisions)


def replay_and_report(job: Job, way: Local | Remote, summary_file: Path | None) -> None:
    """Replays, prints the summary on standard error, and writes it as JSON into `summary_file`.

    Raises CommandFailed, OSError, grpc.RpcError as `replay` does.
    """
    console = Console(stderr=True)
    summary = replay(job, way, console)
    if summary_file is not None:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        summary_file.write_bytes(orjson.dumps(summary.as_data(), option=options))
    if summary.output.refusals.rows and job.out != STANDARD_OUTPUT:
        console.print(f"all refused rows: {refused_path(job.out)}", highlight=False, soft_wrap=True)
    if any(c.different for c in summary.tally.comparisons.values()) and job.out != STANDARD_OUTPUT:
        console.print(f"all differences: {differences_path(job.out)}", highlight=False, soft_wrap=True)


def replay(job: Job, way: Local | Remote, console: Console) -> Summary:
    """Replays the file, prints a summary and returns it.

    Raises CommandFailed for wrong rules or mappings, OSError for files, grpc.RpcError if a server does not come back.
    """
    started = time.monotonic()
    with open_output(job.out, differences=expects(job.mapping)) as output, progress_bar(console) as progress:
        run = Replay(job, output, progress)
        unused = decide_here(run, way) if isinstance(way, Local) else asyncio.run(decide_there(run, way))
    summary = Summary(run.counts, run.tally, output, time.monotonic() - started, unused)
    summary.print(console)
    return summary


def expects(mapping: Mapping) -> bool:
    return bool(mapping.expect) or any(entry.expect for entry in mapping.events)


def decide_here(run: Replay, way: Local) -> tuple[str, ...]:
    """Returns the ids of the rules that decided nothing."""
    from answerby.cli.replay.local_decider import LocalDecider, load  # noqa: PLC0415  # a remote replay needs no engine

    compiled = load(way.rules, way.engine)
    for planned, outcome in LocalDecider(compiled).decide_all(run.plan()):
        run.take(planned, outcome)
    rules = (rule.id for stage in compiled.rulebook.stages for rule in stage.rules)
    return tuple(sorted(rule for rule in rules if rule not in run.tally.rules))


async def decide_there(run: Replay, way: Remote) -> None:
    from answerby.cli.replay.remote_decider import RemoteDecider  # noqa: PLC0415  # a local replay needs no grpc

    decider = RemoteDecider(way.target, lanes=way.in_flight, batch=way.batch, brief=way.brief)
    async for planned, outcome in decider.decide_all(run.plan()):
        run.take(planned, outcome)


@contextmanager
def progress_bar(console: Console) -> Iterator[Progressing]:
    described = TextColumn("{task.description}")
    columns = (SpinnerColumn(), described, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("decisions", total=None)

        def update(decided: int) -> None:
            progress.update(task, completed=decided)

        yield update
