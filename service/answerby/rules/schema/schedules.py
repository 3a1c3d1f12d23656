"""The schema of `schedules:`."""

from __future__ import annotations

from answerby.domain.schedule import LAST_DAY, MOST_LISTED, Audience, Every, OnHoliday
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    IDENTIFIER,
    REASON,
    Schema,
    choice,
    either,
    integer,
    mapping,
    one_or_more,
    one_or_more_mappings,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.calendars.calendar_days import DAYS
from answerby.rules.sections.schedules import LAST, SCHEDULE_KEYS, TASK_KEYS, THEN_KEYS

_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def schedule_schema(names: RulebookNames) -> Schema:
    """The schema of one schedule."""
    task = mapping(TASK_KEYS, {"role": names.role(), "template": names.template()}, required=TASK_KEYS)
    then = mapping(
        THEN_KEYS,
        {
            "notify": with_description(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "task": with_description(task, "A task for a role."),
            "open_case": with_description(IDENTIFIER, "Open a case of this kind."),
        },
    )
    day = either(integer(1, LAST_DAY), choice([LAST]))
    found = mapping(
        SCHEDULE_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": REASON,
            "every": with_description(choice(Every), "How often it comes."),
            "at": with_description({"type": "string", "pattern": _TIME}, "The time of day: 09:00."),
            "on_days": with_description(one_or_more(choice(DAYS)), "The weekdays of a weekly schedule."),
            "day": with_description(day, "The day of the month; last is its last one."),
            "by_day": with_description(day, "That day of the month, or the working day before it."),
            "calendar": with_description(names.calendar(), "Whose days and time zone."),
            "on_holiday": with_description(choice(OnHoliday), "What becomes of a day without work."),
            "for": with_description(choice(Audience), "What one notice is about."),
            "when": with_description(reference("condition"), "Only open requests of which this holds."),
            "due_today": with_description(names.clock(), "Only requests of which this clock is due on that day."),
            "most_urgent": with_description(integer(1, MOST_LISTED), "How many requests a notice names."),
            "then": with_description({**then, "minProperties": 1}, "What it does."),
            "description": ANYTHING,
        },
        required=["id", "because", "every", "at", "calendar", "for", "then"],
    )
    found["allOf"] = [
        _when_every("week", {"required": ["on_days"]}),
        _when_every("month", {"anyOf": [{"required": ["day"]}, {"required": ["by_day"]}]}),
        {"anyOf": [{"required": ["on_holiday"]}, {"required": ["by_day"]}]},
    ]
    return found


def _when_every(every: str, then: Schema) -> Schema:
    return {"if": {"properties": {"every": {"const": every}}, "required": ["every"]}, "then": then}
