"""The life of a clock: start, pause, resume, re-target, stop, restart, cancel."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit
from answerby.domain.clock_definition import AfterCompletion, ClockDefinition, Reopen, Trigger
from answerby.domain.errors import CalendarYearMissing, InvalidInput
from answerby.domain.event import ActorRole
from answerby.domain.request import RequestStatus
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.clock_inputs import ClockTarget
from answerby.sla.clocks import advance_clocks, used_seconds
from answerby.sla.occasions import ClockEvent

H = 3600
MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
CALENDARS = {
    "always": ALWAYS,
    "office": Calendar.build("office", weekly=dict.fromkeys(range(5), ((10 * H, 18 * H),))),
    "late-monday": Calendar.build(
        "late-monday", weekly={0: ((37_800, 19 * H),), **dict.fromkeys(range(1, 5), ((30_600, 19 * H),))}
    ),
    "this-year": Calendar.build("this-year", weekly=dict.fromkeys(range(7), ((0, H),)), years=[2025]),
}
FIRST_RESPONSE = ClockDefinition("first_response", stop=("request.replied", "request.completed"))
RESOLUTION = ClockDefinition(
    "resolution", calendar="office", stop=("request.completed",), pause_while=("on_hold",), ladder="standard"
)
FEEDBACK = ClockDefinition("feedback", start=("request.completed",), stop=("request.feedback_given",))
NEXT_REPLY = ClockDefinition("next_reply", start=("request.customer_replied",), stop=("request.replied",))
UPDATE = ClockDefinition("update", start=("request.replied",), stop=("request.replied", "request.completed"))
ANEW = replace(RESOLUTION, id="anew", reopen=Reopen.NEW_CYCLE)
FROZEN = ClockDefinition("frozen", stop=("request.replied",), reopen=Reopen.FROZEN)
ALARM = ClockDefinition("alarm", stop=("request.acknowledged",), after_completion=AfterCompletion.CONTINUE)
ASKED = ClockDefinition("asked", start=(Trigger(),), stop=("request.replied",))
DEFINITIONS = {d.id: d for d in (FIRST_RESPONSE, RESOLUTION, FEEDBACK, NEXT_REPLY, UPDATE, ANEW, FROZEN, ALARM, ASKED)}
AFTER = {
    "request.on_hold": RequestStatus.ON_HOLD,
    "request.resumed": RequestStatus.OPEN,
    "request.completed": RequestStatus.COMPLETED,
    "request.closed": RequestStatus.CLOSED,
    "request.merged": RequestStatus.MERGED,
    "request.reopened": RequestStatus.OPEN,
}


class RequestClocks:
    """One request's clocks as events arrive; targets hold until changed."""

    def __init__(self, **targets: Target) -> None:
        self.clocks: Mapping[str, ClockState] = {}
        self.status = RequestStatus.OPEN
        self.ended: datetime | None = None
        self.targets: dict[str, ClockTarget] = {}
        for name, target in targets.items():
            self.targets[name] = ClockTarget(target, "rule", "")

    def aim(self, *, rule: str = "rule", ladder: str = "", **targets: Target | None) -> None:
        for name, target in targets.items():
            if target is None:
                self.targets.pop(name, None)
            else:
                self.targets[name] = ClockTarget(target, rule, ladder)

    def see(self, event: str, at: datetime, actor: ActorRole = ActorRole.AGENT) -> Mapping[str, ClockState]:
        kind = event if "." in event else f"request.{event}"
        was, self.status = self.status, AFTER.get(kind, self.status)
        if self.status is not was:
            self.ended = at if self.status is RequestStatus.COMPLETED else None
        seen = ClockEvent(kind, at, actor, self.status, was=was, ended=self.ended)
        self.clocks = advance_clocks(DEFINITIONS, CALENDARS, self.clocks, self.targets, seen)
        return self.clocks


def hours(amount: float, calendar: str = "") -> Target:
    return Target(int(amount * H), calendar=calendar)


def days(amount: int, calendar: str) -> Target:
    return Target(amount, TargetUnit.WORKING_DAYS, calendar)


def at(hour: float, day: int = 0) -> datetime:
    """Hours and days from Monday, 3 March 2025, midnight UTC."""
    return MONDAY + timedelta(days=day, hours=hour)


