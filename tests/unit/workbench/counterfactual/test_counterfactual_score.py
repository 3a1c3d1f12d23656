"""Why a score is not another one: the factors are what can be otherwise."""

from __future__ import annotations

import pytest

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_rulebook
from answerby.workbench.counterfactual.search import finish, why_not
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.wanted_outcome import parse_wanted_outcome
from tests.kit.places import RULES
from tests.kit.plays import at

SHIPPED = RULES
FACTS = {
    "stated.category": "feature_request",
    "stated.urgency": "normal",
    "feature.reach": 300,
    "feature.difficulty": "hard",
    "feature.confidence": "medium",
}
"""(3 x 30 + 2 x 25 + 2 x 80 + 1 x 50 + 2 x 60) / 10 = 47: next, not now, which begins at 70."""


@pytest.fixture(scope="module")
def situation():
    rulebook = load_rulebook(SHIPPED).rulebook
    assert rulebook is not None
    event = Event(source="t", id="e", type="request.received", time=at("2026-09-16 10:00"), request_id="R", data=FACTS)
    return Situation(compile_rulebook(rulebook, "reference"), None, event, Context(), event.time)


@pytest.mark.parametrize("goal", ["feature.plan=now", "score.handbook>=60", "feature.plan=later"])
def test_other_factors_lead_to_another_score(situation, goal):
    answer = finish(why_not(situation, parse_wanted_outcome(situation.compiled.rulebook, goal)))
    assert answer.found is not None
    assert parse_wanted_outcome(situation.compiled.rulebook, goal).is_met(answer.found.decision)
    for change in answer.found.changes:
        assert len(answer.found.changes) == 1 or not parse_wanted_outcome(situation.compiled.rulebook, goal).is_met(
            situation.decide((change,))
        )


def test_without_a_factor_there_is_no_score(situation):
    answer = finish(why_not(situation, parse_wanted_outcome(situation.compiled.rulebook, "feature.plan=none")))
    assert answer.found is not None
    assert len(answer.found.changes) == 1
