"""A decision as its protobuf message: every part of it, and nothing of another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit
from answerby.domain.decision import (
    Decision,
    Flag,
    RuleReference,
    ScoreExplanation,
    ScoreFactor,
    ScoreOutcome,
    ShadowMatch,
    StageExplanation,
    StageOutcome,
)
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.request import RequestState
from answerby.rules.model.vocabulary import Vocabulary
from answerby.server.rpc.decision_messages import decision_to, encode_decision, nested, request_to

NOON = datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
NOON_SECONDS = 1_767_614_400
HOUR = timedelta(hours=1)

RULE = RuleReference("angry", "rules/a.yaml", 7, "客户投诉", {"category": "complaint", "sla.first_response": "1h"})
CLOCK = ClockState(
    name="first_response",
    phase=ClockPhase.RUNNING,
    target=Target(3600, TargetUnit.SECONDS, "cn"),
    started=NOON,
    due=NOON + HOUR,
    rule="soon",
)
DECISION = Decision(
    tenant="default",
    request_id="R-1",
    event_source="crm",
    event_id="e-1",
    event_type="request.received",
    event_time=NOON,
    decided=NOON + timedelta(seconds=1),
    sequence=3,
    revision="r-1",
    number="202601-CSR-001",
    facts={"category": "complaint", "missing": ["a", "b"], "missing_count": 2, "complete": False, "nothing": None},
    clocks=[CLOCK],
    effects=[Effect(kind=EffectKind.NOTIFY, key="n/1", role="lead", urgent=True, payload={"text.en": "x" * 300})],
    explanation=[
        StageExplanation(
            stage="classification",
            outcome=StageOutcome.CONFLICT,
            won=[RULE],
            lost=[RuleReference("other", "b.yaml", 1, "Because.")],
            failed=[RuleReference("broken", "c.yaml", 2, "Why not.")],
            facts={"score": 1.5, "customer.tier": "vip"},
            outputs={"category": "complaint"},
            shadow=[ShadowMatch(rule=RULE, wins=True, changes={"priority": "P0", "role": None}, facts={"n": 3})],
            scores=[
                ScoreExplanation(
                    id="rice",
                    file="s.yaml",
                    line=2,
                    because="Most for least.",
                    method="rice",
                    outcome=ScoreOutcome.SCORED,
                    factors=[ScoreFactor(name="reach", field="users", number="0.5", weight="2", assumed=True)],
                    tie_break=ScoreFactor(name="tie_break", field="kano", value="must_be", number="5"),
                    arithmetic="0.5 = 0.5",
                    outputs={"score": 0.5},
                )
            ],
        )
    ],
    flags=[Flag("UNKNOWN_VALUE", "channel")],
)


def text(value: str) -> pb.FactValue:
    return pb.FactValue(string_value=value)


def test_every_part_of_a_decision_is_in_its_message():
    message = decision_to(DECISION, NOON)
    expected = pb.Decision(
        id="R-1/3",
        request_id="R-1",
        number="202601-CSR-001",
        sequence=3,
        event_source="crm",
        event_id="e-1",
        event_type="request.received",
        revision="r-1",
        status="open",
        facts={
            "category": text("complaint"),
            "missing": pb.FactValue(list_value=pb.StringList(values=["a", "b"])),
            "missing_count": pb.FactValue(int_value=2),
            "complete": pb.FactValue(bool_value=False),
            "nothing": pb.FactValue(),
        },
        effects=[pb.Effect(kind="notify", key="n/1", role="lead", urgent=True, payload={"text.en": text("x" * 300)})],
        explanation=[
            pb.StageExplanation(
                stage="classification",
                outcome=pb.STAGE_OUTCOME_CONFLICT,
                won=[
                    pb.RuleReference(
                        id="angry",
                        file="rules/a.yaml",
                        line=7,
                        because="客户投诉",
                        outputs={"category": text("complaint"), "sla.first_response": text("1h")},
                    )
                ],
                lost=[pb.RuleReference(id="other", file="b.yaml", line=1, because="Because.")],
                failed=[pb.RuleReference(id="broken", file="c.yaml", line=2, because="Why not.")],
                facts={"score": pb.FactValue(double_value=1.5), "customer.tier": text("vip")},
                outputs={"category": text("complaint")},
                shadow=[
                    pb.ShadowMatch(
                        rule=pb.RuleReference(
                            id="angry",
                            file="rules/a.yaml",
                            line=7,
                            because="客户投诉",
                            outputs={"category": text("complaint"), "sla.first_response": text("1h")},
                        ),
                        wins=True,
                        changes={"priority": text("P0"), "role": pb.FactValue()},
                        facts={"n": pb.FactValue(int_value=3)},
                    )
                ],
                scores=[
                    pb.ScoreExplanation(
                        id="rice",
                        file="s.yaml",
                        line=2,
                        because="Most for least.",
                        method="rice",
                        outcome=pb.SCORE_OUTCOME_SCORED,
                        factors=[pb.ScoreFactor(name="reach", field="users", number="0.5", weight="2", assumed=True)],
                        tie_break=pb.ScoreFactor(name="tie_break", field="kano", value=text("must_be"), number="5"),
                        arithmetic="0.5 = 0.5",
                        outputs={"score": pb.FactValue(double_value=0.5)},
                    )
                ],
            )
        ],
        flags=[pb.Flag(code="UNKNOWN_VALUE", message="channel")],
    )
    expected.event_time.FromJsonString("2026-01-05T12:00:00.25Z")
    expected.decide_time.FromJsonString("2026-01-05T12:00:01.25Z")
    expected.next_due_time.FromJsonString("2026-01-05T13:00:00.25Z")
    clock = expected.clocks.add(
        name="first_response", phase=pb.CLOCK_PHASE_RUNNING, calendar="cn", cycle=1, rule="soon"
    )
    clock.target.FromSeconds(3600)
    clock.start_time.FromJsonString("2026-01-05T12:00:00.25Z")
    clock.due_time.FromJsonString("2026-01-05T13:00:00.25Z")
    assert message == expected


def test_a_brief_message_leaves_out_effects_and_explanation_only():
    full, brief = decision_to(DECISION, NOON), decision_to(DECISION, NOON, brief=True)
    full.ClearField("effects")
    full.ClearField("explanation")
    assert brief == full


def test_a_running_clock_past_its_due_time_is_breached():
    assert [decision_to(DECISION, at).clocks[0].breached for at in (NOON, NOON + 2 * HOUR)] == [False, True]


def test_a_paused_clock_shows_no_due_time_and_a_stopped_one_when_it_stopped():
    paused = msgspec.structs.replace(CLOCK, phase=ClockPhase.PAUSED)
    stopped = msgspec.structs.replace(CLOCK, phase=ClockPhase.STOPPED, stopped=NOON + 2 * HOUR, breached=True)
    days = msgspec.structs.replace(CLOCK, target=Target(2, TargetUnit.WORKING_DAYS, "cn"))
    message = decision_to(msgspec.structs.replace(DECISION, clocks=[paused, stopped, days]), NOON)
    first, second, third = message.clocks
    assert not first.HasField("due_time")
    assert second.stop_time.seconds == NOON_SECONDS + 7200
    assert second.breached
    assert (third.target_working_days, third.HasField("target")) == (2, False)


@pytest.mark.parametrize(
    ("value", "kind"), [(1, "int_value"), (True, "bool_value"), (1.0, "double_value"), (0, "int_value")]
)
def test_equal_values_of_other_types_are_told_apart(value, kind):
    for order in ([1, True, 1.0, 0, False, 0.0], [True, 1.0, 1, False, 0, 0.0]):
        for other in order:
            decision_to(msgspec.structs.replace(DECISION, facts={"n": other}), NOON)
    message = decision_to(msgspec.structs.replace(DECISION, facts={"n": value}), NOON)
    assert message.facts["n"].WhichOneof("kind") == kind


def test_a_decision_does_not_show_what_another_was_made_of():
    decision_to(DECISION, NOON)
    stage = msgspec.structs.replace(DECISION.explanation[0], facts={"customer.tier": "gold"})
    other = msgspec.structs.replace(DECISION, explanation=[stage], effects=[], facts={"category": "praise"})
    message = decision_to(other, NOON)
    assert message.facts["category"].string_value == "praise"
    assert list(message.explanation[0].facts) == ["customer.tier"]
    assert message.explanation[0].facts["customer.tier"].string_value == "gold"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 3_000_000])
def test_a_nested_message_of_any_size_is_read_back(size):
    inner = pb.Flag(message="x" * size)
    outer = pb.Decision.FromString(nested(pb.Decision.FLAGS_FIELD_NUMBER, inner.SerializeToString()))
    assert list(outer.flags) == [inner]


def test_many_different_values_do_not_mix():
    for n in range(5000):
        decision = msgspec.structs.replace(DECISION, facts={"n": n, "name": f"v{n}"}, explanation=[], effects=[])
        message = pb.Decision.FromString(encode_decision(decision, NOON))
        assert (message.facts["n"].int_value, message.facts["name"].string_value) == (n, f"v{n}")


def test_a_request_shows_its_clocks_and_no_fact_that_no_vocabulary_declares():
    state = RequestState(
        tenant="default",
        request_id="R-1",
        source="crm",
        created=NOON,
        last_event=NOON,
        given={"customer.name": "Li"},
        clocks={"first_response": CLOCK},
    )
    message = request_to(state, Vocabulary({}), NOON)
    assert [clock.name for clock in message.clocks] == ["first_response"]
    assert not message.given
