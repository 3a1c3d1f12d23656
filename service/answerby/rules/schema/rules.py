"""The schemas of one rule, and of the use of a rule template."""

from __future__ import annotations

from answerby.rules.model.rulebook import RuleMode
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    IDENTIFIER,
    INSTANT,
    TEXT,
    Schema,
    choice,
    integer,
    list_of,
    mapping,
    mapping_of,
    reference,
    with_description,
)
from answerby.rules.schema.rule_properties import (
    END_HELP,
    MODE_HELP,
    OWNER_HELP,
    PROTECTED_HELP,
    RULE_REASON,
    START_HELP,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.rule_templates.expansion import USE_KEYS
from answerby.rules.sections.stages.rule_keys import MAX_RANK
from answerby.rules.sections.stages.rules import RULE_KEYS


def rule_schema(names: RulebookNames) -> Schema:
    """The schema of one rule."""
    return mapping(
        RULE_KEYS,
        {
            "id": with_description(IDENTIFIER, "A name of its own."),
            "because": RULE_REASON,
            "rank": with_description(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "when": with_description(reference("condition"), "The condition; a rule without one always matches."),
            "otherwise": with_description({"const": True}, "In place of a condition: the rule always matches."),
            "then": with_description(reference("outputs"), "What the rule decides."),
            "enabled_from": with_description(INSTANT, START_HELP),
            "until": with_description(INSTANT, END_HELP),
            "owner": with_description(names.owner(), OWNER_HELP),
            "mode": with_description(choice(RuleMode), MODE_HELP),
            "protected": with_description(BOOLEAN, PROTECTED_HELP),
            "description": ANYTHING,
        },
        required=["id", "because", "then"],
    )


def use_schema() -> Schema:
    """The schema of one use of a rule template."""
    return mapping(
        USE_KEYS,
        {
            "use": with_description(TEXT, "The id of a rule template."),
            "with": with_description(mapping_of(ANYTHING), "Its parameters, for all entries of for_each."),
            "for_each": with_description(list_of(mapping_of(ANYTHING)), "One set of rules for each entry."),
            "description": ANYTHING,
        },
        required=["use"],
    )
