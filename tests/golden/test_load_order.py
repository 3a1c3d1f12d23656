"""The order in which files are read never matters: one revision, identical decisions."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from answerby.cli.event_lines import read_events
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_texts
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.rule_folder import RuleText, read_folder
from tests.kit.encoding import decision_bytes
from tests.kit.places import RULES

SHUFFLES = 100
RECEIVED = datetime(2026, 9, 8, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def texts() -> list[RuleText]:
    report = DiagnosticReport()
    found = read_folder(RULES, report)
    assert not report.has_errors
    return found


@pytest.fixture(scope="module")
def events() -> list[Event]:
    with (RULES / "samples" / "requests.jsonl").open("rb") as lines:
        return [line.event for line in read_events(lines, RECEIVED) if line.event is not None]


def decided(rulebook: Rulebook, events: list[Event]) -> bytes:
    """Every decision on the samples with its explanation, timers and effects, as bytes."""
    compiled = compile_rulebook(rulebook, "reference")
    states: dict[str, RequestState | None] = {}
    made = []
    for event in events:
        decision = decide(compiled, states.get(event.request_id), event, Context(), event.time)
        states[event.request_id] = decision.state
        made.append(decision)
    return decision_bytes(made)


def test_a_hundred_shuffles_come_to_one_revision_and_identical_decisions(texts, events):
    assert len(texts) > 10
    assert len(events) > 30
    usual = load_texts(texts)
    wanted = decided(usual.rulebook, events)
    chance = random.Random(20260908)
    seen = set()
    for _ in range(SHUFFLES):
        shuffled = chance.sample(texts, len(texts))
        seen.add(tuple(text.path for text in shuffled))
        result = load_texts(shuffled)
        assert result.rulebook.revision == usual.rulebook.revision
        assert result.diagnostics == usual.diagnostics
        assert decided(result.rulebook, events) == wanted
    assert len(seen) == SHUFFLES
