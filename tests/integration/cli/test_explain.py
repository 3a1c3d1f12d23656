"""`answerby explain` of a server's decision, and of events in a file."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def event(tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "low", "urgency": "high"}}))
    return path


def test_events_of_a_file_are_decided_here(answerby, event, incident_rules):
    told = answerby("explain", "--event", event, "--rules", incident_rules, "--why-not", "priority=P1")
    assert told.exit_code == 0, told.stderr
    assert "Why not priority=P1?" in told.stdout
    assert "It would be, if impact were high (now low)." in told.stdout
    assert "decided by: matrix#1 [matrix.yaml:9]" in told.stdout


def test_without_a_question_the_nearest_other_outcomes(answerby, event, incident_rules):
    told = answerby("explain", "--event", event, "--rules", incident_rules, "--language", "zh")
    assert "以下情形会有不同结果：" in told.stdout


def test_as_data(answerby, event, incident_rules):
    told = answerby("explain", "--event", event, "--rules", incident_rules, "--why-not", "rule=matrix#1", "--json")
    answer = json.loads(told.stdout)["counterfactuals"][0]
    assert answer["verified"] is True
    assert answer["changes"] == [
        {"field": "impact", "kind": "CHANGE_KIND_SET", "from": {"string_value": "low"}, "to": {"string_value": "high"}}
    ]
    assert answer["rule"]["standing"] == "STANDING_NOT_MATCHED"


def test_several_events_are_one_story(answerby, tmp_path, incident_rules):
    path = tmp_path / "events.jsonl"
    lines = [
        {"time": "2026-03-02T09:00:00+08:00", "facts": {"impact": "low", "urgency": "low"}},
        {"time": "2026-03-02T10:00:00+08:00", "type": "request.updated", "facts": {"urgency": "high"}},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = answerby("explain", "--event", path, "--rules", incident_rules, "--why-not", "priority=P1")
    assert "Decision 2 of request example" in told.stdout
    assert "impact were high (now low)" in told.stdout


def test_a_server_is_asked_for_what_it_decided(answerby, event, target):
    answerby("submit", event_line(event), "--target", target.address)
    told = answerby("explain", "A", "--target", target.address, "--why-not", "priority=P1")
    assert "It would be, if impact were high (now low)." in told.stdout
    refused = answerby("explain", "A", "--target", target.address, "--why-not", "priority=P77")
    assert refused.exit_code == 1
    assert "priority has no value 'P77'" in refused.stderr


def event_line(path):
    record = json.loads(path.read_text()) | {"id": "1", "request_id": "A"}
    line = path.with_suffix(".jsonl")
    line.write_text(json.dumps(record) + "\n")
    return line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "holds no event"),
        ('[{"request_id": "a"}, {"request_id": "b"}]', "2 requests"),
        ('{"channel": "web"}', 'facts belong into "facts"'),
    ],
)
def test_a_file_that_is_no_story_is_one_line_and_status_1(answerby, tmp_path, incident_rules, content, says):
    path = tmp_path / "bad.json"
    path.write_text(content)
    told = answerby("explain", "--event", path, "--rules", incident_rules)
    assert told.exit_code == 1
    assert says in told.stderr


def test_what_cannot_be_asked_is_one_line_and_status_1(answerby, event, incident_rules):
    here = ("explain", "--event", event, "--rules", incident_rules)
    assert "must be en or zh" in answerby(*here, "--language", "fr").stderr
    assert "write it such as" in answerby(*here, "--count", "nothing").stderr
    assert answerby("explain").exit_code == 2
    assert answerby("explain", "A", "--event", event).exit_code == 2
