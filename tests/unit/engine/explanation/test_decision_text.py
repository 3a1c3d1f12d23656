"""The explanation of a decision in words."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.explanation.decision_text import explain_text
from answerby.rules.model.rulebook import EVALUATION_ORDER
from tests.kit.rulebooks import OFFICE, compiled, variant

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


def test_stages_are_explained_in_the_order_in_which_they_are_asked():
    event = Event(source="crm", id="e1", type="request.received", time=NOW, request_id="R-1", data={"channel": "web"})
    lines = explain_text(decide(compiled(OFFICE), None, event, Context(), NOW)).splitlines()

    shown = [word for line in lines if (word := line.partition(":")[0]) in EVALUATION_ORDER]
    assert shown == ["classification", "completeness", "priority", "sla", "routing", "escalation"]


ALARMS = """
stage: escalation
rules:
  - {id: one, because: x, then: {notify: [{roles: [chief, clerk], template: breach}, {roles: [chief], template: warn}]}}
  - {id: two, because: y, when: {complete: false}, then: {notify: {role: chief, urgent: true}}}
"""


def test_truth_is_told_in_words_and_a_role_once():
    vocabulary = OFFICE["vocabulary.yaml"] + "  complete: {type: boolean, derived_by: completeness}\n"
    rules = compiled(variant(OFFICE, vocabulary=vocabulary, alarms=ALARMS))
    event = Event(source="crm", id="e1", type="request.received", time=NOW, request_id="R-1", data={"channel": "web"})
    decision = decide(rules, None, event, Context(), NOW)
    english, chinese = (explain_text(decision, language) for language in ("en", "zh"))
    assert "  facts: complete=no" in english
    assert "complete=否" in chinese
    assert "escalation: notify=[chief, clerk] (decided by rules)" in english
