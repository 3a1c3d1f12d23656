"""The JSON Schemas against the loader: what a schema refuses the loader refuses, and the other way round for shapes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from answerby.rules.loader import SECTIONS, load_rulebook, load_texts
from answerby.rules.schema import FILE_KINDS, RulebookNames, file_schema, names_of, section_schema
from answerby.rules.schema.building_blocks import mapping
from answerby.rules.schema.files import SECTION_OF
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import plain_data
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.rule_paths import is_rule_file
from answerby.rules.text.yaml_parser import parse_yaml
from tests.kit.places import RULES

HERE = Path(__file__).parent
FOLDER = HERE / "every_key"
ANY = Draft7Validator(file_schema())
STRUCTURAL = {"unknown-key", "missing-key", "wrong-type"}
"""Mistakes of shape, which a schema can tell without knowing the rulebook."""


def parsed(text: str) -> Any:
    node = parse_yaml(text, "a.yaml", DiagnosticReport())
    assert node is not None
    return plain_data(node)


def documents(folder: Path) -> dict[str, Any]:
    paths = (p for p in sorted(folder.rglob("*.yaml")) if is_rule_file(p.name))
    return {p.relative_to(folder).as_posix(): parsed(p.read_text("utf-8-sig")) for p in paths}


EVERY_KEY = documents(FOLDER)
SHIPPED = {
    path: document
    for path, document in documents(RULES).items()
    if not path.startswith(("examples/", "mappings/", "samples/"))
}
SERVICENOW = documents(RULES / "examples" / "servicenow")


def load(documents: dict[str, Any]) -> tuple[str, ...]:
    """The codes of the errors of these documents, written as YAML."""
    texts = [
        RuleText(path, text := json.dumps(document, ensure_ascii=False), hashlib.sha256(text.encode()).hexdigest())
        for path, document in documents.items()
    ]
    return tuple(d.code for d in load_texts(texts).diagnostics if d.severity == "error")


def why(validator: Any, document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)]


def test_the_folder_with_every_key_is_right():
    assert [str(d) for d in load_rulebook(FOLDER).diagnostics if d.severity == "error"] == []


@pytest.mark.parametrize("kind", ["", *FILE_KINDS])
def test_every_schema_is_a_schema(kind):
    Draft7Validator.check_schema(section_schema(kind) if kind else file_schema())


def test_there_is_a_schema_for_every_section():
    assert set(SECTION_OF.values()) == set(SECTIONS)


@pytest.mark.parametrize("documents", [SHIPPED, SERVICENOW, EVERY_KEY], ids=["shipped", "servicenow", "every key"])
def test_right_files_are_right_by_the_schema(documents):
    assert documents
    assert {path: found for path, document in documents.items() if (found := why(ANY, document))} == {}


@pytest.mark.parametrize(
    "folder", [RULES, RULES / "examples" / "servicenow", FOLDER], ids=["shipped", "servicenow", "every key"]
)
def test_right_files_are_right_by_the_schema_that_knows_their_names(folder):
    rulebook = load_rulebook(folder).rulebook
    assert rulebook is not None
    validator = Draft7Validator(file_schema(names_of(rulebook)))

    found = {path: why(validator, document) for path, document in documents(folder).items()}
    if folder == RULES:
        found = {path: errors for path, errors in found.items() if path in SHIPPED}
    assert {path: errors for path, errors in found.items() if errors} == {}


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_kind_takes_its_own_files_and_no_others(kind):
    validator = Draft7Validator(section_schema(kind))
    section = SECTION_OF.get(kind, kind)
    own = {path for path, document in EVERY_KEY.items() if section in document}

    assert own
    assert {path for path, document in EVERY_KEY.items() if not why(validator, document)} == own


def closed_mappings(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False and "properties" in schema:
            yield schema["properties"]
        for value in schema.values():
            yield from closed_mappings(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from closed_mappings(item)


def test_the_folder_uses_every_key_that_the_schema_knows():
    known = {key for properties in closed_mappings(file_schema()) for key in properties}

    def keys(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for item in value:
                yield from keys(item)

    assert known - set(keys(EVERY_KEY)) <= {"rows_from", "ics"}  # they need a file beside the rules


Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def at(document: Any, path: Path_) -> Any:
    for key in path:
        document = document[key]
    return document


def changed(document: Any, path: Path_, value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    if not path:
        return value
    at(copy, path[:-1])[path[-1]] = value
    return copy


def without(document: Any, path: Path_) -> Any:
    copy = json.loads(json.dumps(document))
    parent = at(copy, path[:-1])
    del parent[path[-1]]
    return copy


OPEN = ("unit", "description", "with", "for_each")
"""What the loader does not look at, or looks at only with the rule template."""


def mistakes(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with one mistake of shape, at every place that can have one."""
    for path in places(document):
        value = at(document, path)
        if set(path) & set(OPEN) or (path and path[0] == "rule_templates"):
            continue
        if isinstance(value, dict):
            yield f"{path}: unknown key", changed(document, path, {**value, "unknown_key": 1})
            yield f"{path}: a number", changed(document, path, 5)
            yield from ((f"{path}: without {key}", without(document, (*path, key))) for key in value)
        elif isinstance(value, list):
            yield f"{path}: a mapping", changed(document, path, {"unknown_key": 1})
        else:
            yield f"{path}: nested lists", changed(document, path, [[["x"]]])
            yield f"{path}: a mapping", changed(document, path, {"unknown_key": 1})
            yield f"{path}: nothing", changed(document, path, None)


