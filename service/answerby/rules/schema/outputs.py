"""The schemas of outputs: `then:`, targets, notifications, and outputs that must not stand alone."""

from __future__ import annotations

from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    BOOLEAN,
    DURATION,
    IDENTIFIER,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    mapping,
    mapping_of,
    one_or_more,
    one_or_more_mappings,
    reference,
    with_description,
)
from answerby.rules.schema.rule_properties import RULE_REASON
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.stages.complete_outputs import COMPLETE_KEYS
from answerby.rules.sections.stages.notifications import NOTIFY_KEYS
from answerby.rules.sections.stages.outputs import LADDER_PREFIX, TARGET_KEYS, TARGET_PREFIX


def outputs_schema(names: RulebookNames) -> Schema:
    """The outputs of all stages. A schema cannot look up the stage of the file, so it cannot choose among them."""
    special: dict[str, Schema] = {
        "notify": with_description(
            one_or_more_mappings(reference("notification")), "Tell a role at once (stage escalation)."
        ),
        "open_case": with_description(IDENTIFIER, "Open a case of this kind (stage escalation)."),
        "require": with_description(one_or_more(names.field()), "Facts that the request needs (stage completeness)."),
    }
    if not names.fields:
        return {
            "type": "object",
            "minProperties": 1,
            "properties": special,
            "patternProperties": {
                f"^{TARGET_PREFIX.replace('.', '[.]')}": reference("target"),
                f"^{LADDER_PREFIX.replace('.', '[.]')}": TEXT,
            },
            "additionalProperties": one_or_more(SCALAR),
        }
    derived = {name: field for name, field in names.fields.items() if field.derived_by}
    values: dict[str, Schema] = {}
    for name, field in derived.items():
        value = choice([*field.values, *field.aliases]) if field.values else SCALAR
        stages = " and ".join(field.derived_by)
        values[name] = with_description(
            one_or_more(value) if field.type is FieldType.SET else value, f"Set in stage {stages}."
        )
    for clock in names.clocks:
        values[TARGET_PREFIX + clock] = with_description(
            {"allOf": [reference("target")]}, f"Within what time (stage sla): {clock}."
        )
        values[LADDER_PREFIX + clock] = with_description(names.ladder(), "The ladder of this clock (stage escalation).")
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**special, **values},
        # A clock with `per` runs once for each value of a field, and has the name `<clock>@<value>`.
        "patternProperties": {f"^{TARGET_PREFIX.replace('.', '[.]')}.*@": reference("target")},
        "additionalProperties": False,
    }


def target_schema(names: RulebookNames) -> Schema:
    """The schema of a target: a duration, or a mapping with `within`."""
    long = mapping(
        TARGET_KEYS,
        {
            "within": with_description(DURATION, "15m, 2h, 1h30m, or 2bd (working days)."),
            "calendar": with_description(names.calendar(), "The working time that counts; always: around the clock."),
            "end_of_day": with_description(BOOLEAN, "Due at the end of the working day on which the time is used up."),
        },
        required=["within"],
    )
    return either(DURATION, long)


def notification_schema(names: RulebookNames) -> Schema:
    """The schema of one notification."""
    found = mapping(
        NOTIFY_KEYS,
        {
            "role": with_description(
                one_or_more(names.role()), "Whom to tell; owner: whoever routing made responsible."
            ),
            "roles": with_description(
                one_or_more(names.role()), "Whom to tell; owner: whoever routing made responsible."
            ),
            "template": with_description(names.template(), "The message."),
            "urgent": with_description(BOOLEAN, "Does not wait for quiet hours to end."),
            "until_acknowledged": with_description(BOOLEAN, "Asks for an acknowledgement."),
        },
    )
    return {**found, "anyOf": [{"required": ["role"]}, {"required": ["roles"]}]}


def complete_output_schema() -> Schema:
    """The schema of one entry of `complete_outputs:`."""
    return mapping(
        COMPLETE_KEYS,
        {
            "sets": with_description(mapping_of(ANY_VALUE, least=1), "Who sets this (any: to whatever value) ..."),
            "also": with_description(one_or_more(TEXT), "... must set this too."),
            "because": RULE_REASON,
        },
        required=COMPLETE_KEYS,
    )
