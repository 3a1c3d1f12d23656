"""`answerby submit` while the worker that it speaks to is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from answerby.cli.serve.running import free_port, own_server
from answerby.cli.serve.serving import configured, options

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")
EVENTS = 1000


def worker_of(supervisor: int) -> int:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text(encoding="ascii").split()
    (worker,) = [int(pid) for pid in children if b"answerby.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return worker


def test_every_event_is_decided_once_although_the_worker_dies(incident_rules: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [{"id": str(n), "request_id": f"R-{n}", "time": "2026-03-02T09:00:00+08:00"} for n in range(EVENTS)]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    overlay = options(listen=f"127.0.0.1:{free_port('127.0.0.1')}", rules=incident_rules, data=tmp_path / "data")
    with own_server(None, overlay, configured(None, overlay)) as (server, target):
        command = [
            sys.executable,
            "-m",
            "answerby.cli.main",
            "submit",
            str(events),
            "--target",
            target.address,
            "--json",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as submitting:
            assert submitting.stdout is not None
            first = submitting.stdout.readline()
            os.kill(worker_of(server.pid), signal.SIGKILL)
            rest, told = submitting.communicate(timeout=60)
    assert submitting.returncode == 0, told
    decided = [json.loads(line)["id"] for line in [first, *rest.splitlines()]]
    assert decided == [f"R-{n}/1" for n in range(EVENTS)]