def test_a_clock_starts_with_its_target_and_names_calendar_rule_and_ladder() -> None:
    request = RequestClocks(resolution=hours(4))
    clock = request.see("received", at(16))["resolution"]
    assert (clock.phase, clock.started, clock.due) == (ClockPhase.RUNNING, at(16), at(12, 1))
    assert (clock.target.calendar, clock.rule, clock.ladder, clock.cycle) == ("office", "rule", "standard", 1)


def test_no_target_no_clock() -> None:
    assert RequestClocks().see("received", at(10)) == {}


def test_a_target_that_comes_later_counts_from_then() -> None:
    request = RequestClocks()
    request.see("received", at(10))
    request.aim(first_response=hours(2))
    assert request.see("updated", at(11))["first_response"].due == at(13)


def test_a_clock_with_start_events_waits_for_them() -> None:
    request = RequestClocks(feedback=hours(1))
    assert request.see("received", at(10)) == {}
    assert request.see("completed", at(12))["feedback"].due == at(13)


def test_met_in_time_and_late() -> None:
    request = RequestClocks(first_response=hours(1))
    request.see("received", at(10))
    clock = request.see("replied", at(11))["first_response"]
    assert (clock.phase, clock.stopped, clock.due, clock.breached) == (ClockPhase.STOPPED, at(11), at(11), False)
    late = RequestClocks(first_response=hours(1))
    late.see("received", at(10))
    assert late.see("replied", at(11) + timedelta(microseconds=1))["first_response"].breached


def test_used_time_of_a_late_reply() -> None:
    # Frappe Helpdesk: 30 minutes allowed, answered after 39.
    request = RequestClocks(first_response=hours(0.5, "office"))
    request.see("received", at(10))
    clock = request.see("replied", at(10.65))["first_response"]
    assert clock.breached
    assert used_seconds(CALENDARS, clock, at(20)) == 2340


def test_an_automatic_acknowledgement_is_no_first_response() -> None:
    request = RequestClocks(first_response=hours(1))
    request.see("received", at(10), ActorRole.CUSTOMER)
    assert request.see("replied", at(10.1), ActorRole.SYSTEM)["first_response"].phase is ClockPhase.RUNNING
    assert request.see("replied", at(10.5), ActorRole.AGENT)["first_response"].phase is ClockPhase.STOPPED


def test_a_system_may_complete_a_request() -> None:
    request = RequestClocks(first_response=hours(1))
    request.see("received", at(10))
    assert request.see("completed", at(10.5), ActorRole.SYSTEM)["first_response"].phase is ClockPhase.STOPPED


def test_a_request_first_heard_of_by_its_reply_is_answered() -> None:
    clock = RequestClocks(first_response=hours(1)).see("replied", at(10))["first_response"]
    assert (clock.phase, clock.stopped, clock.breached) == (ClockPhase.STOPPED, at(10), False)


def test_a_pause_moves_the_due_time() -> None:
    # Frappe Helpdesk: half an hour on hold, four hours allowed.
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(12))
    paused = request.see("on_hold", at(12.5))["resolution"]
    assert (paused.phase, paused.due, paused.paused_since) == (ClockPhase.PAUSED, None, at(12.5))
    resumed = request.see("resumed", at(13))["resolution"]
    assert (resumed.phase, resumed.due, resumed.pauses) == (ClockPhase.RUNNING, at(16.5), [(at(12.5), at(13))])
    stopped = request.see("completed", at(13.5))["resolution"]
    assert not stopped.breached
    assert used_seconds(CALENDARS, stopped, at(20)) == 3600


def test_a_pause_up_to_closing_and_a_second_more() -> None:
    # Frappe Helpdesk.
    request = RequestClocks(resolution=hours(2))
    request.see("received", at(15))
    request.see("on_hold", at(15) + timedelta(minutes=10))
    assert request.see("resumed", at(16) + timedelta(minutes=10))["resolution"].due == at(18)
    request.see("on_hold", at(16) + timedelta(minutes=20))
    clock = request.see("resumed", at(16) + timedelta(minutes=20, seconds=1))["resolution"]
    assert clock.due == at(10, 1) + timedelta(seconds=1)


