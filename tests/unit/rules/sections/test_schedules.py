"""Schedules as files: what they come to, what of them counts for the revision, and the examples of the guides."""

from __future__ import annotations

import re
from datetime import date

import pytest

from answerby.domain.schedule import Audience, Every, OnHoliday, Schedule, ScheduledTask
from tests.kit.places import REFERENCE

FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPORT = """
schedules:
  - id: report
    because: Every month.
    every: month
    by_day: 5
    at: "17:30"
    calendar: cn-business
    for: tenant
    when: {priority: P0}
    due_today: first_response
    most_urgent: 3
    then: {task: {role: duty-manager, template: report}, open_case: review}
templates: {report: {en: "{open} open, {month}"}}
"""


def only(result) -> Schedule:
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    (schedule,) = result.rulebook.schedules.values()
    return schedule


def test_everything_that_a_schedule_may_say(load):
    schedule = only(load({"report.yaml": REPORT}))

    assert (schedule.every, schedule.day, schedule.at) == (Every.MONTH, 5, (17 * 60 + 30) * 60)
    assert (schedule.on_holiday, schedule.audience) == (OnHoliday.PREVIOUS_WORKING_DAY, Audience.TENANT)
    assert (schedule.due_today, schedule.most_urgent) == ("first_response", 3)
    assert (schedule.task, schedule.open_case) == (ScheduledTask("duty-manager", "report"), "review")
    assert schedule.when.field == "priority"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("by_day: 5", "by_day: 6"),
        ("by_day: 5", "{day: last, on_holiday: skip}"),
        ('"17:30"', '"17:31"'),
        ("for: tenant", "for: department"),
        ("priority: P0", "priority: P1"),
        ("    due_today: first_response\n", ""),
        ("most_urgent: 3", "most_urgent: 4"),
        ("open_case: review", "open_case: audit"),
        ("Every month.", "Each month."),
        ("calendar: cn-business", "calendar: always"),
    ],
)
def test_the_revision_changes_with_what_it_says(load, old, new):
    changed = REPORT.replace(old, new.strip("{}").replace(", ", "\n    ") if new.startswith("{") else new)
    before, after = load({"report.yaml": REPORT}), load({"report.yaml": changed})

    assert only(before) != only(after)
    assert before.rulebook.revision != after.rulebook.revision


def test_where_it_stands_and_in_which_order_does_not_matter(load):
    first, second = REPORT, REPORT.replace("id: report", "id: other").partition("templates")[0]
    both = (
        first.partition("templates")[0]
        + second.partition("schedules:\n")[2]
        + "templates"
        + REPORT.partition("templates")[2]
    )

    assert load({"a.yaml": first, "b.yaml": second}).rulebook.revision == load({"z.yaml": both}).rulebook.revision


@pytest.mark.parametrize("page", ["schedules.md", "schedules.zh.md"])
def test_the_example_of_the_guide_loads(load, page):
    (example,) = FENCE.findall((REFERENCE / page).read_text("utf-8"))
    result = load({"example.yaml": example})

    assert only(result).weekdays == (0,)
    assert result.diagnostics == ()


def test_what_is_used_by_a_schedule_alone_is_used(load, base):
    alone = load({"report.yaml": REPORT}, date(2026, 11, 22))
    before = {str(d) for d in load({}, date(2026, 11, 22)).diagnostics}

    assert [str(d) for d in alone.diagnostics if str(d) not in before] == []
