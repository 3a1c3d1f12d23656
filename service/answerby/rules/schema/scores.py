"""The schemas of `score:` and of its factors."""

from __future__ import annotations

from answerby.rules.model.score import Method, Rounding
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    IDENTIFIER,
    NUMBER,
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
from answerby.rules.schema.rule_properties import OWNER_HELP, RULE_REASON
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.scores.factor import FACTOR_KEYS
from answerby.rules.sections.scores.numbers import BAND_KEYS, SCALE_KEYS
from answerby.rules.sections.scores.score_reader import MAX_DECIMAL_PLACES, SCORE_KEYS, TIE_BREAK_KEYS


def score_schema(names: RulebookNames) -> Schema:
    """The schema of one score."""
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
            "because": RULE_REASON,
            "owner": with_description(names.owner(), OWNER_HELP),
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


def factor_schema(names: RulebookNames) -> Schema:
    """The schema of one factor of a score."""
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