def test_a_pause_outside_working_time_moves_nothing() -> None:
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(17, 4))
    due = request.clocks["resolution"].due
    request.see("on_hold", at(19, 4))
    assert request.see("resumed", at(9, 7))["resolution"].due == due == at(13, 7)


def test_completed_while_on_hold_leaves_the_hold_out() -> None:
    # Frappe Helpdesk: an hour of work, ten days on hold.
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(10))
    request.see("on_hold", at(11))
    clock = request.see("completed", at(12, 10))["resolution"]
    assert (clock.phase, clock.breached, clock.paused_since) == (ClockPhase.STOPPED, False, None)
    assert used_seconds(CALENDARS, clock, at(0, 20)) == 3600


def test_two_pauses_of_a_target_in_working_days() -> None:
    # GLPI: five days from Wednesday 7 June 2034, 49.5 working hours of pauses.
    day = datetime(2034, 6, 7, tzinfo=UTC)
    request = RequestClocks(resolution=days(5, "late-monday"))
    request.see("received", day + timedelta(hours=10))
    request.see("on_hold", day + timedelta(hours=11))
    request.see("resumed", day + timedelta(days=6, hours=11))
    request.see("on_hold", day + timedelta(days=7, hours=7))
    clock = request.see("resumed", day + timedelta(days=7, hours=18))["resolution"]
    assert clock.due == datetime(2034, 6, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "due"),
    [
        (hours(4, "late-monday"), datetime(2034, 6, 9, 14, 54, 34, tzinfo=UTC)),
        (days(5, "late-monday"), datetime(2034, 6, 16, 10, 54, 34, tzinfo=UTC)),
    ],
)
def test_a_pause_within_the_day(target: Target, due: datetime) -> None:
    # GLPI for the hours: 08:46:12 plus four hours plus 7,702 seconds on hold.
    day = datetime(2034, 6, 9, tzinfo=UTC)
    request = RequestClocks(resolution=target)
    request.see("received", day + timedelta(hours=8, minutes=46, seconds=12))
    request.see("on_hold", day + timedelta(hours=9, minutes=15, seconds=27))
    assert request.see("resumed", day + timedelta(hours=11, minutes=23, seconds=49))["resolution"].due == due


def test_a_pause_after_the_due_time_excuses_nothing() -> None:
    request = RequestClocks(resolution=hours(1))
    request.see("received", at(10))
    assert request.see("on_hold", at(12))["resolution"].breached
    clock = request.see("resumed", at(15))["resolution"]
    assert (clock.due, clock.breached) == (at(11), True)


def test_a_pause_from_the_very_due_time_on_is_excused() -> None:
    request = RequestClocks(resolution=hours(1))
    request.see("received", at(10))
    assert not request.see("on_hold", at(11))["resolution"].breached
    assert not request.see("completed", at(15))["resolution"].breached
    assert used_seconds(CALENDARS, request.clocks["resolution"], at(20)) == 3600


def test_a_request_that_begins_on_hold() -> None:
    # GLPI: on hold for the first ten minutes.
    request = RequestClocks(resolution=hours(4))
    assert request.see("on_hold", at(13))["resolution"].phase is ClockPhase.PAUSED
    assert request.see("resumed", at(13) + timedelta(minutes=10))["resolution"].due == at(17) + timedelta(minutes=10)


def test_a_new_target_counts_from_the_start_and_keeps_the_pauses() -> None:
    # GLPI: after ten minutes on hold, four hours become six.
    request = RequestClocks(resolution=hours(4, "office"))
    request.see("received", at(13))
    request.see("on_hold", at(13))
    request.see("resumed", at(13) + timedelta(minutes=10))
    request.aim(rule="vip", ladder="steep", resolution=hours(6, "office"))
    clock = request.see("updated", at(14))["resolution"]
    assert clock.due == at(11, 1) + timedelta(minutes=10)
    assert (clock.started, clock.rule, clock.ladder, clock.cycle) == (at(13), "vip", "steep", 1)