KNOWN_ONLY_TO_THE_LOADER = (
    "('table', 'rows'",  # which column a cell belongs to
    "'sets'",  # an output of any shape
)


@pytest.mark.parametrize("path", EVERY_KEY)
def test_the_schema_refuses_mistakes_of_shape_and_nothing_that_the_loader_takes(path):
    assert_agreement(path, every=7)


@pytest.mark.deep
@pytest.mark.parametrize("path", EVERY_KEY)
def test_the_schema_and_the_loader_agree_on_every_mistake_of_shape(path):
    assert_agreement(path, every=1)


def assert_agreement(path: str, every: int) -> None:
    """Over one in so many of the mistakes that the file can have."""
    missed, wrong = [], []
    for what, document in list(mistakes(EVERY_KEY[path]))[::every]:
        codes = set(load({**EVERY_KEY, path: document}))
        refused = bool(why(ANY, document))
        if refused and not codes:
            wrong.append(what)
        if not refused and codes and codes <= STRUCTURAL and not any(part in what for part in KNOWN_ONLY_TO_THE_LOADER):
            missed.append((what, sorted(codes)))

    assert wrong == []
    assert missed == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "x", "15m", "P0", "any", "2026-01-01", "vip"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "at_least", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_the_schema_refuses_the_loader_refuses(data):
    path = data.draw(st.sampled_from(sorted(EVERY_KEY)))
    document = EVERY_KEY[path]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([p for p in places(document) if p and not set(p) & set(OPEN)]))
        document = changed(document, place, data.draw(VALUES))

    refused = why(ANY, document)
    if refused and "rule_templates" not in document:
        assert load({**EVERY_KEY, path: document}), f"{document}\n{refused}"


def test_keys_that_the_loader_and_the_schema_do_not_share_are_named():
    with pytest.raises(ValueError, match=r"different keys: \['b', 'c'\]"):
        mapping(("a", "b"), {"a": {}, "c": {}})


def test_names_complete_fields_values_clocks_and_roles(tmp_path):
    rulebook = load_rulebook(shutil.copytree(FOLDER, tmp_path / "rules")).rulebook
    assert rulebook is not None
    schema = file_schema(names_of(rulebook))
    validator = Draft7Validator(schema)

    def rule(when: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
        return {"stage": "classification", "rules": [{"id": "a", "because": "x", "when": when, "then": then}]}

    assert why(validator, rule({"channel": "web"}, {"category": "complaint"})) == []
    assert why(validator, rule({"channel": "电话"}, {"tags": ["any-tag"]})) == []
    assert why(validator, rule({"chanel": "web"}, {"category": "complaint"}))
    assert why(validator, rule({"channel": "telex"}, {"category": "complaint"}))
    assert why(validator, rule({"channel": {"mentions": "plain"}}, {"category": "complaint"}))
    assert why(validator, rule({"subject": {"mentions": "plane"}}, {"category": "complaint"}))
    assert why(validator, rule({}, {"category": "complaints"}))
    assert why(validator, rule({}, {"sla.first_respons": "1h"}))
    assert why(validator, {"clocks": [{"id": "a", "because": "x", "role": "boss"}]})
    assert (
        schema["definitions"]["condition"]["properties"]["category"]["description"]
        == "enum, set in stage classification"
    )


def test_nothing_declared_means_that_every_name_will_do():
    assert file_schema(RulebookNames()) == file_schema()
