"""The definitions of all sections, such as `fields:`, `lexicons:` and `clocks:`."""

from __future__ import annotations

from answerby.rules.schema.building_blocks import NONEMPTY_TEXT, Schema, list_of, mapping_of, with_description
from answerby.rules.schema.calendars import calendar_schema
from answerby.rules.schema.clocks import clock_schema
from answerby.rules.schema.ladders import ladder_schema
from answerby.rules.schema.rule_templates import rule_template_schema
from answerby.rules.schema.rulebook import rulebook_schema
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.schema.schedules import schedule_schema
from answerby.rules.schema.vocabulary import field_schema, lexicon_schema


def section_definitions(names: RulebookNames) -> dict[str, Schema]:
    """The definitions of the sections, by the name of the section."""
    return {
        "fields": with_description(
            mapping_of(field_schema(names), keys={"pattern": r"^[^\s.]+(\.[^\s.]+)*$"}), "Fields by name."
        ),
        "lexicons": with_description(mapping_of(lexicon_schema(names)), "Lists of words and phrases by name."),
        "calendar": with_description(calendar_schema(names), "Working time and holidays."),
        "clocks": with_description(list_of(clock_schema(names)), "What starts, stops and pauses each clock."),
        "ladders": with_description(list_of(ladder_schema(names)), "What happens as a clock runs out, and after."),
        "templates": with_description(
            mapping_of(mapping_of(NONEMPTY_TEXT, least=1)), "Message texts by name and language."
        ),
        "rulebook": with_description(rulebook_schema(), "Stages, roles, departments, numbering."),
        "schedules": with_description(
            list_of(schedule_schema(names)), "What is told or begun at a time of the calendar."
        ),
        "rule_templates": with_description(list_of(rule_template_schema()), "Patterns of rules, written once."),
    }
