"""Rules on trial are counted, by rule and by what they would have done."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from answerby.domain.decision import Decision, RuleReference, ShadowMatch, StageExplanation, StageOutcome
from answerby.server.base.metrics import Metrics

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def decision(*matches: ShadowMatch) -> Decision:
    stage = StageExplanation(stage="priority", outcome=StageOutcome.MATCHED, shadow=list(matches))
    return Decision(
        tenant="default",
        request_id="R-1",
        event_source="crm",
        event_id="1",
        event_type="request.received",
        event_time=NOON,
        decided=NOON,
        sequence=1,
        revision="r-1",
        explanation=[stage],
    )


def test_matches_are_counted_by_rule_and_effect() -> None:
    registry = CollectorRegistry()
    wide, narrow = (RuleReference(name, "a.yaml", 1, "b") for name in ("wide", "narrow"))
    change = ShadowMatch(rule=wide, wins=True, changes={"priority": "P0"})
    Metrics(registry).committed(
        [
            decision(change, ShadowMatch(rule=narrow, wins=True)),
            decision(change, ShadowMatch(rule=narrow, failed=True, changes={"priority": "P0"})),
            decision(),
        ]
    )
    found = {
        (rule, would): registry.get_sample_value(
            "answerby_shadow_matches_total", {"stage": "priority", "rule": rule, "would": would}
        )
        for rule in ("wide", "narrow")
        for would in ("change", "nothing", "fail")
    }
    assert found == {
        ("wide", "change"): 2.0,
        ("wide", "nothing"): None,
        ("wide", "fail"): None,
        ("narrow", "change"): None,
        ("narrow", "nothing"): 1.0,
        ("narrow", "fail"): 1.0,
    }
