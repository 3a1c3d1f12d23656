"""decide(): stages, lifecycle, clocks, timers, effects. Expected figures are worked out by hand."""

import msgspec
import pytest

from tests.kit.encoding import decision_bytes
from tests.kit.plays import Play, at, clock, effects
from tests.kit.rulebooks import OFFICE, compiled


@pytest.fixture(params=["durable", "reference"])
def story(request):
    rulebook = compiled(OFFICE, request.param)
    yield Play(rulebook)
    rulebook.matcher.close()


def stage(decision, name):
    return next(s for s in decision.explanation if s.stage == name)


def test_one_request_through_every_stage(story):
    decision = story.happens(
        "received", "2026-03-02 10:00", text__body="我要投诉！请问怎么办", customer__tier="vip", contact__name="x"
    )
    assert decision.facts["category"] == "complaint"
    assert decision.facts["tags"] == ["angry", "asks"]
    assert decision.facts["priority"] == "P1"
    assert (decision.facts["department"], decision.facts["role"]) == ("desk", "clerk")
    assert clock(decision, "first_response").due == at("2026-03-02 14:00")
    assert decision.number_prefix == "202603-DSK"
    assert decision.flags == []


def test_the_explanation_names_winner_loser_place_and_facts(story):
    decision = story.happens("received", "2026-03-02 10:00", text__body="complaint: how do I", customer__tier="vip")
    classification = stage(decision, "classification")
    assert [r.id for r in classification.won] == ["complaint", "question"]
    assert classification.facts == {}  # the text is personal
    won = stage(decision, "priority").won[0]
    assert (won.id, won.file, won.line, won.because) == ("vip-p1", "priority.yaml", 4, "VIPs first")
    assert stage(decision, "priority").facts == {"customer.tier": "vip"}
    assert stage(decision, "routing").outcome == "defaulted"


def test_same_arguments_same_bytes(story):
    first = story.happens("received", "2026-03-02 10:00", text__body="起火")
    story.state, story.events = None, []
    again = story.happens("received", "2026-03-02 10:00", text__body="起火")
    assert decision_bytes(first) == decision_bytes(again)


def test_completeness_asks_again_once_the_category_is_known(story):
    decision = story.happens("received", "2026-03-02 10:00", text__body="complaint")
    assert decision.facts["missing"] == ["contact.name", "order.number"]
    decision = story.happens("supplemented", "2026-03-02 10:05", contact__name="x", order__number="17")
    assert decision.facts["missing"] == []


def test_what_the_customer_adds_counts_and_what_we_write_does_not(story):
    story.happens("received", "2026-03-02 10:00", text__body="hello")
    decision = story.happens("replied", "2026-03-02 10:10", actor="agent", text__body="sorry for your complaint")
    assert decision.facts["category"] == "unclassified"
    decision = story.happens("customer_replied", "2026-03-02 10:20", text__body="I am furious")
    assert decision.facts["category"] == "complaint"
    assert story.state.given["text.body"] == "hello\nI am furious"


def test_the_window_counts_this_request_once_it_is_known_to_be_one(story):
    data = {"text__body": "complaint", "customer__id": "c"}
    assert (
        story.happens("received", "2026-03-02 10:00", counts={"customer.complaints_24h": 1}, **data).facts["priority"]
        == "P2"
    )
    story.state = None
    decision = story.happens("received", "2026-03-02 10:01", counts={"customer.complaints_24h": 2}, **data)
    assert decision.facts["priority"] == "P1"


def test_a_refused_fact_is_an_error_on_the_safe_side_and_never_no_match(story):
    decision = story.happens("received", "2026-03-02 10:00", devices="many")
    assert decision.facts["priority"] == "P0"
    assert stage(decision, "priority").outcome == "error"
    assert [r.id for r in stage(decision, "priority").failed] == ["many-devices"]
    assert {"FACT_REFUSED", "CONDITION_ERROR"} <= {f.code for f in decision.flags}


def test_a_refused_fact_that_cannot_change_the_winner_is_flagged_only(story):
    decision = story.happens("received", "2026-03-02 10:00", devices="many", text__body="起火")
    assert decision.facts["priority"] == "P0"
    assert stage(decision, "priority").outcome == "matched"
    assert "CONDITION_ERROR" in {f.code for f in decision.flags}


