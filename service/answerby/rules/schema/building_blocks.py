"""Building blocks of schemas, in JSON Schema draft 7, which editors support."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from answerby.rules.sections.values.durations import PATTERN as DURATION_PATTERN
from answerby.rules.text.node_reader import MAX_ID, MAX_TEXT

Schema = dict[str, object]

ANYTHING: Schema = {}
"""A value that the loader ignores."""
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
ANY_VALUE: Schema = {"type": ["string", "number", "boolean", "array", "object"]}
TEXT: Schema = {"type": ["string", "integer"], "maxLength": MAX_TEXT}
"""A text. The loader accepts a whole number as text."""
NONEMPTY_TEXT: Schema = {**TEXT, "pattern": "\\S"}
IDENTIFIER: Schema = {"type": ["string", "integer"], "pattern": "^\\S+$", "maxLength": MAX_ID}
DURATION: Schema = {"type": "string", "pattern": f"^(?:{DURATION_PATTERN})$"}
DATE: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
INSTANT: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}


def integer(least: int | None = None, most: int | None = None) -> Schema:
    """A whole number from `least` to `most`, both included."""
    found: Schema = {"type": "integer"}
    if least is not None:
        found["minimum"] = least
    if most is not None:
        found["maximum"] = most
    return found


def choice(values: Iterable[str]) -> Schema:
    """One of these texts."""
    return {"enum": [str(value) for value in values]}


def list_of(item: Schema, least: int = 1) -> Schema:
    """A list with at least `least` items."""
    return {"type": "array", "items": item, "minItems": least}


def one_or_more(item: Schema) -> Schema:
    """A single value, or a nonempty list of values."""
    return {"anyOf": [item, list_of(item)]}


def either(*schemas: Schema) -> Schema:
    """A value that fits at least one of the schemas."""
    return {"anyOf": list(schemas)}


def mapping_of(value: Schema, least: int = 0, keys: Schema | None = None) -> Schema:
    """A mapping whose keys are names that the author chooses. `least` is the least number of entries."""
    found: Schema = {"type": "object", "additionalProperties": value}
    if least:
        found["minProperties"] = least
    if keys is not None:
        found["propertyNames"] = keys
    return found


def mapping(keys: Collection[str], values: Mapping[str, Schema], required: Collection[str] = ()) -> Schema:
    """A mapping with the keys of the loader and their schemas. Raises ValueError when `keys` and `values` differ."""
    if set(keys) != set(values):
        raise ValueError(f"the loader and the schema know different keys: {sorted(set(keys) ^ set(values))}")
    found: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: values[key] for key in keys},
    }
    if required:
        found["required"] = list(required)
    return found


def with_description(schema: Schema, description: str) -> Schema:
    """The schema with a description for editors."""
    return {**schema, "description": description}


def reference(name: str) -> Schema:
    """A reference to a definition of the same schema."""
    return {"$ref": f"#/definitions/{name}"}


def one_or_more_mappings(item: Schema) -> Schema:
    """A single mapping, or a nonempty list of mappings."""
    return either(item, list_of(item))


REASON = with_description(NONEMPTY_TEXT, "Why it is so.")
