"""Files with `stage:`, and the definitions of rules, tables, scores and outputs."""

from __future__ import annotations

from answerby.rules.model.rulebook import EVALUATION_ORDER, HitPolicy
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    Schema,
    choice,
    integer,
    list_of,
    mapping,
    reference,
    with_description,
)
from answerby.rules.schema.outputs import complete_output_schema, notification_schema, outputs_schema, target_schema
from answerby.rules.schema.rule_properties import OWNER_HELP
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.schema.rules import rule_schema, use_schema
from answerby.rules.schema.scores import factor_schema, score_schema
from answerby.rules.schema.tables import row_schema, table_schema
from answerby.rules.sections.stages.rule_keys import MAX_RANK
from answerby.rules.sections.stages.stage_file import STAGE_FILE_KEYS


def stage_definitions(names: RulebookNames) -> dict[str, Schema]:
    """The definitions that files with `stage:` refer to, by name."""
    return {
        "rule": rule_schema(names),
        "use": use_schema(),
        "outputs": outputs_schema(names),
        "target": target_schema(names),
        "notification": notification_schema(names),
        "table": table_schema(names),
        "row": row_schema(),
        "score": score_schema(names),
        "factor": factor_schema(names),
        "completeOutput": complete_output_schema(),
    }


def stage_file_schema(names: RulebookNames) -> Schema:
    """The schema of a file with `stage:`."""
    found = mapping(
        STAGE_FILE_KEYS,
        {
            "stage": with_description(
                choice(EVALUATION_ORDER), "The stage that these rules belong to; the stages run in this order."
            ),
            "rules": with_description(
                list_of({"if": {"required": ["use"]}, "then": reference("use"), "else": reference("rule")}),
                "Rules, each with its own condition.",
            ),
            "table": with_description(reference("table"), "A table: each row is a rule."),
            "score": with_description(reference("score"), "A number computed of facts."),
            "rank": with_description(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "hit": with_description(choice(HitPolicy), "Which of several matches in this file count."),
            "owner": with_description(names.owner(), OWNER_HELP),
            "because": ANYTHING,
            "description": ANYTHING,
        },
        required=["stage"],
    )
    return {**found, "anyOf": [{"required": [key]} for key in ("rules", "table", "score")]}
