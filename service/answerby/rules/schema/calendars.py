"""The schema of `calendar:`."""

from __future__ import annotations

from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    DATE,
    IDENTIFIER,
    NONEMPTY_TEXT,
    TEXT,
    Schema,
    choice,
    either,
    integer,
    list_of,
    mapping,
    mapping_of,
    one_or_more,
    one_or_more_mappings,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.calendars.calendar import CALENDAR_KEYS
from answerby.rules.sections.calendars.calendar_days import DAYS, RANGE_KEYS
from answerby.rules.sections.calendars.holiday_sources import SOURCE_KEYS

_HOURS: Schema = {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}\s*-\s*[0-9]{2}:[0-9]{2}$"}


_YEARLY: Schema = {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"}


def calendar_schema(names: RulebookNames) -> Schema:
    """The schema of one calendar."""
    hours = either(_HOURS, list_of(_HOURS, least=0))
    day_range = mapping(RANGE_KEYS, {"from": DATE, "to": DATE, "name": TEXT})
    dated = mapping_of(hours, keys=DATE)
    year = integer(1970, 2200)
    found = mapping(
        CALENDAR_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name; always is built in."),
            "timezone": with_description(NONEMPTY_TEXT, "Such as Asia/Shanghai."),
            "weekly": with_description(mapping_of(hours), "Hours by day: mon-fri, sat, daily."),
            "years": with_description(one_or_more(year), "Years whose holidays are complete."),
            "provisional": with_description(one_or_more(year), "Years whose holidays are published only in part."),
            "holidays": with_description(
                either(mapping_of(TEXT, keys=DATE), list_of(either(DATE, day_range))), "Days off."
            ),
            "holidays_from": with_description(
                one_or_more_mappings(_holiday_source()), "A country's holidays, or an iCalendar file."
            ),
            "extra_workdays": with_description(
                either(mapping_of(choice(DAYS), keys=DATE), list_of(DATE)),
                "Make-up working days, and whose hours they have.",
            ),
            "annual_holidays": with_description(
                either(mapping_of(TEXT, keys=_YEARLY), list_of(_YEARLY)), "Days off every year: MM-DD."
            ),
            "overrides": with_description(dated, "Hours of single days; [] is closed."),
            "breaks": with_description(dated, "Hours that are left out on single days."),
            "within": with_description(one_or_more(names.calendar()), "Only while these calendars are open too."),
            "description": ANYTHING,
            "because": ANYTHING,
            "source": ANYTHING,
        },
        required=["id", "timezone", "weekly"],
    )
    # What is taken from elsewhere is taken for the years that the calendar lists.
    found["dependencies"] = {"holidays_from": {"anyOf": [{"required": ["years"]}, {"required": ["provisional"]}]}}
    return found


def _holiday_source() -> Schema:
    found = mapping(
        SOURCE_KEYS,
        {
            "country": with_description(TEXT, "Such as CN or US."),
            "subdivision": with_description(TEXT, "A state or province."),
            "categories": one_or_more(TEXT),
            "language": one_or_more(TEXT),
            "observed": BOOLEAN,
            "ics": with_description(TEXT, "An iCalendar file in the rule folder."),
            "without": with_description(one_or_more(TEXT), "Names of holidays that are left out."),
        },
    )
    return {**found, "oneOf": [{"required": ["country"]}, {"required": ["ics"]}]}
