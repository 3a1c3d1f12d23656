"""The output files of a replay: a line for each decision, refusal and difference from the export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from answerby.cli.replay.outcome import Clock, Outcome
from answerby.cli.replay.planner import Planned
from answerby.cli.replay.refusals import Refusals
from answerby.cli.replay.tally import Difference

STANDARD_OUTPUT = Path("-")


class Output:
    """Lines in the order of decisions. Equal decisions give equal bytes."""

    def __init__(
        self, decisions: BinaryIO, refusals: BinaryIO | None = None, differences: BinaryIO | None = None
    ) -> None:
        self._decisions = decisions
        self._refusals = refusals
        self._differences = differences
        self.refusals = Refusals()

    def decision(self, planned: Planned, outcome: Outcome) -> None:
        self._decisions.write(orjson.dumps(line(planned, outcome), option=orjson.OPT_APPEND_NEWLINE))

    def refuse(self, line_number: int, reason: str, request_id: str) -> None:
        self.refusals.add(line_number, reason, request_id)
        if self._refusals is not None:
            record = {"line": line_number, "reason": reason.encode("utf-8", "replace").decode()}
            self._refusals.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def difference(self, found: Difference) -> None:
        if self._differences is not None:
            self._differences.write(orjson.dumps(found._asdict(), option=orjson.OPT_APPEND_NEWLINE))


def refused_path(out: Path) -> Path:
    return out.with_suffix(".refused.jsonl")


def differences_path(out: Path) -> Path:
    return out.with_suffix(".differences.jsonl")


@contextmanager
def open_output(out: Path, *, differences: bool = False) -> Iterator[Output]:
    """Opens the files for writing. `-` writes decisions to standard output and drops the others. Raises OSError.

    `differences`: the mapping has expectations, so differences get a file, too.
    """
    with ExitStack() as stack:
        if out == STANDARD_OUTPUT:
            yield Output(sys.stdout.buffer)
            return
        decisions = stack.enter_context(out.open("wb"))
        refusals = stack.enter_context(refused_path(out).open("wb"))
        different = stack.enter_context(differences_path(out).open("wb")) if differences else None
        yield Output(decisions, refusals, different)


def line(planned: Planned, outcome: Outcome) -> dict[str, object]:
    """One decision. Values that change from run to run, such as the moment of deciding, are left out."""
    event = planned.event
    record: dict[str, object] = {
        "line": planned.line,
        "request_id": event.request_id,
        "event_id": event.id,
        "event_type": event.type,
        "event_time": event.time,
        "sequence": outcome.sequence,
        "status": outcome.status,
        "facts": dict(sorted(outcome.facts.items())),
        "clocks": {clock.name: clock_record(clock) for clock in outcome.clocks},
        "revision": outcome.revision,
    }
    if outcome.rules:
        record["rules"] = outcome.rules
    if outcome.flags:
        record["flags"] = [{"code": code, "message": message} for code, message in sorted(outcome.flags)]
    return record


def clock_record(clock: Clock) -> dict[str, object]:
    record: dict[str, object] = {"phase": clock.phase, "breached": clock.breached}
    if clock.due is not None and clock.phase != "paused":
        record["due"] = clock.due
    if clock.stopped is not None:
        record["stopped"] = clock.stopped
    return record
