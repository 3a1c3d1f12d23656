"""Replay from file to decisions, here and on a server."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from answerby.cli.client import Server

MAPPING = Path(__file__).parent / "incidents.yaml"

ROWS = """number,state,updated,impact,urgency,priority
I1,New,01/02/2016 08:00,2,2,3
I2,New,01/02/2016 08:00,1,1,1
I1,Active,01/02/2016 09:00,1,2,2
I3,Draft,01/02/2016 09:30,3,3,4
I1,Resolved,01/02/2016 20:00,1,2,2
I4,New,whenever,3,3,4
I2,Resolved,01/02/2016 12:01,1,1,1
I5,New,03/02/2016 08:00,3,?,3
I6,New,03/02/2016 08:00,3,2,3
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "incidents.csv.xz"
    path.write_bytes(lzma.compress(ROWS.encode()))
    return path


def decisions(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_is_decided_or_told_and_the_summary_adds_up(
    answerby: Callable[..., Any], export: Path, incident_rules: Path, tmp_path: Path
) -> None:
    out, summary = tmp_path / "out.jsonl", tmp_path / "summary.json"

    result = answerby(
        "replay", export, "--mapping", MAPPING, "--rules", incident_rules, "--out", out, "--summary", summary
    )

    assert result.exit_code == 0, result.stderr
    assert [(d["line"], d["request_id"], d["event_type"], d["facts"]["priority"]) for d in decisions(out)] == [
        (2, "I1", "request.received", "P3"),
        (3, "I2", "request.received", "P1"),
        (4, "I1", "request.updated", "P2"),
        (8, "I2", "request.completed", "P1"),
        (6, "I1", "request.completed", "P2"),
        (9, "I5", "request.received", "P4"),
        (10, "I6", "request.received", "P4"),
    ]
    assert decisions(tmp_path / "out.refused.jsonl") == [
        {"line": 7, "reason": 'updated: "whenever" fits none of the time formats %d/%m/%Y %H:%M'}
    ]
    data = json.loads(summary.read_text())
    assert data["rows"] == {"read": 9, "skipped": 1, "damaged": 0, "without_event": 0, "refused": 1}
    assert (data["decisions"], data["requests"]) == (7, 4)
    assert data["per_request"]["priority"] == {"P1": 1, "P2": 1, "P4": 2}
    # I2 was due at 12:00 and resolved at 12:01; I1 was resolved in time; I5 and I6 had just begun.
    assert data["clocks"] == {"resolution": {"late": 1, "met": 1, "running": 2}}
    assert data["breaches"] == 1
    assert data["stages"]["priority"] == {"defaulted": 1, "matched": 6}
    assert data["expected"]["priority"]["equal"] == 5
    assert [(d["line"], d["expected"], d["decided"]) for d in data["expected"]["priority"]["first"]] == [
        (9, "P3", "P4"),
        (10, "P3", "P4"),
    ]
    assert ["high", "-"] in data["cells"]["priority"]["unseen"]
    assert "matrix#8" in data["rules_never_used"]
    assert "matrix#1" not in data["rules_never_used"]
    assert "line 7" in result.stderr


def test_the_same_input_gives_the_same_bytes_here_and_on_a_server(
    answerby: Callable[..., Any], export: Path, incident_rules: Path, tmp_path: Path, target: Server
) -> None:
    ways = {
        "here": ["--rules", incident_rules],
        "again": ["--rules", incident_rules, "--engine", "reference"],
        "there": ["--target", target.address, "--batch", 2, "--in-flight", 3],
        "resent": ["--target", target.address],
    }
    for name, way in ways.items():
        result = answerby("replay", export, "--mapping", MAPPING, "--out", tmp_path / f"{name}.jsonl", *way)
        assert result.exit_code == 0, result.stderr

    here = (tmp_path / "here.jsonl").read_bytes()
    assert here
    for name in ways:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == here, name


def test_historical_events_deliver_nothing_and_are_stored(
    answerby: Callable[..., Any], export: Path, tmp_path: Path, target: Server
) -> None:
    answerby("replay", export, "--mapping", MAPPING, "--target", target.address, "--out", tmp_path / "out.jsonl")

    shown = json.loads(answerby("get", "I1", "--target", target.address, "--json").stdout)

    assert shown["request"]["status"] == "completed"
    assert shown["request"]["decision_count"] == "3"
    assert not any(decision.get("effects") for decision in shown["decisions"])


def test_events_that_the_server_refuses_are_told_with_their_line(
    answerby: Callable[..., Any], tmp_path: Path, target: Server
) -> None:
    export = tmp_path / "long.csv"
    export.write_text(
        "number,state,updated,impact,urgency,priority\n"
        f"{'x' * 300},New,01/02/2016 08:00,1,1,1\n"
        "I1,New,01/02/2016 08:00,1,1,1\n"
    )
    out = tmp_path / "out.jsonl"

    result = answerby("replay", export, "--mapping", MAPPING, "--target", target.address, "--out", out)

    assert result.exit_code == 0, result.stderr
    assert [d["request_id"] for d in decisions(out)] == ["I1"]
    (refused,) = decisions(tmp_path / "out.refused.jsonl")
    assert refused["line"] == 2
    assert "request_id" in refused["reason"]


def test_an_id_that_two_rows_share_is_refused(
    answerby: Callable[..., Any], export: Path, incident_rules: Path, tmp_path: Path
) -> None:
    mapping = tmp_path / "map.yaml"
    text = MAPPING.read_text(encoding="utf-8").replace("    time: updated\n", "    time: updated\n    id: number\n")
    mapping.write_text(text, encoding="utf-8")
    out = tmp_path / "out.jsonl"

    answerby("replay", export, "--mapping", mapping, "--rules", incident_rules, "--out", out)

    assert [d["request_id"] for d in decisions(out)] == ["I1", "I2", "I5", "I6"]
    assert [r["line"] for r in decisions(tmp_path / "out.refused.jsonl")] == [7, 4, 8, 6]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--rules": "nowhere"}, "the rules have errors"),
        ({"--mapping": "nowhere.yaml"}, "nowhere.yaml: No such file"),
        ({"--out": "nowhere/out.jsonl"}, "nowhere/out.jsonl: No such file"),
        ({"--target": "127.0.0.1:1", "--patience": "0"}, "no server answers there"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(
    answerby: Callable[..., Any], export: Path, incident_rules: Path, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    options = {"--mapping": str(MAPPING), "--rules": str(incident_rules), "--out": str(tmp_path / "o.jsonl"), **change}

    result = answerby("replay", export, *(part for option in options.items() for part in option))

    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr
