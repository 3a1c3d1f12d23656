"""Ladders: which timers a clock has, when they move, and that none outlives its clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit, Timer
from answerby.domain.ladder import Ladder, Notification, Offsets, Step
from answerby.domain.request import Answer
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.ladders import TimerPlanning, arm, next_repeat, plan_timers

H, M = 3600, 60
FRIDAY = datetime(2026, 3, 6, tzinfo=UTC)
CALENDARS = {
    "always": ALWAYS,
    "office": Calendar.build("office", weekly=dict.fromkeys(range(5), ((9 * H, 17 * H),))),
    "this-year": Calendar.build(
        "this-year", weekly=dict.fromkeys(range(5), ((9 * H, 17 * H),)), years=[2026], holidays=[date(2026, 12, 25)]
    ),
}
TELL = (Notification(("duty-manager",), until_acknowledged=True),)


def step(offset: int | None = None, percent: int | None = None, every: int = 0, at_most: int = 0) -> Step:
    return Step(offset, percent, TELL, repeat_every_seconds=every, repeat_at_most=at_most)


LADDERS = {
    "standard": Ladder("standard", (step(percent=75), step(-30 * M), step(0, every=30 * M, at_most=3), step(H))),
    "days": Ladder("days", (Step(None, None, TELL, offset_days=-1), step(0), Step(None, None, TELL, offset_days=1))),
    "hours": Ladder("hours", (step(-2 * H), step(0), step(4 * H)), offsets=Offsets.WORKING_TIME),
    "no-days": Ladder("no-days", (Step(None, None, TELL, offset_days=0),)),
    "percents": Ladder("percents", (step(percent=50), step(percent=100), step(percent=150))),
}


def at(hour: float, day: int = 0) -> datetime:
    """Hours and days from Friday, 6 March 2026, midnight UTC."""
    return FRIDAY + timedelta(days=day, hours=hour)


def clock(**changes: object) -> ClockState:
    """Four hours from ten."""
    running = ClockState(
        name="resolution",
        phase=ClockPhase.RUNNING,
        target=Target(4 * H, calendar="always"),
        started=at(10),
        due=at(14),
        ladder="standard",
    )
    return replace(running, **changes)


def times(timers: list[Timer]) -> dict[int, datetime]:
    return {timer.step: timer.due for timer in timers}


def by_id(timers: list[Timer]) -> dict[str, Timer]:
    return {timer.id: timer for timer in timers}


def test_offsets_and_percentages() -> None:
    timers = arm(LADDERS, CALENDARS, clock())
    assert times(timers) == {0: at(13), 1: at(13.5), 2: at(14), 3: at(15)}
    assert [timer.id for timer in timers] == [f"resolution/1/{n}/0" for n in range(4)]
    assert {(timer.clock, timer.cycle, timer.repeat) for timer in timers} == {("resolution", 1, 0)}


def test_percentages_are_of_working_time_and_offsets_of_the_wall() -> None:
    office = clock(target=Target(4 * H, calendar="office"), started=at(15), due=at(11, 3))
    assert times(arm(LADDERS, CALENDARS, office)) == {0: at(10, 3), 1: at(10.5, 3), 2: at(11, 3), 3: at(12, 3)}
    percents = replace(office, ladder="percents")
    assert times(arm(LADDERS, CALENDARS, percents)) == {0: at(17), 1: at(11, 3), 2: at(13, 3)}


def test_percentages_of_working_days() -> None:
    target = Target(2, TargetUnit.WORKING_DAYS, "office")
    two_days = clock(target=target, started=at(13), due=at(13, 4), ladder="percents")
    assert times(arm(LADDERS, CALENDARS, two_days)) == {0: at(13, 3), 1: at(13, 4), 2: at(13, 5)}


def test_percentages_leave_pauses_out() -> None:
    paused = clock(pauses=[(at(11), at(12)), (at(14.5), at(15))], due=at(15.5), ladder="percents")
    assert times(arm(LADDERS, CALENDARS, paused)) == {0: at(13), 1: at(15.5), 2: at(17.5)}


def test_a_warning_before_the_start_is_left_out() -> None:
    short = clock(target=Target(15 * M, calendar="always"), due=at(10.25))
    assert sorted(times(arm(LADDERS, CALENDARS, short))) == [0, 2, 3]


@pytest.mark.parametrize("phase", [ClockPhase.PAUSED, ClockPhase.STOPPED, ClockPhase.CANCELLED])
def test_only_a_running_clock_has_timers(phase: ClockPhase) -> None:
    assert arm(LADDERS, CALENDARS, clock(phase=phase)) == []


@pytest.mark.parametrize("ladder", ["", "gone"])
def test_no_ladder_no_timers(ladder: str) -> None:
    assert arm(LADDERS, CALENDARS, clock(ladder=ladder)) == []


def office_clock(**changes: object) -> ClockState:
    return clock(target=Target(4 * H, calendar="office"), **changes)


def test_working_days_around_a_due_time_at_closing() -> None:
    closing = office_clock(started=at(13, -1), due=at(17), ladder="days")
    assert times(arm(LADDERS, CALENDARS, closing)) == {0: at(17, -1), 1: at(17), 2: at(17, 3)}


def test_working_hours_around_a_due_time_at_closing() -> None:
    closing = office_clock(started=at(13), due=at(17), ladder="hours")
    assert times(arm(LADDERS, CALENDARS, closing)) == {0: at(15), 1: at(17), 2: at(13, 3)}


def test_offsets_from_a_due_time_set_by_hand_outside_working_time() -> None:
    saturday = office_clock(started=at(10, -4), due=at(15, 1), manual=True, ladder="days")
    assert times(arm(LADDERS, CALENDARS, saturday)) == {0: at(9), 1: at(15, 1), 2: at(9, 4)}
    hours = replace(saturday, ladder="hours")
    assert times(arm(LADDERS, CALENDARS, hours)) == {0: at(15), 1: at(15, 1), 2: at(13, 3)}
    assert times(arm(LADDERS, CALENDARS, replace(saturday, ladder="no-days"))) == {0: at(15, 1)}


@pytest.mark.parametrize("ladder", ["days", "hours"])
def test_a_later_round_keeps_distances_in_working_time(ladder: str) -> None:
    # The round begins on Friday at 15:00, with the step at due; the next step comes 8 or 4 working hours later.
    again = office_clock(started=at(10, -4), due=at(15, -2), ladder=ladder, round=1, round_started=at(15), round_from=1)
    assert times(arm(LADDERS, CALENDARS, again)) == {1: at(15), 2: at(15, 3) if ladder == "days" else at(11, 3)}


def test_a_later_round_beyond_the_known_years_assumes_no_holidays() -> None:
    again = clock(
        target=Target(4 * H, calendar="this-year"),
        due=datetime(2026, 12, 30, 15, tzinfo=UTC),
        ladder="days",
        round=1,
        round_started=datetime(2026, 12, 31, 15, tzinfo=UTC),
        round_from=1,
    )
    assert times(arm(LADDERS, CALENDARS, again))[2] == datetime(2027, 1, 1, 15, tzinfo=UTC)


def test_a_percentage_beyond_the_known_years_assumes_no_holidays() -> None:
    late = clock(
        target=Target(8 * H, calendar="this-year"),
        started=datetime(2026, 12, 31, 9, tzinfo=UTC),
        due=datetime(2026, 12, 31, 17, tzinfo=UTC),
        ladder="percents",
    )
    assert times(arm(LADDERS, CALENDARS, late))[2] == datetime(2027, 1, 1, 13, tzinfo=UTC)


class Plan:
    """The timers of a request, planned event by event; `armed` is what a timer store would hold."""

    def __init__(self) -> None:
        self.timers: dict[str, Timer] = {}
        self.armed: dict[str, datetime] = {}

    def at(self, now: datetime, *clocks: ClockState, acknowledged: bool = False) -> None:
        answers = {}
        if acknowledged:
            answers = {c.name: Answer(cycle=c.cycle, time=now, due=c.due) for c in clocks}
            self.timers = {name: replace(timer, answered=timer.fired) for name, timer in self.timers.items()}
        planning = TimerPlanning(LADDERS, CALENDARS, now, answers)
        to_arm, to_cancel, self.timers = plan_timers(planning, self.timers, {c.name: c for c in clocks})
        for name in to_cancel:
            del self.armed[name]
        self.armed.update((timer.id, timer.due) for timer in to_arm)
        assert self.armed == {timer.id: timer.due for timer in self.timers.values() if not timer.fired}

    def fire(self, name: str) -> None:
        del self.armed[name]
        self.timers[name] = replace(self.timers[name], fired=True)


def resolution(*steps: str) -> list[str]:
    return [f"resolution/{text}" for text in steps]


def test_planning_again_changes_nothing() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    assert len(plan.armed) == 4
    assert plan_timers(TimerPlanning(LADDERS, CALENDARS, at(11)), plan.timers, {"resolution": clock()}) == (
        [],
        [],
        plan.timers,
    )


def test_a_moved_due_time_moves_the_timers_under_their_ids() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.at(at(11), clock(target=Target(6 * H, calendar="always"), due=at(16)))
    assert plan.armed["resolution/1/2/0"] == at(16)
    assert len(plan.armed) == 4


@pytest.mark.parametrize("phase", [ClockPhase.STOPPED, ClockPhase.CANCELLED])
def test_timers_stop_when_the_clock_stops(phase: ClockPhase) -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.at(at(11), clock(phase=phase, stopped=at(11)))
    assert plan.armed == {}


def test_a_clock_that_is_gone_takes_its_timers_along() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.fire("resolution/1/0/0")
    plan.at(at(11))
    assert plan.armed == plan.timers == {}


def test_a_pause_cancels_and_resuming_arms_what_has_not_fired() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.fire("resolution/1/0/0")
    plan.at(at(13.25), clock(phase=ClockPhase.PAUSED, due=None, paused_since=at(13.25)))
    assert plan.armed == {}
    plan.at(at(14.25), clock(pauses=[(at(13.25), at(14.25))], due=at(15)))
    assert plan.armed == {"resolution/1/1/0": at(14.5), "resolution/1/2/0": at(15), "resolution/1/3/0": at(16)}


def test_a_step_that_fired_is_armed_again_for_a_later_due_time_only() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.fire("resolution/1/0/0")
    fired = plan.timers["resolution/1/0/0"]
    # Three quarters of this target had passed before.
    plan.at(at(13.1), clock(target=Target(39 * H // 10, calendar="always"), due=at(13.9)))
    assert sorted(plan.armed) == resolution("1/1/0", "1/2/0", "1/3/0")
    plan.at(at(13.2), clock(target=Target(8 * H, calendar="always"), due=at(18)))
    assert plan.armed == {f"resolution/1/{n}/0": due for n, due in enumerate((at(16), at(17.5), at(18), at(19)))}
    plan.at(at(13.3), clock())
    assert sorted(plan.armed) == resolution("1/1/0", "1/2/0", "1/3/0")
    assert plan.timers["resolution/1/0/0"] == fired


def test_a_new_cycle_climbs_the_ladder_again() -> None:
    plan = Plan()
    plan.at(at(10), clock())
    plan.fire("resolution/1/0/0")
    plan.at(at(16), clock(cycle=2, started=at(16), due=at(20)))
    assert sorted(plan.armed) == resolution("2/0/0", "2/1/0", "2/2/0", "2/3/0")
    assert all(timer.cycle == 2 for timer in plan.timers.values())


def test_steps_that_are_past_when_first_planned_are_armed_to_fire_at_once() -> None:
    plan = Plan()
    plan.at(at(14.5), clock())
    assert [name for name, due in plan.armed.items() if due <= at(14.5)] == resolution("1/0/0", "1/1/0", "1/2/0")


def test_arming_is_in_order_of_time() -> None:
    other = clock(name="first_response", due=at(12), target=Target(2 * H, calendar="always"))
    to_arm, _, _ = plan_timers(
        TimerPlanning(LADDERS, CALENDARS, at(10)), {}, {"resolution": clock(), "first_response": other}
    )
    assert [timer.due for timer in to_arm] == sorted(timer.due for timer in to_arm)
    assert len(to_arm) == 8


def test_repeats_until_the_cap() -> None:
    timer = by_id(arm(LADDERS, CALENDARS, clock()))["resolution/1/2/0"]
    dues = []
    following: Timer | None = timer
    while following is not None:
        dues.append((following.id, following.due))
        following = next_repeat(LADDERS["standard"], clock(), following, following.due, acknowledged=False)
    assert dues == [(f"resolution/1/2/{n}", at(14 + n / 2)) for n in range(4)]


def test_repeats_end_with_the_acknowledgement_the_clock_and_the_cycle() -> None:
    timer = by_id(arm(LADDERS, CALENDARS, clock()))["resolution/1/2/0"]
    ladder = LADDERS["standard"]
    assert next_repeat(ladder, clock(), timer, at(14), acknowledged=True) is None
    assert next_repeat(ladder, clock(phase=ClockPhase.STOPPED), timer, at(14), acknowledged=False) is None
    assert next_repeat(ladder, clock(phase=ClockPhase.PAUSED), timer, at(14), acknowledged=False) is None
    assert next_repeat(ladder, clock(cycle=2), timer, at(14), acknowledged=False) is None
    assert next_repeat(Ladder("cut", ()), clock(), timer, at(14), acknowledged=False) is None


def test_a_step_without_repeat_fires_once() -> None:
    timer = by_id(arm(LADDERS, CALENDARS, clock()))["resolution/1/3/0"]
    assert next_repeat(LADDERS["standard"], clock(), timer, at(15), acknowledged=False) is None


@pytest.mark.parametrize(("fired", "due"), [(14, 14.5), (14.25, 14.5), (14.5, 15), (17.1, 17.5)])
def test_repeats_missed_while_down_are_passed_over(fired: float, due: float) -> None:
    timer = by_id(arm(LADDERS, CALENDARS, clock()))["resolution/1/2/0"]
    following = next_repeat(LADDERS["standard"], clock(), timer, at(fired), acknowledged=False)
    assert following is not None
    assert (following.id, following.due) == ("resolution/1/2/1", at(due))


def overdue() -> Plan:
    """The breach has fired once and its repeat waits."""
    plan = Plan()
    plan.at(at(10), clock())
    for name in resolution("1/0/0", "1/1/0", "1/2/0"):
        plan.fire(name)
    plan.at(at(14), clock(breached=True))
    assert plan.armed == {"resolution/1/2/1": at(14.5), "resolution/1/3/0": at(15)}
    return plan


def test_a_waiting_repeat_is_kept() -> None:
    plan = overdue()
    plan.at(at(14.2), clock(breached=True))
    assert sorted(plan.armed) == resolution("1/2/1", "1/3/0")
    plan.at(at(14.3), clock(breached=True))
    assert sorted(plan.armed) == resolution("1/2/1", "1/3/0")


def test_the_acknowledgement_ends_the_waiting_repeat() -> None:
    plan = overdue()
    plan.at(at(14.2), clock(breached=True), acknowledged=True)
    assert sorted(plan.armed) == resolution("1/3/0")


def test_repeats_stop_with_the_clock() -> None:
    plan = overdue()
    plan.at(at(14.2), clock(phase=ClockPhase.STOPPED, stopped=at(14.2), breached=True))
    assert plan.armed == {}


def test_repeats_go_on_after_a_pause_without_counting_again() -> None:
    plan = overdue()
    plan.fire("resolution/1/2/1")
    plan.at(at(14.5), clock(breached=True))
    plan.at(at(14.6), clock(phase=ClockPhase.PAUSED, due=None, paused_since=at(14.6), breached=True))
    assert plan.armed == {}
    plan.at(at(16.1), clock(pauses=[(at(14.6), at(16.1))], breached=True))
    assert plan.armed["resolution/1/2/2"] == at(16.5)


def test_repeats_stop_when_a_new_target_is_no_longer_over() -> None:
    plan = overdue()
    plan.at(at(14.2), clock(target=Target(8 * H, calendar="always"), due=at(18)))
    # No repeat is left, and the later due time has its steps.
    assert plan.armed == {f"resolution/1/{n}/0": due for n, due in enumerate((at(16), at(17.5), at(18), at(19)))}


def test_the_cap_holds_over_planning() -> None:
    plan = overdue()
    for n in (1, 2, 3):
        plan.fire(f"resolution/1/2/{n}")
        plan.at(at(14 + n / 2), clock(breached=True))
    assert sorted(plan.armed) == resolution("1/3/0")
