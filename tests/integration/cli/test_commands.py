"""The commands against a running server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from answerby.cli.client import Server
from answerby.cli.serve.own_server import is_serving
from tests.kit import processes
from tests.kit.patience import PATIENCE, wait_until
from tests.kit.processes import ANSWERBY, free_address, started

EVENTS = [
    {"id": "1", "request_id": "A", "time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "high", "urgency": "high"}},
    {"id": "2", "request_id": "B", "time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "low", "urgency": "low"}},
    {"id": "3", "request_id": "A", "time": "2026-03-02T10:00:00+08:00", "type": "request.closed", "actor": "agent"},
]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return path


def test_submit_then_look_at_it_from_every_side(answerby: Callable[..., Any], events: Path, target: Server) -> None:
    to = ("--target", target.address)

    submitted = answerby("submit", events, *to)
    listed = answerby("list", *to, "--priority", "P1", "--json")
    closed = answerby("list", *to, "--status", "closed")
    shown = answerby("get", "A", *to)
    explained = answerby("explain", "A", *to, "--sequence", 1)
    chinese = answerby("explain", "A", *to, "--language", "zh")

    assert submitted.exit_code == 0
    assert "3 decided, 0 refused" in submitted.stdout
    assert "matrix#1 (matrix.yaml:9)" in submitted.stdout
    assert [json.loads(line)["request_id"] for line in listed.stdout.splitlines()] == ["A"]
    assert "P1" in closed.stdout
    assert "matrix#8" not in closed.stdout
    assert "resolution" in shown.stdout
    history = [line.split()[:2] for line in shown.stdout.splitlines() if "request." in line]
    assert history == [["2", "request.closed"], ["1", "request.received"]]
    assert "Priority follows from impact and urgency." in explained.stdout
    assert chinese.exit_code == 0
    assert chinese.stdout != explained.stdout


def test_flags_and_zones_are_seen_from_every_side(answerby: Callable[..., Any], tmp_path: Path, target: Server) -> None:
    to = ("--target", target.address)
    odd = {"impact": "high", "urgency": "high", "colour": "red", "due.nothing": "2026-03-02T12:00:00+08:00"}
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({**EVENTS[0], "facts": odd}) + "\n")

    submitted = answerby("submit", path, *to)
    sides = [submitted, answerby("list", *to), answerby("get", "A", *to)]
    zoned = [answerby(*command, *to, "--zone", "America/New_York") for command in (("list",), ("get", "A"))]
    explained = answerby("explain", "A", *to, "--zone", "America/New_York")
    wrong = answerby("list", *to, "--zone", "Mars/Olympus")
    as_json = json.loads(answerby("list", *to, "--json").stdout)

    for side in sides:
        # The codes beside the request, and the words below.
        assert "UNKNOWN_FIELD, DUE_REFUSED" in side.stdout
        assert "\nUNKNOWN_FIELD: " in side.stdout
        # The rules are numbered in Shanghai, and times are shown there.
        assert "+0800" in side.stdout
    assert [flag["code"] for flag in as_json["flags"]] == ["UNKNOWN_FIELD", "DUE_REFUSED"]
    assert all("-0500" in side.stdout and "+0800" not in side.stdout for side in zoned)
    assert "of 2026-03-01 20:00 -0500" in explained.stdout
    assert wrong.exit_code == 1
    assert "--zone Mars/Olympus: is no time zone" in wrong.stderr


def test_submit_again_changes_nothing_and_a_reused_id_is_refused(
    answerby: Callable[..., Any], events: Path, tmp_path: Path, target: Server
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({**EVENTS[0], "facts": {}}) + '\n{"request_id": 5}\n')
    first = answerby("submit", events, "--target", target.address, "--json")

    again = answerby("submit", events, "--target", target.address, "--json")
    reused = answerby("submit", other, "--target", target.address)

    assert again.stdout == first.stdout
    assert reused.exit_code == 1
    assert "line 1: EVENT_ID_REUSED" in reused.stderr
    assert "line 2: request_id must be text" in reused.stderr


def test_an_unknown_request_is_one_line_and_status_1(answerby: Callable[..., Any], target: Server) -> None:
    result = answerby("get", "nobody", "--target", target.address)

    assert result.exit_code == 1
    assert result.stderr.startswith("answerby: NOT_FOUND")


def test_watch_prints_decisions_and_the_token_to_go_on_with(
    answerby: Callable[..., Any], events: Path, target: Server
) -> None:
    answerby("submit", events, "--target", target.address)
    command = [*ANSWERBY, "watch", "--target", target.address, "--from-start"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        seen = [watcher.stdout.readline() for _ in EVENTS]
        watcher.send_signal(signal.SIGINT)
        _, told = watcher.communicate(timeout=PATIENCE)

    assert sorted(line.split()[4] for line in seen) == ["A", "A", "B"]
    assert "go on with: answerby watch --resume " in told
    assert "Traceback" not in told


def test_watch_tells_flags_in_words(answerby: Callable[..., Any], tmp_path: Path, target: Server) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({**EVENTS[0], "facts": {"colour": "red"}}) + "\n")
    answerby("submit", path, "--target", target.address)
    command = [*ANSWERBY, "watch", "--target", target.address, "--from-start", "--zone", "America/New_York"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        decided, flag = watcher.stdout.readline(), watcher.stdout.readline()
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=PATIENCE)

    assert "-0500" in decided or "-0400" in decided
    assert flag.startswith("  ! UNKNOWN_FIELD: ")


def test_a_reader_that_has_seen_enough_is_no_error(events: Path, target: Server, answerby: Callable[..., Any]) -> None:
    answerby("submit", events, "--target", target.address)
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = processes.answerby("list", "--target", target.address, "--json", stdout=write_end)
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (1, "")


def test_check_names_each_mistake(answerby: Callable[..., Any], incident_rules: Path, tmp_path: Path) -> None:
    broken = tmp_path / "rules"
    broken.mkdir()
    (broken / "vocabulary.yaml").write_text("fields:\n  tier: {type: enun}\n")

    good, bad = answerby("check", incident_rules), answerby("check", broken)

    assert good.exit_code == 0
    assert "10 rules and table rows in 5 files" in good.stdout
    assert bad.exit_code == 1
    assert "vocabulary.yaml:2:" in bad.stdout


def test_a_wrong_configuration_is_one_line_and_status_1(answerby: Callable[..., Any], tmp_path: Path) -> None:
    config = tmp_path / "answerby.toml"
    config.write_text("[server]\nlisten = '0.0.0.0:1'\n")

    result = answerby("serve", "--config", config)

    assert result.exit_code == 1
    assert "can be reached from outside" in result.stderr


@pytest.fixture
def rules_with_samples(incident_rules: Path, tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    samples = rules / "samples"
    samples.mkdir(parents=True)
    for file in incident_rules.iterdir():
        (rules / file.name).write_bytes(file.read_bytes())
    (samples / "requests.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return rules


def test_run_once_decides_delivers_and_ends(rules_with_samples: Path, tmp_path: Path) -> None:
    command = ["run", "--once", "--listen", "127.0.0.1:0", "--rules", rules_with_samples, "--explain"]
    for expected in ("3 events decided, 0 known from before", "0 events decided, 3 known from before"):
        done = processes.answerby(*command, cwd=tmp_path)

        assert done.returncode == 0, done.stderr
        assert "matrix#1" in done.stdout
        assert "matrix#8" in done.stdout
        assert expected in done.stdout
        assert "Priority follows from impact and urgency." in done.stdout
    delivered = [json.loads(line) for line in (tmp_path / ".answerby" / "delivered.jsonl").read_text().splitlines()]
    assert {record["request_id"] for record in delivered if record["kind"] == "update_request"} == {"A", "B"}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_told_to_stop(rules_with_samples: Path, tmp_path: Path, stop: signal.Signals) -> None:
    target = Server(free_address())
    with started(
        [*ANSWERBY, "run", "--listen", target.address, "--rules", rules_with_samples],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
    ) as running:
        lines = iter(running.stdout.readline, "")
        assert any(f"serving on {target.address}" in line for line in lines)
        with target.connect() as channel:
            assert is_serving(channel)
        running.send_signal(stop)
        _, told = running.communicate(timeout=PATIENCE)

    assert running.returncode == 0
    assert "Traceback" not in told
    log = (tmp_path / ".answerby" / "serve.log").read_text()
    assert '"event":"stopped"' in log
    with target.connect() as channel:
        assert not is_serving(channel)


def test_run_tells_why_its_server_cannot_start(tmp_path: Path, rules_with_samples: Path) -> None:
    address = free_address()
    options = ["--listen", address, "--rules", rules_with_samples]
    with started([*ANSWERBY, "serve", *options, "--data", tmp_path / "other"], stderr=subprocess.DEVNULL):
        with Server(address).connect() as channel:
            wait_until(lambda: is_serving(channel), "the first serves")
        second = processes.answerby("run", "--once", *options, cwd=tmp_path)

    assert second.returncode == 1
    assert f"cannot listen on {address}" in second.stderr


def test_serve_without_rules_and_with_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    """The case reported: from a folder without rules. The demo rules must not come by themselves."""
    (tmp_path / "a.toml").write_text('[server]\nlisten = "127.0.0.1:0"\n[metrics]\nlisten = ""\n')

    refused = processes.answerby("serve", "--config", "a.toml", cwd=tmp_path)

    assert refused.returncode == 1
    assert "Set rules.folder or say --rules" in refused.stderr
    assert "answerby serve --demo" in refused.stderr


def test_commands_that_need_rules_take_none_by_themselves(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(EVENTS[0]))
    for command, status in ((["check"], 2), (["test"], 2), (["explain", "--event", event], 1)):
        done = processes.answerby(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (status, "")
        assert "there is no folder rules here" in done.stderr
