"""`answerby submit`: events from a file to a server, in the order of the file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import grpc
from rich.text import Text

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, decisions_table, print_flags, print_json
from answerby.cli.event_lines import Line, read_events
from answerby.cli.patience import Patience
from answerby.cli.shown_zone import ShownZone
from answerby.cli.submission import CALL_SECONDS, Submission, batches
from answerby.server.rpc.event_messages import event_to

BATCH = 100


class Submitted(NamedTuple):
    """The result of one line: a decision, or the reason why there is none."""

    line: int
    decision: pb.Decision | None
    duplicate: bool = False
    refused: str = ""


def submit_file(file: Path, server: Server, zone: ShownZone, *, as_json: bool, historical: bool) -> int:
    """Submits every event and prints the decisions. Returns the number of refused ones.

    Raises OSError if the file cannot be read, grpc.RpcError if the server does not answer.
    """
    decisions: list[pb.Decision] = []
    refused, line = 0, 0
    try:
        for result in submit(read_lines(file), server, historical=historical):
            line = result.line
            if result.decision is None:
                refused += 1
                print(f"line {line}: {result.refused}", file=sys.stderr)
            elif as_json:
                print_json(result.decision)
            else:
                decisions.append(result.decision)
    except grpc.RpcError:
        if line:
            # What was decided stays decided.
            if not as_json:
                _print_table(decisions, refused, zone)
            print(f"the answers end at line {line}; later lines may have been accepted, too", file=sys.stderr)
        raise
    if not as_json:
        _print_table(decisions, refused, zone)
    return refused


def _print_table(decisions: list[pb.Decision], refused: int, zone: ShownZone) -> None:
    console = console_for_tables()
    shown = zone.get() if decisions else UTC
    console.print(decisions_table(decisions, shown))
    print_flags(console, ((decision.request_id, decision.flags) for decision in decisions), shown)
    console.print(Text(f"{len(decisions)} decided, {refused} refused"))


def read_lines(file: Path) -> Iterator[Line]:
    """The events of a file, `-` for standard input. Raises OSError."""
    now = datetime.now(UTC)
    if file == Path("-"):
        yield from read_events(sys.stdin.buffer, now)
        return
    with file.open("rb") as lines:
        yield from read_events(lines, now)


def submit(lines: Iterable[Line], server: Server, *, historical: bool = False) -> Iterator[Submitted]:
    """Results in the order of the lines. Raises grpc.RpcError if the server does not answer."""
    lines = iter(lines)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        while batch := list(islice(lines, BATCH)):
            yield from submit_batch(stub, server, batch, historical=historical)


def submit_batch(
    stub: RequestServiceStub, server: Server, batch: list[Line], *, historical: bool
) -> Iterator[Submitted]:
    events = [event_to(line.event) for line in batch if line.event is not None]
    results = iter(
        [
            result
            for part in batches(events, BATCH)
            for result in send(stub, server, Submission(events[part], Patience(server.patience), historical=historical))
        ]
    )
    for line in batch:
        if line.event is None:
            yield Submitted(line.number, None, refused=line.refused)
        else:
            yield submitted(line.number, next(results))


def send(stub: RequestServiceStub, server: Server, submission: Submission) -> list[rpc.SubmitEventResult]:
    """The fates of the events. Raises grpc.RpcError when the server stays away for longer than the target's patience,
    or refuses.
    """
    wait: float | None = 0.0
    while wait is not None:
        time.sleep(wait)
        try:
            response = stub.SubmitEvents(submission.request, metadata=server.metadata, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            wait = submission.failed(error)
        else:
            wait = submission.answered(response)
    return submission.results


def submitted(line: int, result: rpc.SubmitEventResult) -> Submitted:
    if result.code == 0:
        return Submitted(line, result.decision, result.duplicate)
    violations = "; ".join(f"{v.field}: {v.description}" for v in result.violations)
    return Submitted(line, None, refused=f"{result.reason}: {violations or result.message}")