def test_a_new_target_may_be_over_already_or_no_longer() -> None:
    request = RequestClocks(first_response=hours(8))
    request.see("received", at(10))
    request.aim(first_response=hours(1))
    assert request.see("updated", at(12))["first_response"].breached
    request.aim(first_response=hours(8))
    assert not request.see("updated", at(13))["first_response"].breached


def test_a_new_target_may_come_while_paused() -> None:
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(10))
    request.see("on_hold", at(11))
    request.aim(resolution=hours(2))
    paused = request.see("updated", at(12))["resolution"]
    assert (paused.phase, paused.due, paused.paused_since) == (ClockPhase.PAUSED, None, at(11))
    assert request.see("resumed", at(13))["resolution"].due == at(14)


def test_a_lost_target_cancels_and_a_finished_clock_stays() -> None:
    request = RequestClocks(first_response=hours(1), resolution=hours(4))
    request.see("received", at(10))
    request.see("replied", at(10.5))
    request.aim(first_response=None, resolution=None)
    clocks = request.see("updated", at(11))
    cancelled = clocks["resolution"]
    assert (cancelled.phase, cancelled.due, cancelled.stopped) == (ClockPhase.CANCELLED, None, at(11))
    assert clocks["first_response"].phase is ClockPhase.STOPPED


def test_a_target_found_again_counts_from_the_first_start() -> None:
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(10))
    request.aim(resolution=None)
    request.see("updated", at(11))
    request.aim(resolution=hours(6))
    clock = request.see("updated", at(12))["resolution"]
    assert (clock.phase, clock.started, clock.due, clock.cycle) == (ClockPhase.RUNNING, at(10), at(16), 2)


def test_a_cancelled_clock_is_not_revived_by_what_would_stop_it_or_without_its_start() -> None:
    request = RequestClocks(resolution=hours(4), feedback=hours(1))
    request.see("completed", at(10))
    request.see("reopened", at(11))
    request.targets.clear()
    request.see("updated", at(11.5))
    request.aim(resolution=hours(4), feedback=hours(1))
    clocks = request.see("completed", at(12))
    assert clocks["resolution"].phase is ClockPhase.CANCELLED
    request.targets.clear()
    request.see("updated", at(12.5))
    request.aim(feedback=hours(1))
    assert request.see("updated", at(13))["feedback"].phase is ClockPhase.CANCELLED


@pytest.mark.parametrize("event", ["closed", "merged"])
def test_the_end_of_the_request_cancels_what_still_runs(event: str) -> None:
    request = RequestClocks(first_response=hours(1), resolution=hours(4))
    request.see("received", at(10))
    request.see("replied", at(10.5))
    clocks = request.see(event, at(11))
    assert clocks["resolution"].phase is ClockPhase.CANCELLED
    assert clocks["first_response"].phase is ClockPhase.STOPPED
    assert request.see("updated", at(12)) == clocks


def test_closing_a_day_later_changes_nothing() -> None:
    # Frappe Helpdesk.
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(12))
    before = request.see("completed", at(12.5))
    assert request.see("closed", at(12, 1)) == before


def test_a_changed_target_does_not_touch_a_finished_clock() -> None:
    # Jira Service Management: met in 2.5 of 4 hours, then the goal becomes 2.
    request = RequestClocks(first_response=hours(4))
    request.see("received", at(10))
    before = request.see("replied", at(12.5))
    request.aim(first_response=hours(2))
    assert request.see("updated", at(13)) == before


@pytest.mark.parametrize("finish", ["completed", "closed"])
def test_reopening_starts_a_new_cycle_where_the_clock_says_so(finish: str) -> None:
    request = RequestClocks(anew=hours(4))
    request.see("received", at(10))
    request.see("on_hold", at(11))
    request.see("resumed", at(12))
    request.see(finish, at(13))
    clock = request.see("reopened", at(15))["anew"]
    assert (clock.phase, clock.cycle, clock.started, clock.due) == (ClockPhase.RUNNING, 2, at(15), at(11, 1))
    assert (clock.pauses, clock.stopped, clock.breached) == ([], None, False)