def test_a_value_set_by_hand_wins_and_is_shown(story):
    decision = story.happens("received", "2026-03-02 10:00", text__body="起火", **{"override.priority": "P1"})
    assert decision.facts["priority"] == "P1"
    assert stage(decision, "priority").won[0].id == "override.priority"
    assert clock(decision, "first_response").due == at("2026-03-02 14:00")
    decision = story.happens("updated", "2026-03-02 10:01", **{"override.priority": "P9"})
    assert decision.facts["priority"] == "P0"
    assert "OVERRIDE_REFUSED" in {f.code for f in decision.flags}


def test_status_follows_the_events(story):
    seen = [
        story.happens(name, f"2026-03-02 10:{minute:02}").status
        for minute, name in enumerate(
            [
                "received",
                "on_hold",
                "customer_replied",
                "blocked",
                "unblocked",
                "completed",
                "closed",
                "updated",
                "reopened",
            ]
        )
    ]
    assert seen == ["open", "on_hold", "open", "blocked", "open", "completed", "closed", "closed", "open"]


@pytest.mark.parametrize(
    ("type_", "time", "flag"),
    [
        ("updated", "2026-03-02 09:00", "BEFORE_REQUEST"),
        ("updated", "2026-03-02 10:30", "OUT_OF_ORDER"),
        ("sneezed", "2026-03-02 12:00", "UNKNOWN_EVENT_TYPE"),
    ],
)
def test_strange_events_are_taken_and_flagged(story, type_, time, flag):
    story.happens("received", "2026-03-02 10:00")
    story.happens("updated", "2026-03-02 11:00")
    decision = story.happens(type_, time, now="2026-03-02 12:00")
    assert [f.code for f in decision.flags] == [flag]
    assert decision.sequence == 3


def test_a_request_may_start_with_any_event(story):
    assert [f.code for f in story.happens("completed", "2026-03-02 10:00").flags] == ["STARTED_WITHOUT_RECEIPT"]


def test_the_month_of_the_number_is_taken_in_the_configured_zone(story):
    assert story.happens("received", "2026-04-01 00:30").number_prefix == "202604-DSK"


def test_pause_moves_the_due_time_and_a_reply_stops_the_clock(story):
    story.happens("received", "2026-03-02 10:00")
    assert clock(story.happens("on_hold", "2026-03-02 11:00"), "first_response").due is None
    # an hour of work was used before Tuesday 11:00; three are left
    assert clock(story.happens("resumed", "2026-03-03 11:00"), "first_response").due == at("2026-03-03 14:00")
    stopped = clock(story.happens("replied", "2026-03-03 13:00", actor="agent"), "first_response")
    assert (stopped.phase, stopped.breached) == ("stopped", False)


def test_a_clock_runs_over_the_weekend_in_working_time(story):
    decision = story.happens("received", "2026-03-06 16:00")
    assert clock(decision, "first_response").due == at("2026-03-09 11:00")


def test_a_missing_year_is_flagged_and_the_due_time_on_the_safe_side(story):
    decision = story.happens("received", "2026-12-31 17:00")
    assert "CALENDAR_YEAR_MISSING" in {f.code for f in decision.flags}
    assert clock(decision, "first_response").due == at("2027-01-01 12:00")


def test_the_ladder_warns_breaches_raises_and_repeats_until_acknowledged(story):
    decision = story.happens("received", "2026-03-02 10:00")
    assert {t.id: t.due for t in decision.arm} == {
        "first_response/1/0/0": at("2026-03-02 12:00"),
        "first_response/1/1/0": at("2026-03-02 14:00"),
    }
    warned = story.fires("first_response/1/0/0", "2026-03-02 12:00")
    assert [(e.role, e.payload["text.en"]) for e in effects(warned, "notify")] == [
        ("clerk", "first_response is due 2 Mar 2026, 14:00")
    ]
    breached = story.fires("first_response/1/1/0", "2026-03-02 14:00")
    assert breached.facts["priority"] == "P1"
    assert clock(breached, "first_response").breached
    assert [e.role for e in effects(breached, "notify")] == ["chief"]
    assert [(t.id, t.due) for t in breached.arm] == [("first_response/1/1/1", at("2026-03-02 14:10"))]
    again = story.fires("first_response/1/1/1", "2026-03-02 14:10")
    assert again.facts["priority"] == "P1"
    assert [t.id for t in again.arm] == ["first_response/1/1/2"]
    acknowledged = story.happens("acknowledged", "2026-03-02 14:12", actor="agent")
    assert acknowledged.cancel == ["first_response/1/1/2"]


def test_repeats_end_at_the_cap(story):
    story.happens("received", "2026-03-02 10:00")
    story.fires("first_response/1/1/0", "2026-03-02 14:00")
    story.fires("first_response/1/1/1", "2026-03-02 14:10")
    assert story.fires("first_response/1/1/2", "2026-03-02 14:20").arm == []


