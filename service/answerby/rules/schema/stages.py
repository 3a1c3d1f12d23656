"""Files with `stage:`: rules, tables, scores, and what they set."""

from __future__ import annotations

from answerby.rules.model.rulebook import STAGES, HitPolicy, RuleMode
from answerby.rules.model.score import Method, Rounding
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    FILLED,
    IDENTIFIER,
    INSTANT,
    NOT_NOTHING,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    integer,
    keyed,
    listing,
    mapping,
    one_or_more,
    reference,
    told,
)
from answerby.rules.schema.rulebook_names import Names
from answerby.rules.sections.rule_templates.expansion import USE_KEYS
from answerby.rules.sections.scores.factor import FACTOR_KEYS
from answerby.rules.sections.scores.numbers import BAND_KEYS, SCALE_KEYS
from answerby.rules.sections.scores.score import MOST_PLACES, SCORE_KEYS, TIE_BREAK_KEYS
from answerby.rules.sections.stages.complete_outputs import COMPLETE_KEYS
from answerby.rules.sections.stages.notifications import NOTIFY_KEYS
from answerby.rules.sections.stages.outputs import LADDER_PREFIX, TARGET_KEYS, TARGET_PREFIX
from answerby.rules.sections.stages.stage_file import MAX_RANK, RULE_KEYS, SECTION_KEYS
from answerby.rules.sections.tables.table import ROW_KEYS, TABLE_KEYS

_BECAUSE = told(FILLED, "Why this is so; shown to whoever asks why a request was decided as it was.")
_OWNER = "The department (or role) that answers for it."
_FROM = "The first day on which it holds: 2026-01-31, or an instant with offset."
_UNTIL = "The last day on which it holds."
_MODE = "shadow: matched and explained, but it decides nothing yet."
_PROTECTED = "It must be proved that no other rule ever takes its place; an error otherwise."


def stage_definitions(names: Names) -> dict[str, Schema]:
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


def stage_file(names: Names) -> Schema:
    found = mapping(
        SECTION_KEYS,
        {
            "stage": told(choice(STAGES), "The stage that these rules belong to; the stages run in this order."),
            "rules": told(
                listing({"if": {"required": ["use"]}, "then": reference("use"), "else": reference("rule")}),
                "Rules, each with its own condition.",
            ),
            "table": told(reference("table"), "A table: each row is a rule."),
            "score": told(reference("score"), "A number computed of facts."),
            "rank": told(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "hit": told(choice(HitPolicy), "Which of several matches in this file count."),
            "owner": told(names.owner(), _OWNER),
            "because": ANYTHING,
            "description": ANYTHING,
        },
        required=["stage"],
    )
    return {**found, "anyOf": [{"required": [key]} for key in ("rules", "table", "score")]}


def _rule(names: Names) -> Schema:
    return mapping(
        RULE_KEYS,
        {
            "id": told(IDENTIFIER, "A name of its own."),
            "because": _BECAUSE,
            "rank": told(integer(0, MAX_RANK), "Lower wins ties; 100 when absent."),
            "when": told(reference("condition"), "The condition; a rule without one always matches."),
            "then": told(reference("outputs"), "What the rule decides."),
            "enabled_from": told(INSTANT, _FROM),
            "until": told(INSTANT, _UNTIL),
            "owner": told(names.owner(), _OWNER),
            "mode": told(choice(RuleMode), _MODE),
            "protected": told(BOOLEAN, _PROTECTED),
            "description": ANYTHING,
        },
        required=["id", "because", "then"],
    )


def _use() -> Schema:
    return mapping(
        USE_KEYS,
        {
            "use": told(TEXT, "The id of a rule template."),
            "with": told(keyed(ANYTHING), "Its parameters, for all entries of for_each."),
            "for_each": told(listing(keyed(ANYTHING)), "One set of rules for each entry."),
            "description": ANYTHING,
        },
        required=["use"],
    )


def _outputs(names: Names) -> Schema:
    """With a rulebook's names, the outputs of all its stages: a schema cannot look up the stage of the file."""
    special: dict[str, Schema] = {
        "notify": told(one_or_more_mappings(reference("notification")), "Tell a role at once (stage escalation)."),
        "open_case": told(IDENTIFIER, "Open a case of this kind (stage escalation)."),
        "require": told(one_or_more(names.field()), "Facts that the request needs (stage completeness)."),
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
        values[name] = told(one_or_more(value) if field.type is FieldType.SET else value, f"Set in stage {stages}.")
    for clock in names.clocks:
        values[TARGET_PREFIX + clock] = told(
            {"allOf": [reference("target")]}, f"Within what time (stage sla): {clock}."
        )
        values[LADDER_PREFIX + clock] = told(names.ladder(), "The ladder of this clock (stage escalation).")
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**special, **values},
        # A clock that runs per value of a field has names of its own.
        "patternProperties": {f"^{TARGET_PREFIX.replace('.', '[.]')}.*@": reference("target")},
        "additionalProperties": False,
    }


