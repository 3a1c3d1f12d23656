"""The explanation of a decision in words."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.explanation.decision_text import explain_text
from answerby.rules.model.rulebook import EVALUATION_ORDER
from tests.kit.rulebooks import OFFICE, compiled

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


def test_stages_are_explained_in_the_order_in_which_they_are_asked():
    event = Event(source="crm", id="e1", type="request.received", time=NOW, request_id="R-1", data={"channel": "web"})
    lines = explain_text(decide(compiled(OFFICE), None, event, Context(), NOW)).splitlines()

    shown = [word for line in lines if (word := line.partition(":")[0]) in EVALUATION_ORDER]
    assert shown == ["classification", "completeness", "priority", "sla", "routing", "escalation"]
