"""`answerby backtest` on 100,000 recorded requests: one rulebook, then two; with one process and with two.

The requests are the samples that ship with the rules, each with a reply and a completion, from 20,000 customers over
thirty days. Timers fire between the events. What is timed is the whole command, from the file to the report.
"""

import os
import random
import re
import shutil
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from answerby.cli.backtest.run import Options, backtest
from answerby.domain.event import ActorRole, Event
from answerby.workbench.backtest.recording import VERSION, RecordingHeader, RequestRecord, encode_line
from tests.bench.decide_bench import SHIPPED, samples

REQUESTS = int(os.environ.get("ANSWERBY_BENCH_REQUESTS", "100000"))
CUSTOMERS = 20_000
START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 30


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "recording.jsonl"
        write_recording(file)
        changed = changed_rules(folder)
        print(f"{REQUESTS} requests, {file.stat().st_size / 1e6:.0f} MB")
        for label, against, jobs in (
            ("one rulebook", "", 2),
            ("two rulebooks", str(SHIPPED), 2),
            ("two rulebooks", str(SHIPPED), 1),
        ):
            run(
                label,
                Options(rules=str(changed), against=against, events=file, jobs=jobs, json=str(folder / f"{jobs}.json")),
            )
        same = (folder / "1.json").read_bytes() == (folder / "2.json").read_bytes()
        print(f"the same report from one process as from two: {same}")


def run(label: str, options: Options) -> None:
    start = time.perf_counter()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        report = backtest(options)
    seconds = time.perf_counter() - start
    decisions = report.decisions.old + report.decisions.new
    rate = f"{report.requests / seconds:,.0f} requests/s, {decisions / seconds:,.0f} decisions/s"
    timers = report.timers.old + report.timers.new
    print(
        f"{label:>14}, {options.jobs} processes: {seconds:6.1f} s, {rate} ({decisions} decisions, {timers} on timers)",
        flush=True,
    )


def changed_rules(folder: Path) -> Path:
    """The shipped rules with the priority matrix turned around in one cell."""
    rules = folder / "rules"
    shutil.copytree(SHIPPED, rules)
    matrix = rules / "priority" / "matrix.yaml"
    text = matrix.read_text(encoding="utf-8")
    changed, count = re.subn(r", P2\]", ", P1]", text, count=1)
    if not count:
        raise SystemExit("the shipped matrix has changed; mend the bench")
    matrix.write_text(changed, encoding="utf-8")
    return rules


def write_recording(file: Path) -> None:
    chance = random.Random(7)
    originals = samples()
    with file.open("wb") as out:
        header = RecordingHeader(
            recording=VERSION, tenant="default", since=START, until=START + timedelta(days=DAYS + 3)
        )
        out.write(encode_line(header) + b"\n")
        for number in range(REQUESTS):
            out.write(encode_line(request(chance, originals[number % len(originals)], number)) + b"\n")


def request(chance: random.Random, original: Event, number: int) -> RequestRecord:
    at = START + timedelta(seconds=chance.randrange(DAYS * 86_400))
    data = {**original.data, "customer.id": f"c{chance.randrange(CUSTOMERS)}"}
    events = [event(original, number, "request.received", at, data)]
    at += timedelta(minutes=chance.randrange(1, 600))
    events.append(event(original, number, "request.replied", at, {}))
    at += timedelta(minutes=chance.randrange(60, 3000))
    events.append(event(original, number, "request.completed", at, {}))
    return RequestRecord(request_id=f"r{number}", created=events[0].time, events=events, decisions=[])


def event(original: Event, number: int, kind: str, at: datetime, data: dict) -> Event:
    actor = ActorRole.CUSTOMER if kind == "request.received" else ActorRole.AGENT
    return msgspec.structs.replace(
        original,
        id=f"{number}/{kind}",
        request_id=f"r{number}",
        type=kind,
        time=at,
        data=data,
        actor=actor,
        historical=False,
    )


if __name__ == "__main__":
    main()
