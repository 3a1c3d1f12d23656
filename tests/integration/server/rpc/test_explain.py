"""Why not otherwise, of decisions that were stored."""

from __future__ import annotations

import grpc
import pytest

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb


async def explain(running, **asked):
    return await running.decisions.Explain(decision_pb.ExplainRequest(request_id="R-1", **asked))


@pytest.fixture
async def complaint(running, make_event):
    """Two earlier complaints of a customer, and a third request of theirs, later on hold."""
    facts = {"text.body": "I complain", "customer.id": "c-1"}
    await running.requests.SubmitEvents(
        pb.SubmitEventsRequest(events=[make_event(number, facts=facts) for number in (3, 2, 1)])
    )
    held = make_event(9, request_id="R-1", type="request.on_hold", facts={})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=held))
    return running


async def test_a_stored_decision_is_decided_again_as_it_was(complaint):
    reply = await explain(complaint, why_not=["priority=top", "priority=low"])
    assert reply.decision.facts["priority"].string_value == "top"
    assert reply.reproduced
    assert reply.evaluated_revision == reply.decision.revision
    already, low = reply.counterfactuals
    assert already.already
    assert low.verified
    # Without the complaint it is not counted either, and the third one is no more.
    assert [(change.field, change.lexicon) for change in low.changes] == [("text", "anger")]
    assert low.outcome["priority"].string_value == "low"


async def test_an_earlier_decision_is_explained_from_the_state_before_it(complaint):
    reply = await explain(complaint, sequence=1, why_not=["priority=high"])
    (answer,) = reply.counterfactuals
    assert (reply.decision.sequence, reply.reproduced) == (1, True)
    (change,) = answer.changes
    assert (change.field, getattr(change, "from").int_value, change.to.int_value) == ("customer.complaints", 3, 2)
    assert [rule.id for rule in answer.decided_by] == ["complaint-high"]


async def test_the_words_hold_the_answers_in_both_languages(complaint):
    english = await explain(complaint, why_not=["rule=third-complaint", "rule=later"], alternatives=True)
    chinese = await explain(complaint, why_not=["rule=third-complaint", "rule=later"], language_code="zh")
    assert "Rule later" in english.text
    assert "does not hold: category is other (now complaint)" in english.text
    assert "It would be otherwise:" in english.text
    assert english.alternatives
    assert all(item.verified and item.stage for item in english.alternatives)
    assert "规则 later" in chinese.text
    assert not chinese.alternatives
    standing = english.counterfactuals[1].rule
    assert standing.standing == decision_pb.STANDING_NOT_MATCHED
    assert standing.conditions[0].truth == decision_pb.CONDITION_TRUTH_FAILS


async def test_after_a_change_of_the_rules_it_says_whose_answer_it_is(complaint, rules):
    text = (rules / "priority.yaml").read_text(encoding="utf-8")
    (rules / "priority.yaml").write_text(text.replace("at_least: 3", "at_least: 30"), encoding="utf-8")
    await complaint.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    reply = await explain(complaint, why_not=["priority=top", "priority=high"])
    assert not reply.reproduced
    assert reply.evaluated_revision != reply.decision.revision
    assert f"as revision {reply.evaluated_revision} would make it" in reply.text
    top, high = reply.counterfactuals
    assert [change.to.int_value for change in top.changes] == [30]
    assert high.already


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"why_not": ["priority=none-such"]}, "why_not"),
        ({"why_not": ["priority=low"] * 11}, "why_not"),
        ({"why_not": ["priority=low"], "keep": ["chanel"]}, "keep"),
        ({"why_not": ["priority=low"], "max_changes": 7}, "max_changes"),
        ({"why_not": ["priority=low"], "max_changes": -1}, "max_changes"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(complaint, asked, field):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await explain(complaint, **asked)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field in caught.value.details()


async def test_what_must_stay_stays(complaint):
    reply = await explain(complaint, sequence=1, why_not=["priority=high"], keep=["customer.complaints"])
    (answer,) = reply.counterfactuals
    assert not answer.verified
    assert answer.missing == decision_pb.MISSING_REASON_FIXED
    assert list(answer.stuck) == ["customer.complaints"]
