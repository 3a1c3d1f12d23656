"""The JSON Schemas of all kinds of files."""

from __future__ import annotations

import sys
from pathlib import Path

from answerby.cli.event_lines import ENVELOPE
from answerby.cli.event_lines import KEYS as LINE_KEYS
from answerby.cli.fail import CommandFailed
from answerby.cli.replay.mapping import EventSpec, Mapping, Part, ValueSpec
from answerby.domain.event import ActorRole
from answerby.rules.loader import load_rulebook
from answerby.rules.schema import FILE_KINDS, NO_NAMES, RulebookNames, file_schema, names_of, section_schema
from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    ANYTHING,
    INSTANT,
    NONEMPTY_TEXT,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    list_of,
    mapping,
    mapping_of,
    with_description,
)
from answerby.rules.schema.files import document, to_json
from answerby.rules.text.diagnostics import did_you_mean
from answerby.workbench.rule_tests.suite.case_reader import CASE_KEYS, EVENT_KEYS
from answerby.workbench.rule_tests.suite.file_reader import SUITE_KEYS

ANY_FILE = "rule_file"
ALL_KINDS = (ANY_FILE, *FILE_KINDS, "tests", "mapping", "event")
_WORDS: Schema = {"type": ["string", "array"]}


def print_schemas(kind: str, out: Path | None, rules: Path | None) -> None:
    """Prints one schema, or writes all of them (or one) into a folder.

    With `rules` they know the names declared there.
    """
    if kind and kind not in ALL_KINDS:
        raise CommandFailed(f"there is no kind {kind} of file; {did_you_mean(kind, ALL_KINDS)}")
    names = _names(rules) if rules is not None else NO_NAMES
    if out is None:
        sys.stdout.write(to_json(schema_of(kind or ANY_FILE, names)))
        return
    out.mkdir(parents=True, exist_ok=True)
    for name in [kind] if kind else ALL_KINDS:
        (out / file_name(name)).write_text(to_json(schema_of(name, names)), encoding="utf-8")


def file_name(kind: str) -> str:
    return f"{kind.replace('_', '-')}.json"


def schema_of(kind: str, names: RulebookNames = NO_NAMES) -> Schema:
    """The schema of a kind of file. Raises KeyError for an unknown kind."""
    match kind:
        case "rule_file":
            return file_schema(names)
        case "tests":
            return document("rule tests", _tests(names))
        case "mapping":
            return document("from the columns of an export to events", _mapping(names))
        case "event":
            return document("one line of events", _event())
    return section_schema(kind, names)


def _names(folder: Path) -> RulebookNames:
    rulebook = load_rulebook(folder).rulebook
    if rulebook is None:
        raise CommandFailed(f"{folder}: the rules have errors; see `answerby check {folder}`")
    return names_of(rulebook)