@pytest.mark.parametrize("finish", ["completed", "closed"])
def test_a_reopened_clock_goes_on_without_the_time_it_was_finished(finish: str) -> None:
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(10))
    request.see("on_hold", at(11))
    request.see("resumed", at(12))
    request.see(finish, at(13))
    clock = request.see("reopened", at(15))["resolution"]
    # Two of four hours are used (10-11 and 12-13); the other two count from 15:00.
    assert (clock.phase, clock.cycle, clock.started, clock.due) == (ClockPhase.RUNNING, 1, at(10), at(17))
    assert used_seconds(CALENDARS, clock, at(16)) == 3 * H


def test_a_frozen_clock_stays_met_when_the_request_is_reopened() -> None:
    request = RequestClocks(frozen=hours(4))
    request.see("received", at(10))
    before = request.see("replied", at(11))
    assert request.see("reopened", at(15)) == before


def test_a_frozen_clock_that_was_never_met_goes_on() -> None:
    request = RequestClocks(frozen=hours(4))
    request.see("received", at(10))
    request.see("closed", at(11))
    assert request.see("reopened", at(15))["frozen"].due == at(18)


def test_a_breach_outlives_the_reopening() -> None:
    request = RequestClocks(resolution=hours(1))
    request.see("received", at(10))
    request.see("completed", at(12))
    clock = request.see("reopened", at(15))["resolution"]
    assert (clock.due, clock.breached) == (at(11), True)


def test_reopening_leaves_a_running_clock_alone() -> None:
    request = RequestClocks(first_response=hours(8))
    before = request.see("received", at(10))
    assert request.see("reopened", at(11)) == before


def test_reopening_does_not_start_a_clock_that_has_its_own_start() -> None:
    request = RequestClocks(feedback=hours(1))
    request.see("completed", at(10))
    before = request.see("feedback_given", at(10.5))
    assert request.see("reopened", at(11)) == before
    assert request.see("completed", at(12))["feedback"].cycle == 2


def test_the_next_reply_is_due_from_the_oldest_unanswered_message() -> None:
    # Zammad for the figures: answered at 12:00, the customer writes at 12:05, two hours allowed.
    request = RequestClocks(next_reply=hours(2))
    request.see("customer_replied", at(9.5), ActorRole.CUSTOMER)
    assert request.see("replied", at(12))["next_reply"].breached
    clock = request.see("customer_replied", at(12) + timedelta(minutes=5), ActorRole.CUSTOMER)["next_reply"]
    assert (clock.due, clock.cycle, clock.breached) == (at(14) + timedelta(minutes=5), 2, False)
    again = request.see("customer_replied", at(13), ActorRole.CUSTOMER)["next_reply"]
    assert again == clock
    assert request.see("replied", at(13.5))["next_reply"].phase is ClockPhase.STOPPED


def test_an_event_that_stops_and_starts_begins_a_new_cycle() -> None:
    request = RequestClocks(update=hours(4))
    request.see("replied", at(10))
    clock = request.see("replied", at(12))["update"]
    assert (clock.phase, clock.cycle, clock.due) == (ClockPhase.RUNNING, 2, at(16))
    assert request.see("completed", at(13))["update"].phase is ClockPhase.STOPPED


def test_time_alone_breaches() -> None:
    # Frappe Helpdesk: ten minutes on hold, two hours allowed.
    request = RequestClocks(resolution=hours(2))
    request.see("received", at(10))
    request.see("on_hold", at(10) + timedelta(minutes=10))
    clock = request.see("resumed", at(10) + timedelta(minutes=20))["resolution"]
    assert (clock.due, clock.breached) == (at(12) + timedelta(minutes=10), False)
    assert request.see("timer.due", at(12) + timedelta(minutes=10), ActorRole.SYSTEM)["resolution"].breached


def test_a_reply_at_the_very_due_time_is_in_time_whatever_came_first() -> None:
    request = RequestClocks(first_response=hours(1))
    request.see("received", at(10))
    request.see("timer.due", at(11), ActorRole.SYSTEM)
    assert not request.see("replied", at(11))["first_response"].breached


def test_a_warning_is_no_breach() -> None:
    request = RequestClocks(first_response=hours(1))
    request.see("received", at(10))
    assert not request.see("timer.due", at(10.75), ActorRole.SYSTEM)["first_response"].breached


