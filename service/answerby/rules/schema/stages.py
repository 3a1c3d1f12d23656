"""Files with `stage:`: rules, tables, scores, and what they set."""

from __future__ import annotations

from answerby.rules.model.rulebook import STAGES, HitPolicy, RuleMode
from answerby.rules.model.score import Method, Rounding
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    ANYTHING,
    BOOLEAN,
    DURATION,
    IDENTIFIER,
    INSTANT,
    NONEMPTY_TEXT,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    integer,
    list_of,
    mapping,
    mapping_of,
    one_or_more,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.rule_templates.expansion import USE_KEYS
from answerby.rules.sections.scores.factor import FACTOR_KEYS
from answerby.rules.sections.scores.numbers import BAND_KEYS, SCALE_KEYS
from answerby.rules.sections.scores.score import MAX_DECIMAL_PLACES, SCORE_KEYS, TIE_BREAK_KEYS
from answerby.rules.sections.stages.complete_outputs import COMPLETE_KEYS
from answerby.rules.sections.stages.notifications import NOTIFY_KEYS
from answerby.rules.sections.stages.outputs import LADDER_PREFIX, TARGET_KEYS, TARGET_PREFIX
from answerby.rules.sections.stages.stage_file import MAX_RANK, RULE_KEYS, STAGE_FILE_KEYS
from answerby.rules.sections.tables.table import ROW_KEYS, TABLE_KEYS

_BECAUSE = with_description(NONEMPTY_TEXT, "Why this is so; shown to whoever asks why a request was decided as it was.")
_OWNER = "The department (or role) that answers for it."
_FROM = "The first day on which it holds: 2026-01-31, or an instant with offset."
_UNTIL = "The last day on which it holds."
_MODE = "shadow: matched and explained, but it decides nothing yet."
_PROTECTED = "It must be proved that no other rule ever takes its place; an error otherwise."


def stage_definitions(names: RulebookNames) -> dict[str, Schema]:
    return {
        "rule": _rule(names),
        "use": _use(),
        "outputs": _outputs(names),
        "target": _target(names),
        "notification": notification(names),
        "table": _table(names),
        "row": _row(),
        "score": _score(names),
        "factor": _factor(names),
        "completeOutput": _complete_output(),
    }


def stage_file(names: RulebookNames) -> Schema:
    found = mapping(
        STAGE_FILE_KEYS,
        {
            "stage": with_description(
                choice(STAGES), "The stage that these rules belong to; the stages run in this order."
            ),
            "rules": with_description(
                list_of({"if": {"required": ["use"]}, "then": reference("use"), "else": reference("rule")}),
                "Rules, each with its own condition.",
            ),
            "table": with_description(reference("table"), "A table: each row is a rule."),
            "score": with_description(reference("score"), "A number computed of facts."),
            "rank": with_description(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "hit": with_description(choice(HitPolicy), "Which of several matches in this file count."),
            "owner": with_description(names.owner(), _OWNER),
            "because": ANYTHING,
            "description": ANYTHING,
        },
        required=["stage"],
    )
    return {**found, "anyOf": [{"required": [key]} for key in ("rules", "table", "score")]}


def _rule(names: RulebookNames) -> Schema:
    return mapping(
        RULE_KEYS,
        {
            "id": with_description(IDENTIFIER, "A name of its own."),
            "because": _BECAUSE,
            "rank": with_description(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "when": with_description(reference("condition"), "The condition; a rule without one always matches."),
            "then": with_description(reference("outputs"), "What the rule decides."),
            "enabled_from": with_description(INSTANT, _FROM),
            "until": with_description(INSTANT, _UNTIL),
            "owner": with_description(names.owner(), _OWNER),
            "mode": with_description(choice(RuleMode), _MODE),
            "protected": with_description(BOOLEAN, _PROTECTED),
            "description": ANYTHING,
        },
        required=["id", "because", "then"],
    )


def _use() -> Schema:
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


def _outputs(names: RulebookNames) -> Schema:
    """With a rulebook's names, the outputs of all its stages: a schema cannot look up the stage of the file."""
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
        # A clock that runs per value of a field has names of its own.
        "patternProperties": {f"^{TARGET_PREFIX.replace('.', '[.]')}.*@": reference("target")},
        "additionalProperties": False,
    }


def _target(names: RulebookNames) -> Schema:
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


def notification(names: RulebookNames) -> Schema:
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
            "until_acknowledged": with_description(BOOLEAN, "Stays in force until somebody acknowledges it."),
        },
    )
    return {**found, "anyOf": [{"required": ["role"]}, {"required": ["roles"]}]}


