"""Clocks on the command line: where their time went, what would become of them, and migration."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = [
        {"time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "low", "urgency": "high"}},
        {"time": "2026-03-02T10:00:00+08:00", "type": "request.updated", "facts": {"urgency": "low"}},
    ]
    path.write_text(
        "".join(
            json.dumps({"id": f"e{n}", "source": "crm/test", "type": "request.received", "request_id": "A", **line})
            + "\n"
            for n, line in enumerate(lines)
        )
    )
    return path


def test_the_clocks_of_events_in_a_file(answerby, events, incident_rules):
    told = answerby("explain", "--event", events, "--rules", incident_rules, "--clocks")
    assert told.exit_code == 0, told.stderr
    assert "Who had the ball: " in told.stdout
    assert "request.received: started" in told.stdout
    assert "Decision" not in told.stdout


def test_the_clocks_of_a_stored_request_and_what_would_become_of_them(answerby, events, target):
    answerby("submit", events, "--target", target.address)
    told = answerby("explain", "A", "--target", target.address, "--clocks", "--json")
    ledgers = json.loads(told.stdout)["clocks"]
    assert ledgers
    for ledger in ledgers:
        assert sum(round(share["percent"] * 100) for share in ledger["shares"]) == 10_000
    facts = ("--set", "impact=high", "--set", "urgency=high")
    supposed = answerby("what-if", "A", "--target", target.address, *facts, "--language", "zh")
    assert supposed.exit_code == 0, supposed.stderr
    assert " -> " in supposed.stdout
    wrong = answerby("what-if", "A", "--target", target.address, "--set", "impact")
    assert wrong.exit_code == 1
    assert "write it as <fact>=<value>" in wrong.stderr
    when = answerby("what-if", "A", "--target", target.address, "--at", "tomorrow")
    assert when.exit_code == 1
    assert "an instant with its offset" in when.stderr


def test_a_migration_with_nothing_to_do(answerby, events, target):
    answerby("submit", events, "--target", target.address)
    told = answerby("rulebook", "migrate", "--preview", "--target", target.address)
    assert told.exit_code == 0
    assert told.stdout == ""
    assert "0 of 1 live requests would change under r-" in told.stderr
    refused = answerby("rulebook", "migrate", "--clock", "nonsense", "--target", target.address)
    assert refused.exit_code == 1
    assert "there is no such clock" in refused.stderr