def test_events_out_of_order_do_not_turn_time_around() -> None:
    request = RequestClocks(first_response=hours(1), resolution=hours(4))
    request.see("received", at(12))
    assert request.see("replied", at(11))["first_response"].stopped == at(12)
    request.see("on_hold", at(13))
    clock = request.see("resumed", at(12.5))["resolution"]
    assert (clock.pauses, clock.due) == ([], at(16))


def test_a_clock_whose_definition_is_gone_is_cancelled() -> None:
    request = RequestClocks(resolution=hours(4))
    clocks = request.see("received", at(10))
    event = ClockEvent("request.updated", at(11), ActorRole.AGENT, RequestStatus.OPEN)
    after = advance_clocks({}, CALENDARS, clocks, {}, event)
    assert after["resolution"].phase is ClockPhase.CANCELLED
    assert advance_clocks({}, CALENDARS, after, {}, event) == after


def test_the_input_is_left_alone() -> None:
    request = RequestClocks(resolution=hours(4))
    request.see("received", at(10))
    request.see("on_hold", at(11))
    before = dict(request.clocks)
    pauses = list(before["resolution"].pauses)
    request.see("resumed", at(12))
    assert before["resolution"].pauses == pauses


def test_a_missing_year_is_named() -> None:
    request = RequestClocks(resolution=hours(400, "this-year"))
    with pytest.raises(CalendarYearMissing, match="this-year has no holidays for 2026"):
        request.see("received", at(10))


def test_an_unknown_calendar_is_named() -> None:
    request = RequestClocks(resolution=hours(4, "nowhere"))
    with pytest.raises(InvalidInput, match="'nowhere' is not in the rulebook"):
        request.see("received", at(10))


def test_a_completed_request_ends_what_its_completion_does_not_meet() -> None:
    request = RequestClocks(frozen=hours(8), next_reply=hours(8), alarm=hours(8), feedback=hours(1))
    request.see("received", at(10))
    request.see("customer_replied", at(10.5))
    clocks = request.see("completed", at(11))

    assert {name: clock.phase.value for name, clock in clocks.items()} == {
        "alarm": "running",
        "feedback": "running",
        "frozen": "cancelled",
        "next_reply": "cancelled",
    }
    assert not any(clock.breached for clock in clocks.values())


@pytest.mark.parametrize("again", ["updated", "completed", "feedback_given"])
def test_what_a_completion_ended_stays_ended_until_the_request_goes_on(again: str) -> None:
    request = RequestClocks(frozen=hours(8), feedback=hours(1))
    request.see("received", at(10))
    request.see("completed", at(11))
    assert request.see(again, at(12))["frozen"].phase is ClockPhase.CANCELLED

    # One of eight hours was used. The three hours in which the request was completed do not count.
    clock = request.see("reopened", at(14))["frozen"]
    assert (clock.phase, clock.due) == (ClockPhase.RUNNING, at(21))


def test_a_completed_request_begins_no_clock_without_an_occasion_of_its_own() -> None:
    request = RequestClocks()
    request.see("received", at(10))
    request.see("completed", at(11))
    request.aim(frozen=hours(8), next_reply=hours(8))
    assert request.see("updated", at(12)) == {}
    assert request.see("customer_replied", at(13))["next_reply"].due == at(21)


def test_a_late_clock_that_a_completion_ends_was_late() -> None:
    request = RequestClocks(frozen=hours(1))
    request.see("received", at(10))
    assert request.see("completed", at(11.5))["frozen"].breached


def test_a_second_completion_leaves_what_began_after_the_first() -> None:
    request = RequestClocks(next_reply=hours(8))
    request.see("received", at(10))
    request.see("completed", at(11))
    request.see("customer_replied", at(12))
    assert request.see("completed", at(13))["next_reply"].due == at(20)


def test_a_standing_condition_does_not_begin_again_what_a_completion_ended() -> None:
    request = RequestClocks(asked=hours(8))
    assert request.see("received", at(10))["asked"].due == at(18)
    assert request.see("completed", at(11))["asked"].phase is ClockPhase.CANCELLED
    assert request.see("updated", at(12))["asked"].phase is ClockPhase.CANCELLED
    assert request.see("reopened", at(14))["asked"].due == at(22)
