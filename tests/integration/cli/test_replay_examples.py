"""Replay of exports that name due times, with the rules and mappings that ship for them. The rows are invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.places import RULES

REQUESTS = """case_enquiry_id,type,open_local,target_local
1,Pick up Dead Animal,2016-07-01 16:00:10,2016-07-05 16:00:00
2,Street Light Outages,2016-03-12 10:00:00,2016-03-28 08:30:00
3,Request for Snow Plowing,2016-02-12 18:30:00,2016-02-18 08:30:00
4,Pick up Dead Animal,2017-04-14 12:00:00,2017-04-18 12:00:00
5,Pick up Dead Animal,2018-01-12 12:00:00,2018-01-15 12:00:00
6,Bed Bugs,2017-04-14 12:00:00,2017-08-12 12:00:00
7,Parking Enforcement,2015-07-02 10:00:00,2015-07-06 10:01:30
8,Parking Enforcement,2015-07-02 10:00:00,2015-07-06 10:01:31
"""
"""Independence Day (also as observed), a weekend and a clock change, Presidents' Day, Patriots' Day; 5 ignores a holiday."""

HEAD = (
    "number,incident_state,reassignment_count,caller_id,contact_type,impact,urgency,priority,"
    "opened_at,sys_updated_at,closed_at,made_sla"
)
INCIDENTS = f"""{HEAD}
I1,New,0,?,Phone,2,2,3,1/3/2016 14:00,1/3/2016 14:10,9/3/2016 22:00,true
I1,Closed,0,7,Phone,2,2,3,1/3/2016 14:00,9/3/2016 22:00,9/3/2016 22:00,true
I2,New,0,7,Phone,2,2,3,1/3/2016 14:00,1/3/2016 14:10,9/3/2016 22:01,true
I2,Closed,1,7,Phone,2,2,3,1/3/2016 14:00,9/3/2016 22:01,9/3/2016 22:01,false
I2,Closed,1,7,Phone,2,2,3,1/3/2016 14:00,9/3/2016 23:01,9/3/2016 22:01,false
I3,New,0,7,Email,2,2,3,5/3/2016 01:00,5/3/2016 01:01,5/3/2016 09:00,true
I3,Active,0,7,Email,1,1,1,5/3/2016 01:00,5/3/2016 02:00,5/3/2016 09:00,true
I3,Closed,0,7,Email,1,1,1,5/3/2016 01:00,5/3/2016 09:00,5/3/2016 09:00,true
I4,New,0,7,Email,1,2,2,5/3/2016 01:00,5/3/2016 01:01,5/3/2016 18:01,true
I4,Closed,0,7,Email,1,2,2,5/3/2016 01:00,5/3/2016 18:01,5/3/2016 18:01,true
"""
"""I1 uses 62 h of its 62 h and 36 s, I2 a minute more; I3 is made P1 and closed after 8 h; I4 after 17 h and a minute."""

Replay = Callable[[str, str, str], dict[str, Any]]


@pytest.fixture
def replay(answerby: Callable[..., Any], tmp_path: Path) -> Replay:
    def run(text: str, mapping: str, rules: str) -> dict[str, Any]:
        export, summary = tmp_path / "export.csv", tmp_path / "summary.json"
        export.write_text(text, encoding="utf-8")
        options = ["--mapping", RULES / "mappings" / f"{mapping}.yaml", "--rules", RULES / "examples" / rules]
        files = ["--out", tmp_path / "out.jsonl", "--summary", summary]
        result = answerby("replay", export, *options, *files)
        assert result.exit_code == 0, result.stderr
        return {**json.loads(summary.read_text()), "told": result.stderr}

    return run


def differences(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "out.differences.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_target_times_of_a_city(replay: Replay, tmp_path: Path) -> None:
    summary = replay(REQUESTS, "boston311_targets", "boston311")

    compared = summary["expected"]["clocks.resolution.due"]
    assert (summary["rows"]["skipped"], compared["equal"], compared["different"]) == (1, 5, 2)
    assert compared["groups"]["year"] == {
        "2015": {"equal": 1, "different": 1},
        "2016": {"equal": 3, "different": 0},
        "2017": {"equal": 1, "different": 0},
        "2018": {"equal": 0, "different": 1},
    }
    assert compared["groups"]["type"]["Pick up Dead Animal"] == {"equal": 2, "different": 1}
    assert differences(tmp_path) == [
        {
            "name": "clocks.resolution.due",
            "line": 6,
            "request_id": "5",
            "expected": "2018-01-15T17:00:00+00:00",
            "decided": "2018-01-16T17:00:00+00:00",
            "seconds": 86_400.0,
            "groups": {"year": "2018", "type": "Pick up Dead Animal"},
        },
        {
            "name": "clocks.resolution.due",
            "line": 9,
            "request_id": "8",
            "expected": "2015-07-06T14:01:31+00:00",
            "decided": "2015-07-06T14:00:00+00:00",
            "seconds": -91.0,
            "groups": {"year": "2015", "type": "Parking Enforcement"},
        },
    ]
    assert "5 of 7 (71.42 %)" in summary["told"]
    assert "out.differences.jsonl" in summary["told"]


def test_whether_incidents_were_in_time(replay: Replay, tmp_path: Path) -> None:
    summary = replay(INCIDENTS, "servicenow_made_sla", "servicenow")

    assert summary["expected"]["priority"]["different"] == 0
    assert summary["expected"]["clocks.resolution.breached"]["groups"]["priority"] == {
        "1": {"equal": 1, "different": 0},
        "2": {"equal": 0, "different": 1},
        "3": {"equal": 2, "different": 0},
    }
    assert [(d["request_id"], d["expected"], d["decided"]) for d in differences(tmp_path)] == [("I4", False, True)]
