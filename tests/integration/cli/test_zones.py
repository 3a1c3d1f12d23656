"""One rule for every command: people read times in the zone of the rulebook, or in that of --zone.

The machine stands in another zone, and the clock runs on `always`, which has no zone of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

from tests.kit.patience import wait_until

EVENTS = [
    {"id": "1", "request_id": "A", "time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "low", "urgency": "low"}},
    {"id": "2", "request_id": "A", "time": "2026-03-02T10:00:00+08:00", "type": "request.updated"},
    {"id": "3", "request_id": "A", "time": "2026-03-02T09:30:00+08:00", "type": "request.updated"},
]
OFFSET = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)? ?([+-]\d\d:?\d\d|Z)")
"""The offset of a time of day, in whatever form the time is written."""
COMMANDS = (
    ("get", "A"),
    ("list",),
    ("explain", "A"),
    ("explain", "A", "--clocks"),
    ("what-if", "A", "--set", "impact=high", "--set", "urgency=high"),
    ("rulebook", "show"),
    ("rulebook", "revisions"),
    ("rulebook", "history"),
    ("rulebook", "trial"),
    ("rulebook", "migrate", "--preview"),
)


@pytest.fixture(autouse=True)
def another_zone(monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def say(answerby, target):
    """A command on the server; its output."""

    def run(*arguments):
        result = answerby(*arguments, "--target", target.address)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def busy(say, tmp_path, incident_rules):
    """A request decided by one revision, which another that is live now would decide otherwise. A trial found more."""
    folder, events = tmp_path / "changed", tmp_path / "events.jsonl"
    shutil.copytree(incident_rules, folder)
    sla = folder / "sla.yaml"
    sla.write_text(sla.read_text("utf-8").replace("24h", "12h"), "utf-8")
    revision = say("rulebook", "upload", folder, "--keep-only").split()[0]
    say("rulebook", "try", revision)
    wait_until(lambda: json.loads(say("rulebook", "trial", "--json"))["candidate"].get("ready"))
    events.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    say("submit", events)
    wait_until(lambda: "due.resolution 2026" in say("rulebook", "trial"))
    # The activation ends the trial that it is not about, so the trial ends first and keeps what it found.
    say("rulebook", "stop")
    say("rulebook", "activate", revision)
    return say


def test_people_read_times_in_the_zone_of_the_rulebook(busy):
    for command in COMMANDS:
        text = busy(*command)
        assert set(OFFSET.findall(text)) == {"+0800"}, (command, text)


def test_people_read_times_in_the_zone_that_they_ask_for(busy):
    for command in COMMANDS:
        text = busy(*command, "--zone", "Asia/Kathmandu")
        assert set(OFFSET.findall(text)) == {"+0545"}, (command, text)


def test_the_same_instant_is_told_alike_by_all(busy):
    # 24 hours from nine in the morning; twelve under the rules that are live now, four for what is top priority.
    assert "resolution: running, due 2026-03-03 09:00 +0800" in busy("explain", "A")
    account = busy("explain", "A", "--clocks")
    assert account.startswith(
        "resolution: running, due 2026-03-03 09:00 +0800, over its due time; target 24h on always"
    )
    assert "    2026-03-02  15h\n    2026-03-03  9h\n" in account
    assert "2026-03-03 09:00 +0800" in busy("get", "A")
    what_if = busy("what-if", "A", "--set", "impact=high", "--set", "urgency=high")
    assert "resolution: running, due 2026-03-03 09:00 +0800" in what_if
    assert "-> running, due 2026-03-02 13:00 +0800" in what_if
    preview = busy("rulebook", "migrate", "--preview")
    assert "due 2026-03-03 09:00 +0800, over it (24h) -> due 2026-03-02 21:00 +0800, over it (12h)" in preview
    assert "due.resolution 2026-03-03 09:00 +0800 -> 2026-03-02 21:00 +0800" in busy("rulebook", "trial")
    assert (
        "RETROACTIVE: request.updated of 2026-03-02 09:30 +0800 was told after one of 2026-03-02 10:00 +0800"
        in busy("get", "A")
    )


def test_a_zone_that_does_not_exist_is_refused_by_all(answerby, target):
    for command in COMMANDS:
        wrong = answerby(*command, "--zone", "Mars/Olympus", "--target", target.address)
        assert wrong.exit_code == 1
        assert "--zone Mars/Olympus: is no time zone" in wrong.stderr