def test_a_timer_of_a_stopped_clock_does_nothing(story):
    story.happens("received", "2026-03-02 10:00")
    late = story.state
    replied = story.happens("replied", "2026-03-02 11:00", actor="agent")
    assert sorted(replied.cancel) == ["first_response/1/0/0", "first_response/1/1/0"]
    story.state = msgspec.structs.replace(replied.state, timers=late.timers)
    decision = story.fires("first_response/1/1/0", "2026-03-02 14:00")
    assert effects(decision, "notify") == []
    assert [f.code for f in decision.flags] == ["TIMER_STALE"]


def test_a_timer_that_fires_late_says_so_and_how_late_the_request_is(story):
    story.happens("received", "2026-03-02 10:00")
    # The warning of 12:00 comes at 13:30, when the request is not late: it is due at 14:00.
    warned = effects(story.fires("first_response/1/0/0", "2026-03-02 13:30"), "notify")[0].payload
    assert (warned["delay_seconds"], warned["late_by"]) == (5400, 0)
    # The office closes at 18:00 and opens at 09:00: five hours of working time, twenty of the wall.
    told = effects(story.fires("first_response/1/1/0", "2026-03-03 10:00"), "notify")[0].payload
    assert (told["delay_seconds"], told["late_by"]) == (72_000, 18_000)


def test_paused_time_does_not_make_a_request_later(story):
    story.happens("received", "2026-03-02 10:00")
    story.fires("first_response/1/1/0", "2026-03-02 14:00")
    story.happens("on_hold", "2026-03-02 14:30")
    story.happens("resumed", "2026-03-02 16:30")
    again = story.fires("first_response/1/1/1", "2026-03-02 17:00")
    assert effects(again, "notify")[0].payload["late_by"] == 3600


def test_safety_alarms_once_opens_a_case_once_and_fills_in_templates(story):
    decision = story.happens("received", "2026-03-02 10:00", text__body="设备起火了")
    alarm = effects(decision, "notify")[0]
    assert (alarm.role, alarm.urgent, alarm.payload["acknowledge"]) == ("guard", True, True)
    assert alarm.payload["text.zh"] == "{number} 安全 P0"  # the number is allocated at commit, filled in on delivery
    assert [e.payload["case"] for e in effects(decision, "open_case")] == ["recall"]
    assert (decision.facts["department"], decision.number_prefix) == ("lab", "202603-LAB")
    assert clock(decision, "first_response").due == at("2026-03-02 10:15")
    later = story.happens("updated", "2026-03-02 10:05")
    assert later.effects == []


def test_a_task_is_made_when_its_clock_starts(story):
    story.happens("received", "2026-03-02 10:00")
    decision = story.happens("blocked", "2026-03-02 15:00", actor="agent")
    task = effects(decision, "create_task")[0]
    assert (task.role, task.payload["text.en"]) == ("chief", "report by 2 Mar 2026, 17:00")
    assert effects(story.happens("updated", "2026-03-02 15:30"), "create_task") == []
    assert clock(story.happens("unblocked", "2026-03-02 15:40"), "blocked").phase == "cancelled"


def test_an_update_is_written_back_first_and_then_only_when_something_changed(story):
    assert len(effects(story.happens("received", "2026-03-02 10:00"), "update_request")) == 1
    assert story.happens("updated", "2026-03-02 10:01").effects == []
    update = effects(story.happens("updated", "2026-03-02 10:02", customer__tier="vip"), "update_request")[0]
    assert update.payload["priority"] == "P1"
    assert update.payload["due.first_response"] == "2026-03-02T14:00:00+08:00"
    assert update.payload["because"] == ["VIPs first (vip-p1)"]


def test_a_replayed_past_event_arms_nothing_and_has_no_effect(story):
    decision = story.happens("received", "2026-03-02 10:00", now="2026-06-01 10:00", historical=True, text__body="起火")
    assert (decision.arm, decision.effects, decision.decided) == ([], [], at("2026-03-02 10:00"))
    closed = story.happens("replied", "2026-03-02 10:20", now="2026-06-01 10:00", historical=True, actor="agent")
    assert clock(closed, "first_response").breached


def test_an_automatic_reply_stops_nothing(story):
    story.happens("received", "2026-03-02 10:00")
    decision = story.happens("replied", "2026-03-02 10:00", actor="system")
    assert clock(decision, "first_response").phase == "running"
