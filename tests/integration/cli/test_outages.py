"""Commands while the only worker is killed and stays away for a while."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.outages import Outages, Running, command, finds_workers
from tests.kit.patience import PATIENCE, wait_until

pytestmark = finds_workers
BATCH = 100
"""Events that `submit` sends at once."""
MAPPING = Path(__file__).parent / "incidents.yaml"


def lines(numbers: range) -> str:
    """Events for `submit`."""
    events = ({"id": str(n), "request_id": f"R-{n}", "time": "2026-03-02T09:00:00+08:00"} for n in numbers)
    return "".join(json.dumps(event) + "\n" for event in events)


def ids(running: Running) -> list[str]:
    return [json.loads(line)["id"] for line in running.out]


def test_submit_decides_every_event_once(outages: Outages) -> None:
    with command("submit", "-", "--target", outages.target.address, "--json", "--patience", PATIENCE) as submitting:
        submitting.type(lines(range(BATCH)))
        submitting.until(lambda: bool(submitting.out))
        outages.begin()
        submitting.type(lines(range(BATCH, 5 * BATCH)), end=True)
        submitting.until(submitting.waits)
        outages.end()
        assert submitting.status() == 0, submitting.err
    assert ids(submitting) == [f"R-{n}/1" for n in range(5 * BATCH)]


def test_submit_gives_up_when_its_patience_ends(outages: Outages) -> None:
    with command("submit", "-", "--target", outages.target.address, "--patience", 0.1) as submitting:
        outages.begin()
        submitting.type(lines(range(1)), end=True)
        assert submitting.status() == 1
    assert "no server answers there" in "".join(submitting.err)


def test_submit_shows_what_was_decided_before_it_gave_up(outages: Outages, answerby: Callable[..., Any]) -> None:
    address = outages.target.address
    with command("submit", "-", "--target", address, "--patience", 0.1) as submitting:
        submitting.type(lines(range(2 * BATCH)))
        wait_until(lambda: answerby("get", f"R-{2 * BATCH - 1}", "--target", address).exit_code == 0)
        outages.begin()
        submitting.type(lines(range(2 * BATCH, 3 * BATCH)), end=True)
        assert submitting.status() == 1
    # The outage may cut off the answer to the second batch, which is decided by then.
    decided = int(submitting.out[-1].split(" decided, 0 refused")[0])
    assert decided in {BATCH, 2 * BATCH}
    assert f"the answers end at line {decided}; later lines may have been accepted, too" in "".join(submitting.err)


def test_watch_goes_on_where_it_was(outages: Outages, answerby: Callable[..., Any], tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    to = ("--target", outages.target.address, "--patience", PATIENCE)

    def seen() -> list[str]:
        messages = [json.loads(line) for line in watching.out]
        return [message["decision"]["id"] for message in messages if "decision" in message]

    def submit(number: int) -> None:
        events.write_text(lines(range(number, number + 1)))
        answerby("submit", events, *to)
        watching.until(lambda: len(seen()) == number)

    with command("watch", "--json", *to) as watching:
        watching.until(lambda: bool(watching.out))
        submit(1)
        outages.begin()
        watching.until(watching.waits)
        outages.end()
        submit(2)
        watching.process.send_signal(signal.SIGINT)
        assert watching.status() == 0, watching.err
    assert seen() == ["R-1/1", "R-2/1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--from", "2026-01-01", "--out", "recording.jsonl"),
        ("replay", "export.csv", "--mapping", MAPPING, "--out", "out.jsonl"),
        ("backtest", "--rules", "active", "--from", "2026-01-01"),
        ("list",),
        ("rulebook", "migrate"),
        ("get", "R-1"),
        ("explain", "R-1"),
        ("what-if", "R-1", "--set", "impact=high"),
    ],
    ids=lambda arguments: arguments[-1] if arguments[0] == "rulebook" else arguments[0],
)
def test_a_command_that_begins_in_an_outage_waits_for_its_end(
    outages: Outages, answerby: Callable[..., Any], tmp_path: Path, arguments: tuple[object, ...]
) -> None:
    to = ("--target", outages.target.address, "--patience", PATIENCE)
    (tmp_path / "events.jsonl").write_text(lines(range(3)))
    assert answerby("submit", tmp_path / "events.jsonl", *to).exit_code == 0
    (tmp_path / "export.csv").write_text(
        "number,state,updated,impact,urgency,priority\nI1,New,01/02/2016 08:00,1,1,1\n"
    )
    outages.begin()
    with command(*arguments, *to) as running:
        running.until(running.waits)
        outages.end()
        assert running.status() == 0, running.err
