"""The schemas of `clocks:` and of triggers."""

from __future__ import annotations

from answerby.domain.event import ActorRole
from answerby.domain.request import RequestStatus
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    IDENTIFIER,
    NONEMPTY_TEXT,
    REASON,
    TEXT,
    Schema,
    choice,
    either,
    mapping,
    mapping_of,
    one_or_more,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.clocks.clock import CLOCK_CHOICES, CLOCK_KEYS, OCCASION_KEYS
from answerby.rules.sections.clocks.clock_kinds import KINDS
from answerby.rules.sections.clocks.triggers import TRIGGER_KEYS


def clock_schema(names: RulebookNames) -> Schema:
    """The schema of one clock."""
    triggers: Schema = {"type": "array", "items": either(TEXT, reference("trigger"))}
    occasions = either(reference("trigger"), TEXT, triggers)
    several: Schema = {"type": "array", "items": choice(RequestStatus)}
    statuses = either(choice(RequestStatus), several)
    help_of = {
        "start": "What starts it; absent: as soon as stage sla gives it a target.",
        "stop": "What meets it.",
        "pause": "What makes it stand still.",
        "resume": "What lets it go on.",
        "cancel": "What ends it without meeting it.",
        "reset": "What ends it, so that it may start again.",
    }
    assert set(help_of) == set(OCCASION_KEYS)
    return mapping(
        CLOCK_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name; rules set sla.<id>."),
            "kind": with_description(choice(KINDS), "A preset of what starts, pauses and stops it."),
            "label": with_description(either(NONEMPTY_TEXT, mapping_of(NONEMPTY_TEXT)), "Its title, by language."),
            "because": REASON,
            "task": with_description(names.template(), "The text of a task for its role."),
            "calendar": with_description(names.calendar(), "The working time that counts; always: around the clock."),
            **{key: with_description(occasions, text) for key, text in help_of.items()},
            "pause_while": with_description(statuses, "Statuses during which it stands still; [] for none."),
            **{key: choice(values) for key, values in CLOCK_CHOICES.items()},
            "per": with_description(names.field(), "A field for each of whose values there is a clock of its own."),
            "ladder": with_description(names.ladder(), "What happens as it runs out."),
            "role": with_description(names.role(), "Who answers for it."),
            "description": ANYTHING,
        },
        required=["id", "because"],
    )


def trigger_schema() -> Schema:
    """The schema of a trigger: event types, actors and a condition."""
    found = mapping(
        TRIGGER_KEYS,
        {
            "event": with_description(one_or_more(TEXT), "Types of events."),
            "actor": with_description(one_or_more(choice(ActorRole)), "Whose events; absent: anybody's."),
            "when": with_description(reference("condition"), "What must hold."),
        },
    )
    return {**found, "anyOf": [{"required": ["event"]}, {"required": ["when"]}]}