def one_or_more_mappings(item: Schema) -> Schema:
    return either(item, list_of(item))


def _table(names: RulebookNames) -> Schema:
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
            "owner": with_description(names.owner(), _OWNER),
            "enabled_from": with_description(INSTANT, _FROM),
            "until": with_description(INSTANT, _UNTIL),
            "mode": with_description(choice(RuleMode), _MODE),
            "protected": with_description(BOOLEAN, _PROTECTED),
            "description": ANYTHING,
        },
        required=["id", "inputs"],
    )
    found["allOf"] = [
        {"oneOf": [{"required": ["output"]}, {"required": ["outputs"]}]},
        {"oneOf": [{"required": ["rows"]}, {"required": ["rows_from"]}]},
    ]
    return found


def _row() -> Schema:
    cells: Schema = {"anyOf": [SCALAR, {"type": "object"}, list_of(ANY_VALUE)]}
    long = mapping(
        ROW_KEYS,
        {
            "when": with_description(cells, "The cells of the inputs, in order."),
            "then": with_description(cells, "The cells of the outputs, in order."),
            "because": _BECAUSE,
            "enabled_from": with_description(INSTANT, _FROM),
            "until": with_description(INSTANT, _UNTIL),
            "mode": with_description(choice(RuleMode), _MODE),
            "protected": with_description(BOOLEAN, _PROTECTED),
        },
        required=["when", "then"],
    )
    # A cell asks or sets, as its column does: a value, a list, operators, a target or notifications.
    return either(list_of(ANY_VALUE, least=2), long)


def _score(names: RulebookNames) -> Schema:
    pair: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    tie_break = mapping(
        TIE_BREAK_KEYS,
        {"field": names.field(), "order": list_of(TEXT), "output": TEXT},
        required=TIE_BREAK_KEYS,
    )
    return mapping(
        SCORE_KEYS,
        {
            "id": with_description(IDENTIFIER, "A name of its own."),
            "because": _BECAUSE,
            "owner": with_description(names.owner(), _OWNER),
            "description": ANYTHING,
            "when": with_description(reference("condition"), "When it is computed; always when absent."),
            "method": with_description(choice(Method), "How the factors come together."),
            "output": with_description(TEXT, "The field that takes the number."),
            "factors": with_description(
                mapping_of(reference("factor"), least=1), "By name; a method has names that it needs."
            ),
            "bounds": with_description(pair, "The least and the most that the score can be."),
            "round": with_description(integer(0, MAX_DECIMAL_PLACES), "Decimal places."),
            "rounding": with_description(choice(Rounding), "What becomes of a half; half_up when absent."),
            "tie_break": with_description(tie_break, "What goes first of two requests with one score."),
        },
        required=["id", "because", "method", "output", "factors"],
    )


def _factor(names: RulebookNames) -> Schema:
    pair: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    band = mapping(BAND_KEYS, {"below": NUMBER, "number": NUMBER}, required=["number"])
    return mapping(
        FACTOR_KEYS,
        {
            "field": with_description(names.field(), "The fact."),
            "weight": with_description(NUMBER, "How much it counts; 1 when absent."),
            "numbers": with_description(
                mapping_of(NUMBER, least=1), "The number of each value of an enum or a boolean."
            ),
            "bands": with_description(list_of(band), "Numbers by limits; the last band has none."),
            "scale": with_description(
                mapping(SCALE_KEYS, {"from": pair, "to": pair}, SCALE_KEYS), "A line from facts to numbers."
            ),
            "at_least": with_description(NUMBER, "Less counts as this."),
            "at_most": with_description(NUMBER, "More counts as this."),
            "missing": with_description(NUMBER, "The number of a missing fact."),
            "description": ANYTHING,
        },
        required=["field"],
    )


def _complete_output() -> Schema:
    return mapping(
        COMPLETE_KEYS,
        {
            "sets": with_description(mapping_of(ANY_VALUE, least=1), "Who sets this (any: to whatever value) ..."),
            "also": with_description(one_or_more(TEXT), "... must set this too."),
            "because": _BECAUSE,
        },
        required=COMPLETE_KEYS,
    )
