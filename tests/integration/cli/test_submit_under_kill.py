"""`answerby submit` while the worker that it speaks to is killed, and another starts at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.kit.outages import Outages, finds_workers

pytestmark = finds_workers
EVENTS = 1000


def test_every_event_is_decided_once_although_the_worker_dies(outages: Outages, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [{"id": str(n), "request_id": f"R-{n}", "time": "2026-03-02T09:00:00+08:00"} for n in range(EVENTS)]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "answerby.cli.main", "submit", str(events)]
    command += ["--target", outages.target.address, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as submitting:
        assert submitting.stdout is not None
        first = submitting.stdout.readline()
        outages.begin()
        outages.end()
        rest, told = submitting.communicate(timeout=180)
    assert submitting.returncode == 0, told
    decided = [json.loads(line)["id"] for line in [first, *rest.splitlines()]]
    assert decided == [f"R-{n}/1" for n in range(EVENTS)]
