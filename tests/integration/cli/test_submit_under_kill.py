"""`answerby submit` while the worker that it speaks to is killed, and another starts at once."""

from __future__ import annotations

import json

from tests.kit.outages import Outages, command, finds_workers
from tests.kit.patience import PATIENCE

pytestmark = finds_workers
EVENTS = 1000
BEFORE = 300
"""Events that are there before the kill: some are decided by then, some are under way."""


def test_every_event_is_decided_once_although_the_worker_dies(outages: Outages) -> None:
    events = ({"id": str(n), "request_id": f"R-{n}", "time": "2026-03-02T09:00:00+08:00"} for n in range(EVENTS))
    lines = [json.dumps(event) + "\n" for event in events]
    with command("submit", "-", "--target", outages.target.address, "--json", "--patience", PATIENCE) as submitting:
        submitting.type("".join(lines[:BEFORE]))
        submitting.until(lambda: bool(submitting.out))
        outages.begin()
        outages.end()
        submitting.type("".join(lines[BEFORE:]), end=True)
        assert submitting.status() == 0, submitting.err
    decided = [json.loads(line)["id"] for line in submitting.out]
    assert decided == [f"R-{n}/1" for n in range(EVENTS)]
