"""The schemas of conditions: `when:`, conditions on a field of each type, and cells of tables."""

from __future__ import annotations

from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.schema.building_blocks import (
    BOOLEAN,
    DURATION,
    INSTANT,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    list_of,
    one_or_more,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.stages.operators import OPERATORS

_COMPARISONS = ("at_least", "at_most", "more_than", "less_than")
_HELP = {
    "not": "Anything but this.",
    "is": "Whether the fact is there at all: missing or present.",
    "at_least": "This value or more; of an enum: this value or a more severe one.",
    "at_most": "This value or less.",
    "more_than": "More than this value.",
    "less_than": "Less than this value.",
    "between": "From the first value to the second, both included.",
    "mentions": "A term of this lexicon, or of one of several, stands in the text.",
    "starts_with": "The text begins with this, or with one of several.",
    "equals": "The text is exactly this, or one of several.",
    "matches": "A regular expression (RE2).",
    "has": "The set holds this value, or one of several.",
    "inside": "Within the working time of a calendar.",
    "outside": "Outside the working time of a calendar.",
}


def condition_definitions(names: RulebookNames) -> dict[str, Schema]:
    """The definitions of conditions, by name."""
    definitions = {"condition": _condition(names), "anyCondition": _any_condition(names)}
    for kind in FieldType:
        definitions[f"{kind}Condition"] = _field_condition(names, kind, _operand(kind), own=f"{kind}Condition")
    definitions["fieldCondition"] = _field_condition(names, None, SCALAR, own="fieldCondition")
    return definitions


def _condition(names: RulebookNames) -> Schema:
    """A mapping of conditions. With the names of a rulebook, only its fields are accepted."""
    several = list_of(reference("condition"))
    properties: dict[str, Schema] = {
        "all": with_description(several, "All of these conditions hold."),
        "any": with_description(several, "At least one of these conditions holds."),
        "not": with_description(reference("condition"), "This condition does not hold."),
    }
    if not names.fields:
        return {
            "type": "object",
            "minProperties": 1,
            "properties": properties,
            "additionalProperties": reference("fieldCondition"),
        }
    properties |= {name: _of_field(names, field) for name, field in names.fields.items()}
    return {"type": "object", "minProperties": 1, "properties": properties, "additionalProperties": False}


def _any_condition(names: RulebookNames) -> Schema:
    """The condition of a table cell on any field, as the field depends on the column."""
    known = sorted({value for field in names.fields.values() for value in field.values})
    cell = with_description(
        reference("fieldCondition"), "A value, a list of values (any of them), or operators; any: no condition."
    )
    return {"anyOf": [choice([*known, "any"]), cell]} if known else cell


def _of_field(names: RulebookNames, field: Field) -> Schema:
    described = f"{field.type}, {_origin(field)}"
    if field.type not in {FieldType.ENUM, FieldType.SET} or not field.values:
        return with_description({"allOf": [reference(f"{field.type}Condition")]}, described)
    values = choice([*field.values, *field.aliases])
    return with_description(_field_condition(names, field.type, values, own=f"{field.type}Condition"), described)


def _origin(field: Field) -> str:
    if field.window is not None:
        return f"counted over {field.window.within}"
    return f"set in stage {' and '.join(field.derived_by)}" if field.derived_by else "given by the event"


def _operand(kind: FieldType) -> Schema:
    match kind:
        case FieldType.INTEGER:
            return {"type": "integer"}
        case FieldType.DECIMAL:
            return NUMBER
        case FieldType.BOOLEAN:
            return BOOLEAN
        case FieldType.INSTANT:
            return INSTANT
        case FieldType.DURATION:
            return DURATION
    return TEXT


def _field_condition(names: RulebookNames, kind: FieldType | None, operand: Schema, own: str) -> Schema:
    known = OPERATORS[kind] if kind else frozenset().union(*OPERATORS.values())
    operators = {name: with_description(_operator(names, name, operand, own), _HELP[name]) for name in sorted(known)}
    mapping: Schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": operators,
    }
    # An instant has no equality, so it accepts operators only.
    return mapping if kind is FieldType.INSTANT else either(one_or_more(operand), mapping)


def _operator(names: RulebookNames, name: str, operand: Schema, own: str) -> Schema:
    match name:
        case "not":
            return reference(own)
        case "is":
            return choice(("missing", "present"))
        case "between":
            return {"type": "array", "items": operand, "minItems": 2, "maxItems": 2}
        case "mentions":
            return one_or_more(names.lexicon())
        case "inside" | "outside":
            return one_or_more(names.calendar())
        case "matches":
            return TEXT
    return operand if name in _COMPARISONS else one_or_more(operand)
