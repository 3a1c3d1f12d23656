"""The schemas of `fields:` and `lexicons:`."""

from __future__ import annotations

from answerby.rules.model.rulebook import STAGES
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    NONEMPTY_TEXT,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    list_of,
    mapping,
    mapping_of,
    one_or_more,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.field_declaration import FIELD_KEYS, WINDOW_KEYS
from answerby.rules.sections.lexicons import LEXICON_KEYS


def field_schema(names: RulebookNames) -> Schema:
    """The schema of the declaration of one field."""
    window = mapping(
        WINDOW_KEYS,
        {
            "count": with_description(TEXT, "The value that is counted; any: every request."),
            "of": with_description(TEXT, "The field whose value it is; category when absent."),
            "by": with_description(names.field(), "Whose requests: such as customer.id."),
            "within": with_description(DURATION, "Over what time, such as 24h."),
        },
        required=("count", "by", "within"),
    )
    found = mapping(
        FIELD_KEYS,
        {
            "type": with_description(choice(FieldType), "What kind of value it is."),
            "values": with_description(
                list_of({"allOf": [NONEMPTY_TEXT, {"not": {"const": "any"}}]}), "From least to most severe."
            ),
            "aliases": with_description(mapping_of(TEXT), "Other spellings, each with the value that it means."),
            "other": with_description(TEXT, "What an unknown spelling becomes."),
            "default": with_description(SCALAR, "The value when the event gives none."),
            "derived_by": with_description(
                one_or_more(choice(STAGES)), "The stage whose rules set it; absent: given by events."
            ),
            "personal": with_description(BOOLEAN, "Personal data: kept out of logs."),
            "window": with_description(window, "A count of requests over time."),
            "parts": with_description(one_or_more(names.field()), "Texts that this text is put together of."),
            "always": with_description(BOOLEAN, "true: every request brings it; one without it is flagged."),
            "min": with_description(NUMBER, "The least number that is taken."),
            "max": with_description(NUMBER, "The largest number that is taken."),
            "unit": ANYTHING,
            "description": ANYTHING,
        },
        required=["type"],
    )
    found["if"] = {"properties": {"type": {"const": "enum"}}, "required": ["type"]}
    found["then"] = {"required": ["values"]}
    return found


def lexicon_schema(names: RulebookNames) -> Schema:
    """The schema of one lexicon: a list of terms, or a mapping."""
    terms = list_of(NONEMPTY_TEXT)
    long = mapping(
        LEXICON_KEYS,
        {
            "terms": with_description(terms, "Words and phrases, in any language."),
            "include": with_description(one_or_more(names.lexicon()), "Lexicons whose terms belong to it."),
            "except": with_description(
                one_or_more(names.lexicon()), "Lexicons of phrases in which a term does not count."
            ),
            "description": ANYTHING,
        },
    )
    return either(terms, {**long, "anyOf": [{"required": ["terms"]}, {"required": ["include"]}]})