def _tests(names: RulebookNames) -> Schema:
    """The schema of rule tests. A {parameter} may stand for any value, so little more than the keys is known."""
    facts: Schema = {"type": "object"}
    if names.fields:
        given = {name: ANYTHING for name, field in names.fields.items() if not field.derived_by}
        facts["properties"] = {"use": with_description(_WORDS, "Fixtures."), **given}
    expect = with_description(either(mapping_of(ANY_VALUE, least=1), TEXT), "What must come of it.")
    event = mapping(
        EVENT_KEYS,
        {
            "type": with_description(TEXT, "request.received when absent."),
            "request": with_description(TEXT, "Which request, when the case has several."),
            "after": with_description(TEXT, "How long after the event before: 15m."),
            "at": with_description(TEXT, "When, with offset."),
            "happened": with_description(TEXT, "When it happened, if it is told later: an instant with offset."),
            "id": with_description(TEXT, "What a correction names; e1, e2 and so on when absent."),
            "source": with_description(TEXT, "Which system tells it."),
            "actor_id": with_description(TEXT, "Who did it."),
            "actor": with_description(TEXT, ", ".join(ActorRole)),
            "facts": with_description(either(facts, TEXT), "What it says."),
            "expect": expect,
        },
    )
    case = mapping(
        CASE_KEYS,
        {
            "name": with_description(NONEMPTY_TEXT, "What the case is about."),
            "because": ANYTHING,
            "now": with_description(TEXT, "When it begins, with offset."),
            "given": with_description(either(facts, TEXT), "The facts of a request that is received."),
            "events": with_description(list_of(event), "What happens, in order."),
            "windows": with_description(
                mapping_of(either({"type": "integer", "minimum": 0}, TEXT)), "Counts over time, before it."
            ),
            "schedules": with_description(_WORDS, "The schedules that come in it; all others stay away."),
            "expect": expect,
            "then_after": with_description(mapping_of(expect), "What must hold after so much time."),
            "then_at": with_description(mapping_of(expect), "What must hold at an instant."),
            "matrix": with_description(
                mapping_of(list_of(ANYTHING), least=1), "Parameters, each with its values: all combinations."
            ),
            "examples": with_description(list_of({"type": ["object", "array"]}), "Rows of parameters."),
        },
        required=["name"],
    )
    found = mapping(
        SUITE_KEYS,
        {
            "now": with_description(INSTANT, "When the cases begin, with offset."),
            "fixtures": with_description(mapping_of({"type": "object", "minProperties": 1}), "Named groups of facts."),
            "schedules": with_description(_WORDS, "The schedules of the cases that name none."),
            "cases": with_description(list_of(case), "The cases."),
        },
    )
    return {**found, "anyOf": [{"required": ["cases"]}, {"required": ["fixtures"]}]}


def _mapping(names: RulebookNames) -> Schema:
    value = either({"type": "string"}, list_of({"type": "string"}), _part(ValueSpec, {}))
    conditions: Schema = {"type": "object"}
    facts = mapping_of(value)
    if names.fields:
        facts["propertyNames"] = choice(sorted(name for name, field in names.fields.items() if not field.derived_by))
    event = _part(
        EventSpec,
        {
            "type": either(TEXT, list_of({"type": "object"})),
            "when": conditions,
            "previous": conditions,
            "first": {"type": "boolean"},
            "facts": facts,
            "expect": mapping_of(value),
            **dict.fromkeys(("time", "id", "actor", "actor_id"), value),
        },
    )
    return _part(
        Mapping,
        {
            "mapping": with_description(NONEMPTY_TEXT, "Its name."),
            "format": choice(("csv", "jsonl")),
            "order": choice(("file", "time")),
            "request_id": with_description(value, "The column that names the request."),
            "events": with_description(list_of(event), "The events that a row may become."),
            "facts": with_description(facts, "Facts of every event, by field."),
            "expect": mapping_of(value),
            "skip": list_of(conditions, least=0),
        },
    )


def _part(part: type[Part], known: dict[str, Schema]) -> Schema:
    """The keys of a part of mapping files. Values without a known schema may be anything."""
    names = {field.alias or name: field.is_required() for name, field in part.model_fields.items()}
    if unknown := known.keys() - names.keys():
        raise ValueError(f"mappings do not know {sorted(unknown)}")
    values = {name: known.get(name, ANYTHING) for name in names}
    return mapping(names, values, required=[name for name, required in names.items() if required])


def _event() -> Schema:
    listed: Schema = {"type": "array", "items": {"type": "string"}}
    fact = either(SCALAR, {"type": "null"}, listed)
    values: dict[str, Schema] = {
        "id": TEXT,
        "source": TEXT,
        "type": TEXT,
        "time": INSTANT,
        "request_id": TEXT,
        "subject": TEXT,
        "actor": choice(ActorRole),
        "actor_id": TEXT,
        "facts": mapping_of(fact),
        "data": mapping_of(fact),
        **dict.fromkeys(ENVELOPE, ANYTHING),
    }
    found = mapping(sorted(LINE_KEYS | ENVELOPE), values)
    return {**found, "anyOf": [{"required": ["request_id"]}, {"required": ["subject"]}]}
