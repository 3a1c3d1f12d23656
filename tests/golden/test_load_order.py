"""The order in which files are read never matters: one revision, identical decisions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.cli.event_lines import read_events
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.rule_folder import RuleText, read_folder
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.places import RULES

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


@pytest.fixture(scope="module")
def usual(texts, events) -> tuple[LoadResult, bytes]:
    """What the files come to in the order of their names."""
    result = load_texts(texts)
    return result, decided(result.rulebook, events)


@examples(100)
@given(data=st.data())
def test_any_order_comes_to_one_revision_and_identical_decisions(texts, events, usual, data):
    assert len(texts) > 10
    assert len(events) > 30
    expected, decisions = usual
    order = data.draw(st.permutations(range(len(texts))))
    result = load_texts([texts[number] for number in order])
    assert result.rulebook.revision == expected.rulebook.revision
    assert result.diagnostics == expected.diagnostics
    assert decided(result.rulebook, events) == decisions
