"""The schemas of whole files: one for each kind, and one for any rule file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from answerby.rules.schema.building_blocks import Schema
from answerby.rules.schema.clocks import trigger_schema
from answerby.rules.schema.conditions import condition_definitions
from answerby.rules.schema.rulebook_names import NO_NAMES, RulebookNames
from answerby.rules.schema.sections import section_definitions
from answerby.rules.schema.stages import stage_definitions, stage_file_schema

DRAFT = "http://json-schema.org/draft-07/schema#"
SECTION_OF = {
    "vocabulary": "fields",
    "lexicons": "lexicons",
    "calendar": "calendar",
    "clocks": "clocks",
    "ladders": "ladders",
    "templates": "templates",
    "schedules": "schedules",
    "rulebook": "rulebook",
    "rule_templates": "rule_templates",
}
"""The section that a file of each kind must have. Other sections may stand beside it."""
_STAGE_KINDS = {"rules": "rules", "table": "table", "score": "score"}
FILE_KINDS = (*SECTION_OF, *_STAGE_KINDS)
_TITLES = {
    "vocabulary": "fields that rules may use and set",
    "lexicons": "lists of words and phrases",
    "calendar": "working time and holidays",
    "clocks": "what starts, stops and pauses the clocks",
    "ladders": "escalation",
    "templates": "message texts",
    "schedules": "what is told or begun at a time of the calendar",
    "rulebook": "settings of the rulebook",
    "rule_templates": "patterns of rules",
    "rules": "rules of one stage",
    "table": "a table of one stage",
    "score": "a score of one stage",
}


def section_schema(kind: str, names: RulebookNames = NO_NAMES) -> Schema:
    """The schema of a file of one kind. Raises KeyError for an unknown kind."""
    definitions = _definitions(names)
    if kind in _STAGE_KINDS:
        body = {**stage_file_schema(names)}
        body.pop("anyOf")
        body["required"] = ["stage", _STAGE_KINDS[kind]]
    else:
        body = _sections(definitions, SECTION_OF[kind])
    return _document(_TITLES[kind], body, definitions)


def file_schema(names: RulebookNames = NO_NAMES) -> Schema:
    """The schema of any rule file: a file with `stage:`, or any sections."""
    definitions = _definitions(names)
    body: Schema = {"if": {"required": ["stage"]}, "then": stage_file_schema(names), "else": _sections(definitions)}
    return _document("a rule file", body, definitions)


def document(title: str, body: Schema, names: RulebookNames = NO_NAMES) -> Schema:
    """The schema of another kind of file. Its body may refer to the definitions of rule files."""
    return _document(title, body, _definitions(names))


def _definitions(names: RulebookNames) -> dict[str, Schema]:
    return {
        **condition_definitions(names),
        **stage_definitions(names),
        **section_definitions(names),
        "trigger": trigger_schema(),
    }


def _sections(definitions: Mapping[str, Schema], required: str = "") -> Schema:
    """A mapping of sections. With `required`, the schema covers only that section, and other sections in outline."""
    found: Schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            name: {"$ref": f"#/definitions/{name}"} if required in ("", name) else _outline(definitions[name])
            for name in SECTION_OF.values()
        },
    }
    if required:
        found["required"] = [required]
    return found


def _outline(section: Schema) -> Schema:
    return {key: section[key] for key in ("type", "description") if key in section}


def _document(title: str, body: Schema, definitions: Mapping[str, Schema]) -> Schema:
    used = _used(body, definitions)
    return {
        "$schema": DRAFT,
        "title": f"answerby: {title}",
        **body,
        "definitions": {name: definitions[name] for name in sorted(used)},
    }


def _used(body: Schema, definitions: Mapping[str, Schema]) -> set[str]:
    """The definitions that the body refers to, directly or through another."""
    found: set[str] = set()
    queue = list(_references(body))
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += _references(definitions[name])
    return found


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def to_json(schema: Schema) -> str:
    """The text of a schema file. The same schema always gives the same text."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
