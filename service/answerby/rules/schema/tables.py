"""The schemas of `table:` and of its rows."""

from __future__ import annotations

from answerby.rules.model.rulebook import HitPolicy, RuleMode
from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    ANYTHING,
    BOOLEAN,
    IDENTIFIER,
    INSTANT,
    NONEMPTY_TEXT,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    list_of,
    mapping,
    one_or_more,
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
from answerby.rules.sections.tables.table_head import TABLE_KEYS
from answerby.rules.sections.tables.table_rows import ROW_KEYS


def table_schema(names: RulebookNames) -> Schema:
    """The schema of one table."""
    found = mapping(
        TABLE_KEYS,
        {
            "id": with_description(IDENTIFIER, "A name of its own; row 3 is called <id>#3."),
            "because": with_description(NONEMPTY_TEXT, "Why; rows may have reasons of their own."),
            "inputs": with_description(one_or_more(names.field()), "The fields of the columns that ask."),
            "output": with_description(one_or_more(TEXT), "What the last column, or columns, set."),
            "outputs": with_description(one_or_more(TEXT), "What the last columns set."),
            "hit": with_description(choice(HitPolicy), "Which of several matching rows count; first when absent."),
            "rows": with_description(list_of(reference("row")), "Rows in order; a cell `any` asks nothing."),
            "rows_from": with_description(TEXT, "A CSV file with the rows, beside this file."),
            "owner": with_description(names.owner(), OWNER_HELP),
            "enabled_from": with_description(INSTANT, START_HELP),
            "until": with_description(INSTANT, END_HELP),
            "mode": with_description(choice(RuleMode), MODE_HELP),
            "protected": with_description(BOOLEAN, PROTECTED_HELP),
            "complete": with_description(BOOLEAN, "true: `answerby check` refuses a table that leaves a request out."),
            "description": ANYTHING,
        },
        required=["id", "inputs"],
    )
    found["allOf"] = [
        {"oneOf": [{"required": ["output"]}, {"required": ["outputs"]}]},
        {"oneOf": [{"required": ["rows"]}, {"required": ["rows_from"]}]},
    ]
    return found


def row_schema() -> Schema:
    """The schema of one row: a list of cells, or a mapping with `when` and `then`."""
    cells: Schema = {"anyOf": [SCALAR, {"type": "object"}, list_of(ANY_VALUE)]}
    long = mapping(
        ROW_KEYS,
        {
            "when": with_description(cells, "The cells of the inputs, in order."),
            "then": with_description(cells, "The cells of the outputs, in order."),
            "because": RULE_REASON,
            "enabled_from": with_description(INSTANT, START_HELP),
            "until": with_description(INSTANT, END_HELP),
            "mode": with_description(choice(RuleMode), MODE_HELP),
            "protected": with_description(BOOLEAN, PROTECTED_HELP),
        },
        required=["when", "then"],
    )
    # The column makes a cell a condition (value, list, operators) or an output (value, target, notifications).
    return either(list_of(ANY_VALUE, least=2), long)