def _target(names: Names) -> Schema:
    long = mapping(
        TARGET_KEYS,
        {
            "within": told(DURATION, "15m, 2h, 1h30m, or 2bd (working days)."),
            "calendar": told(names.calendar(), "The working time that counts; always: around the clock."),
            "end_of_day": told(BOOLEAN, "Due at the end of the working day on which the time is used up."),
        },
        required=["within"],
    )
    return either(DURATION, long)


def notification(names: Names) -> Schema:
    found = mapping(
        NOTIFY_KEYS,
        {
            "role": told(one_or_more(names.role()), "Whom to tell; owner: whoever routing made responsible."),
            "roles": told(one_or_more(names.role()), "Whom to tell; owner: whoever routing made responsible."),
            "template": told(names.template(), "The message."),
            "urgent": told(BOOLEAN, "Does not wait for quiet hours to end."),
            "until_acknowledged": told(BOOLEAN, "Stays in force until somebody acknowledges it."),
        },
    )
    return {**found, "anyOf": [{"required": ["role"]}, {"required": ["roles"]}]}


def one_or_more_mappings(item: Schema) -> Schema:
    return either(item, listing(item))


def _table(names: Names) -> Schema:
    found = mapping(
        TABLE_KEYS,
        {
            "id": told(IDENTIFIER, "A name of its own; row 3 is called <id>#3."),
            "because": told(FILLED, "Why; rows may have reasons of their own."),
            "inputs": told(one_or_more(names.field()), "The fields of the columns that ask."),
            "output": told(one_or_more(TEXT), "What the last column, or columns, set."),
            "outputs": told(one_or_more(TEXT), "What the last columns set."),
            "hit": told(choice(HitPolicy), "Which of several matching rows count; first when absent."),
            "rows": told(listing(reference("row")), "Rows in order; a cell `any` asks nothing."),
            "rows_from": told(TEXT, "A CSV file with the rows, beside this file."),
            "owner": told(names.owner(), _OWNER),
            "enabled_from": told(INSTANT, _FROM),
            "until": told(INSTANT, _UNTIL),
            "mode": told(choice(RuleMode), _MODE),
            "protected": told(BOOLEAN, _PROTECTED),
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
    cells: Schema = {"anyOf": [SCALAR, {"type": "object"}, listing(NOT_NOTHING)]}
    long = mapping(
        ROW_KEYS,
        {
            "when": told(cells, "The cells of the inputs, in order."),
            "then": told(cells, "The cells of the outputs, in order."),
            "because": _BECAUSE,
            "enabled_from": told(INSTANT, _FROM),
            "until": told(INSTANT, _UNTIL),
            "mode": told(choice(RuleMode), _MODE),
            "protected": told(BOOLEAN, _PROTECTED),
        },
        required=["when", "then"],
    )
    # A cell asks or sets, as its column does: a value, a list, operators, a target or notifications.
    return either(listing(NOT_NOTHING, least=2), long)


def _score(names: Names) -> Schema:
    pair: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    tie_break = mapping(
        TIE_BREAK_KEYS,
        {"field": names.field(), "order": listing(TEXT), "output": TEXT},
        required=TIE_BREAK_KEYS,
    )
    return mapping(
        SCORE_KEYS,
        {
            "id": told(IDENTIFIER, "A name of its own."),
            "because": _BECAUSE,
            "owner": told(names.owner(), _OWNER),
            "description": ANYTHING,
            "when": told(reference("condition"), "When it is computed; always when absent."),
            "method": told(choice(Method), "How the factors come together."),
            "output": told(TEXT, "The field that takes the number."),
            "factors": told(keyed(reference("factor"), least=1), "By name; a method has names that it needs."),
            "bounds": told(pair, "The least and the most that the score can be."),
            "round": told(integer(0, MOST_PLACES), "Decimal places."),
            "rounding": told(choice(Rounding), "What becomes of a half; half_up when absent."),
            "tie_break": told(tie_break, "What goes first of two requests with one score."),
        },
        required=["id", "because", "method", "output", "factors"],
    )


def _factor(names: Names) -> Schema:
    pair: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    band = mapping(BAND_KEYS, {"below": NUMBER, "number": NUMBER}, required=["number"])
    return mapping(
        FACTOR_KEYS,
        {
            "field": told(names.field(), "The fact."),
            "weight": told(NUMBER, "How much it counts; 1 when absent."),
            "numbers": told(keyed(NUMBER, least=1), "The number of each value of an enum or a boolean."),
            "bands": told(listing(band), "Numbers by limits; the last band has none."),
            "scale": told(mapping(SCALE_KEYS, {"from": pair, "to": pair}, SCALE_KEYS), "A line from facts to numbers."),
            "at_least": told(NUMBER, "Less counts as this."),
            "at_most": told(NUMBER, "More counts as this."),
            "missing": told(NUMBER, "The number of a missing fact."),
            "description": ANYTHING,
        },
        required=["field"],
    )


def _complete_output() -> Schema:
    return mapping(
        COMPLETE_KEYS,
        {
            "sets": told(keyed(NOT_NOTHING, least=1), "Who sets this (any: to whatever value) ..."),
            "also": told(one_or_more(TEXT), "... must set this too."),
            "because": _BECAUSE,
        },
        required=COMPLETE_KEYS,
    )
