"""The schema of `rule_templates:`."""

from __future__ import annotations

from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    ANYTHING,
    IDENTIFIER,
    NONEMPTY_TEXT,
    SCALAR,
    Schema,
    choice,
    either,
    list_of,
    mapping,
    mapping_of,
    with_description,
)
from answerby.rules.sections.rule_templates.expansion import TEMPLATE_KEYS, USE_KEYS
from answerby.rules.sections.rule_templates.parameters import PARAMETER_KEYS, ParameterType
from answerby.rules.sections.stages.rules import RULE_KEYS


def rule_template_schema() -> Schema:
    """One rule template. A {parameter} may stand anywhere in its rules, so the schema checks only the keys of rules."""
    parameter = either(
        choice(ParameterType),
        {"type": "null"},
        mapping(
            PARAMETER_KEYS,
            {
                "type": choice(ParameterType),
                "default": ANY_VALUE,
                "values": list_of(SCALAR),
                "description": ANYTHING,
            },
        ),
    )
    keys = dict.fromkeys((*RULE_KEYS, *USE_KEYS))
    rule: Schema = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(keys, ANYTHING)}
    return mapping(
        TEMPLATE_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": with_description(NONEMPTY_TEXT, "The reason of rules that have none of their own."),
            "description": ANYTHING,
            "parameters": with_description(mapping_of(parameter), "Parameters by name, each with its type."),
            "rules": with_description(list_of(rule), "Rules with {parameters}."),
        },
        required=["id", "rules"],
    )
