"""`answerby submit` while the worker that it speaks to is killed, and another starts at once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.kit.outages import Outages, finds_workers
from tests.kit.patience import PATIENCE
from tests.kit.processes import ANSWERBY, started

pytestmark = finds_workers
EVENTS = 1000


def test_every_event_is_decided_once_although_the_worker_dies(outages: Outages, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [{"id": str(n), "request_id": f"R-{n}", "time": "2026-03-02T09:00:00+08:00"} for n in range(EVENTS)]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [*ANSWERBY, "submit", events, "--target", outages.target.address, "--json"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as submitting:
        first = submitting.stdout.readline()
        outages.begin()
        outages.end()
        rest, told = submitting.stdout.read(), submitting.stderr.read()
        submitting.wait(PATIENCE)
    assert submitting.returncode == 0, told
    decided = [json.loads(line)["id"] for line in [first, *rest.splitlines()]]
    assert decided == [f"R-{n}/1" for n in range(EVENTS)]
