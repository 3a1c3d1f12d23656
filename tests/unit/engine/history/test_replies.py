"""A customer's message to a completed or closed request is never dropped. Expected figures are worked out by hand.

2026-03-02 is a Monday. Every message is answered within one hour, and everything is resolved within eight, around the clock.
"""

from functools import cache

import pytest

from answerby.domain.reply_policy import ReplyPolicy
from tests.kit.plays import Play, at, clock, flags
from tests.kit.rulebooks import compiled, load, rulebook_of, variant

RULES = {
    "rulebook.yaml": """
rulebook:
  stages:
    sla: {hit: collect, on_error: {sla.next_reply: 1h}}
    routing: {hit: first, default: {department: desk, role: agent}, on_error: {department: desk}}
  roles: {agent: Agent, boss: Boss}
  departments: {desk: D}
  numbering: {timezone: Asia/Shanghai, default_code: D}
""",
    "vocabulary.yaml": """
fields:
  text.body: {type: string}
  customer.id: {type: string}
  department: {type: enum, values: [desk], derived_by: routing}
  role: {type: string, derived_by: routing}
""",
    "sla.yaml": """
stage: sla
rules:
  - {id: all, because: For all., then: {sla.next_reply: 1h, sla.resolution: 8h}}
""",
    "clocks.yaml": """
clocks:
  - {id: next_reply, kind: next_reply, because: No message stays unanswered., calendar: always}
  - {id: resolution, kind: resolution, because: Done in time., calendar: always}
""",
}
ENDED = "2026-03-02 10:00"
IN_TIME, LAST, TOO_LATE = "2026-03-03 10:00", "2026-03-16 10:00", "2026-03-16 10:01"


@cache
def rules(policy=""):
    if not policy:
        return compiled(RULES)
    text = RULES["rulebook.yaml"] + f"  replies_after_completion: {policy}\n"
    templates = 'templates: {again: {en: "{number}: the customer wrote, {new_request}"}}'
    return compiled(variant(RULES, rulebook=text, templates=templates))


def finished(policy="", end="completed", request="R", with_history=True):
    """A request of 09:00, which ended at 10:00."""
    play = Play(rules(policy), request, with_history=with_history)
    play.happens("received", "2026-03-02 09:00", text__body="broken", customer__id="C1")
    play.happens(end, ENDED, actor="agent")
    return play


def told(decision):
    return [(effect.role, effect.payload) for effect in decision.effects if effect.key.startswith("reply/")]


def test_the_default_reopens_for_14_days_and_begins_a_new_request_later():
    policy = rulebook_of(RULES).replies
    assert policy == ReplyPolicy()
    assert (policy.within_seconds, policy.then.value, policy.after.value) == (14 * 24 * 3600, "reopen", "new_request")


@pytest.mark.parametrize("kind", ["customer_replied", "supplemented"])
@pytest.mark.parametrize("end", ["completed", "closed"])
@pytest.mark.parametrize("time", [IN_TIME, LAST])
def test_a_message_within_14_days_opens_the_request_again(end, kind, time):
    decision = finished(end=end).happens(kind, time, text__body="still broken")

    assert (decision.status, flags(decision)) == ("open", ["REOPENED_BY_REPLY"])
    assert decision.state.reopen_count == 1
    assert decision.state.given["text.body"] == "broken\nstill broken"
    assert clock(decision, "next_reply").started == at(time)
    assert decision.follow_ups == []
    # Seven of eight hours are left; the time in which the request was finished does not count.
    assert clock(decision, "resolution").due - at(time) == at("2026-03-02 17:00") - at(ENDED)
    assert "update_request" in [effect.kind for effect in decision.effects]


@pytest.mark.parametrize("end", ["completed", "closed"])
def test_a_later_message_begins_a_new_request_and_people_are_told(end):
    decision = finished(end=end).happens("customer_replied", TOO_LATE, text__body="another thing")

    assert (decision.status, flags(decision)) == (end, ["NEW_REQUEST_BY_REPLY"])
    assert decision.state.followed_by == "R+1"
    assert decision.state.given["text.body"] == "broken"
    ((role, payload),) = told(decision)
    assert (role, payload["new_request"]) == ("agent", "R+1")
    assert "R+1 goes on with it" in payload["text.en"]
    assert "R+1" in payload["text.zh"]

    (first,) = decision.follow_ups
    new = Play(rules(), "R+1").take(first, at(TOO_LATE))
    assert (new.status, new.state.follows, new.state.source, flags(new)) == ("open", "R", "crm", [])
    assert new.state.given == {"text.body": "another thing", "customer.id": "C1"}
    assert clock(new, "next_reply").due == at("2026-03-16 11:01")


def test_the_messages_after_that_go_on_to_the_new_request():
    play = finished()
    play.happens("customer_replied", TOO_LATE, text__body="another thing")
    decision = play.happens("customer_replied", "2026-03-17 10:00", text__body="hello?")

    (message,) = decision.follow_ups
    assert (message.type, message.request_id, message.actor) == ("request.customer_replied", "R+1", "customer")
    assert message.data["text.body"] == "hello?"


