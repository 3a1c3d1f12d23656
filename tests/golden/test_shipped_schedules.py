"""The schedules that ship: whom they tell what, on which days of 2026."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerby.domain.event import ActorRole, Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.schedules.decide_schedule import ScheduleFiring, decide_schedule
from answerby.engine.schedules.summary import Summary
from answerby.rules.loader import load_rulebook
from answerby.sla.occurrences import Occurrence, occurrences
from tests.kit.places import RULES


@pytest.fixture(scope="module")
def compiled() -> CompiledRulebook:
    result = load_rulebook(RULES)
    assert result.rulebook is not None
    return compile_rulebook(result.rulebook, "reference")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def dates(compiled: CompiledRulebook, name: str, after: str, until: str) -> list[str]:
    schedule = compiled.rulebook.schedules[name]
    calendar = compiled.rulebook.calendars[schedule.calendar]
    return [f"{item.day} {item.time:%H:%M}" for item in occurrences(schedule, calendar, at(after), at(until))]


def request(compiled: CompiledRulebook, request_id: str, *steps: tuple[str, str, dict]) -> RequestState:
    state = None
    for number, (type_, when, facts) in enumerate(steps):
        actor = ActorRole.CUSTOMER if type_.endswith("received") else ActorRole.AGENT
        event = Event(
            source="crm",
            id=f"{request_id}/{number}",
            type=type_,
            time=at(when),
            request_id=request_id,
            actor=actor,
            data=facts,
        )
        state = decide(compiled, state, event, Context(), event.time).state
    assert state is not None
    return state


FAULT = {"channel": "phone", "stated.urgency": "normal", "text.body": "The machine in hall 2 does not start."}
OPEN = (("request.received", "2026-03-02T10:00", FAULT), ("request.accepted", "2026-03-02T11:00", {}))


def fire(compiled: CompiledRulebook, name: str, when: str, *states: RequestState):
    schedule = compiled.rulebook.schedules[name]
    calendar = compiled.rulebook.calendars[schedule.calendar]
    occurrence: Occurrence = occurrences(schedule, calendar, at("2026-01-01T00:00"), at(when))[-1]
    assert occurrence.time == at(when)
    summary = Summary(compiled, schedule, occurrence, at(when))
    for state in states:
        summary.add(state)
    return decide_schedule(compiled, ScheduleFiring("default", schedule, occurrence, (), 1), summary, at(when))


def test_when_they_come(compiled: CompiledRulebook) -> None:
    assert dates(compiled, "daily-progress", "2026-09-28T12:00", "2026-10-11T12:00") == [
        *("2026-09-29 01:00", "2026-09-30 01:00", "2026-10-08 01:00", "2026-10-09 01:00", "2026-10-10 01:00"),
    ]
    assert dates(compiled, "weekly-digest", "2026-09-20T12:00", "2026-10-13T12:00") == [
        *("2026-09-21 01:00", "2026-09-28 01:00", "2026-10-08 01:00", "2026-10-12 01:00"),
    ]
    assert dates(compiled, "monthly-report", "2026-08-01T12:00", "2026-12-31T12:00") == [
        *("2026-08-05 01:00", "2026-09-04 01:00", "2026-09-30 01:00", "2026-11-05 01:00", "2026-12-04 01:00"),
    ]


def test_the_owner_is_reminded_on_the_day_on_which_progress_is_due(compiled: CompiledRulebook) -> None:
    # Accepted on Monday at 11:00: the first report is due on Tuesday at 11:00.
    state = request(compiled, "R-1", *OPEN)
    decision = fire(compiled, "daily-progress", "2026-03-03T09:00", state)
    (asked,) = decision.follow_ups
    assert decision.effects == []

    told = decide(compiled, state, asked, Context(), at("2026-03-03T09:00:01"))

    (effect,) = [e for e in told.effects if e.kind == "notify"]
    assert (effect.role, effect.payload["template"]) == (state.derived["role"], "progress-due")
    assert effect.payload["due"] == "2026-03-03T11:00:00+08:00"
    assert effect.payload["text.zh"] == "{number} 今日 2026年3月3日 11:00 前需更新进度"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((("request.progress_reported", "2026-03-03T08:30", {}),), "reported early that day: due on Wednesday"),
        ((("request.on_hold", "2026-03-02T14:00", {}),), "the clock stands still"),
        ((("request.completed", "2026-03-02T15:00", {}),), "done"),
    ],
)
def test_no_reminder_where_none_is_due_that_day(compiled: CompiledRulebook, steps, why) -> None:
    state = request(compiled, "R-1", *OPEN, *steps)

    assert fire(compiled, "daily-progress", "2026-03-03T09:00", state).follow_ups == [], why


def test_what_the_ladder_tells_of_is_not_told_again(compiled: CompiledRulebook) -> None:
    # Due on Tuesday at 11:00 and not reported: the ladder has told at 11:00. On Wednesday the schedule is silent.
    state = request(compiled, "R-1", *OPEN)

    assert fire(compiled, "daily-progress", "2026-03-04T09:00", state).follow_ups == []


def test_a_digest_for_the_head_of_each_department(compiled: CompiledRulebook) -> None:
    one = request(compiled, "R-1", *OPEN)
    bill = {"channel": "email", "stated.urgency": "normal", "text.body": "请问发票什么时候开？"}
    other = request(compiled, "R-2", ("request.received", "2026-03-06T10:00", bill))
    assert one.derived["department"] != other.derived["department"]

    decision = fire(compiled, "weekly-digest", "2026-03-09T09:00", one, other)

    told = {effect.payload["department"]: effect for effect in decision.effects}
    assert set(told) == {one.derived["department"], other.derived["department"]}
    assert {effect.role for effect in told.values()} == {"department-head"}
    digest = told[one.derived["department"]].payload
    assert (digest["open"], digest["late"], digest["most_urgent"]) == (1, 1, ["R-1"])
    assert "oldest R-1, 6 days" in str(digest["text.en"])


def test_the_monthly_report_is_a_task_with_the_month_and_the_day(compiled: CompiledRulebook) -> None:
    decision = fire(compiled, "monthly-report", "2026-09-30T09:00")

    (task,) = decision.effects
    assert (task.kind, task.role) == ("create_task", "duty-manager")
    assert (task.payload["month"], task.payload["by"], task.payload["date"]) == ("2026-09", "2026-10-05", "2026-09-30")
    assert str(task.payload["text.en"]).startswith(
        "Report on 2026-09 (volume, on-time rate, satisfaction) by 2026-10-05."
    )