def test_the_last_end_counts():
    play = finished()
    play.happens("closed", "2026-03-09 10:00", actor="agent")
    assert play.happens("customer_replied", "2026-03-23 10:00").status == "open"


def test_notify_tells_the_roles_in_the_words_of_the_rule():
    policy = "{then: notify, notify: {roles: [boss, owner], template: again}}"
    decision = finished(policy).happens("customer_replied", IN_TIME, text__body="thanks")

    assert (decision.status, flags(decision)) == ("completed", ["REPLY_AFTER_COMPLETION"])
    assert [role for role, _ in told(decision)] == ["boss", "agent"]
    assert told(decision)[0][1]["text.en"].endswith("the customer wrote, -")
    assert decision.follow_ups == []


def test_every_message_is_told_anew():
    play = finished("{then: notify}")
    keys = [
        effect.key
        for time in (IN_TIME, "2026-03-03 11:00")
        for effect in play.happens("customer_replied", time).effects
        if effect.kind == "notify"
    ]
    assert len(set(keys)) == len(keys) == 2


@pytest.mark.parametrize(
    ("kind", "actor"), [("customer_replied", "system"), ("customer_replied", "agent"), ("replied", "agent")]
)
@pytest.mark.parametrize("time", [IN_TIME, TOO_LATE])
def test_automatic_replies_and_staff_open_nothing(kind, actor, time):
    decision = finished().happens(kind, time, actor=actor)
    assert (decision.status, decision.follow_ups, told(decision)) == ("completed", [], [])


def test_a_message_to_a_merged_request_reaches_the_finished_survivor_and_opens_it():
    survivor, merged = finished(request="S"), Play(rules(), "M", with_history=True)
    merged.happens("received", "2026-03-02 09:30")
    merged.happens("replied", "2026-03-02 09:40", actor="agent")
    (notice,) = merged.happens("merged", "2026-03-02 10:30", actor="agent", merged__into="S").follow_ups
    assert survivor.take(notice, notice.time).status == "completed"

    (message,) = merged.happens("customer_replied", IN_TIME).follow_ups
    assert survivor.take(message, message.time).status == "open"


@pytest.mark.parametrize("policy", ["{then: notify}", "{then: new_request}"])
def test_an_unanswered_request_merged_into_a_finished_one_that_stays_finished_is_told(policy):
    survivor, merged = finished(policy, request="S"), Play(rules(policy), "M")
    merged.happens("received", "2026-03-02 10:10")
    (notice,) = merged.happens("merged", "2026-03-02 10:30", actor="agent", merged__into="S").follow_ups
    decision = survivor.take(notice, notice.time)

    assert (decision.status, flags(decision)) == ("completed", ["ABSORBED", "REPLY_AFTER_COMPLETION"])
    assert [role for role, _ in told(decision)] == ["agent"]


@pytest.mark.parametrize("policy", ["", "{then: notify}", "{then: new_request}"])
def test_a_completion_that_is_told_late_drops_no_message_after_it(policy):
    play = Play(rules(policy), "R", with_history=True)
    play.happens("received", "2026-03-02 09:00")
    play.happens("customer_replied", "2026-03-02 11:00", text__body="and this")
    decision = play.happens("completed", ENDED, now="2026-03-02 12:00", actor="agent")

    if not policy:
        assert (decision.status, clock(decision, "next_reply").due) == ("open", at("2026-03-02 12:00"))
        return
    assert decision.status == "completed"
    assert [role for role, _ in told(decision)] == ["agent"]
    assert [event.request_id for event in decision.follow_ups] == (["R+1"] if "new" in policy else [])

    again = play.happens("updated", "2026-03-02 10:30", now="2026-03-02 12:30", actor="agent")
    assert (again.follow_ups, told(again)) == ([], []), "nobody hears of a message twice"


@pytest.mark.parametrize("policy", ["", "{then: notify}", "{then: new_request}"])
def test_a_message_that_is_told_late_counts_from_its_own_time(policy):
    play = finished(policy)
    play.happens("rated", "2026-03-02 12:00")
    decision = play.happens("customer_replied", "2026-03-02 11:00", now="2026-03-20 12:00")

    if policy:
        assert [role for role, _ in told(decision)] == ["agent"]
        assert len(decision.follow_ups) == ("new" in policy)
    else:
        assert (decision.status, clock(decision, "next_reply").started) == ("open", at("2026-03-02 11:00"))


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{within: 14d}", "day-duration"),
        ("{within: 10bd}", "invalid-duration"),
        ("{then: ignore}", "wrong-value"),
        ("{notify: {roles: [nobody]}}", "unknown-role"),
        ("{when: 14h}", "unknown-key"),
    ],
)
def test_a_wrong_policy_is_refused_where_it_stands(policy, code):
    text = RULES["rulebook.yaml"] + f"  replies_after_completion: {policy}\n"
    result = load(variant(RULES, rulebook=text))
    assert [(str(found.code), found.file) for found in result.diagnostics] == [(code, "rulebook.yaml")]
