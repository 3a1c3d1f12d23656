"""`answerby schema`, the schemas that are committed, and the headers that name them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from answerby.cli.fail import CommandFailed
from answerby.cli.schema.schemas import ALL_KINDS, file_name, print_schemas, schema_of
from answerby.rules.schema.files import to_json
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import plain_data
from answerby.rules.text.yaml_parser import parse_yaml
from tests.kit.places import ROOT

RULES = ROOT / "rules"
SCHEMAS = RULES / "schema"
HEADER = re.compile(r"# yaml-language-server: \$schema=(?P<path>\S+)\n")
FILES = sorted(p for p in RULES.rglob("*.yaml"))


def parsed(path: Path):
    node = parse_yaml(path.read_text("utf-8"), str(path), DiagnosticReport())
    assert node is not None
    return plain_data(node)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_committed_schema_is_the_generated_one(kind):
    """To take over a change: answerby schema --out rules/schema."""
    assert (SCHEMAS / file_name(kind)).read_text("utf-8") == to_json(schema_of(kind))


def test_no_other_schema_is_committed():
    assert {path.name for path in SCHEMAS.iterdir()} == {file_name(kind) for kind in ALL_KINDS}


@pytest.mark.parametrize("path", FILES, ids=[p.relative_to(RULES).as_posix() for p in FILES])
def test_every_shipped_file_names_its_schema_and_is_right_by_it(path):
    header = HEADER.match(path.read_text("utf-8"))

    assert header, "the first line names no schema"
    schema = path.parent / header["path"]
    assert schema.resolve().parent == SCHEMAS.resolve()
    validator = Draft7Validator(json.loads(schema.read_text("utf-8")))
    assert [f"{list(e.absolute_path)} {e.message}" for e in validator.iter_errors(parsed(path))] == []


def test_samples_are_right_by_the_schema_of_events():
    validator = Draft7Validator(schema_of("event"))
    lines = (RULES / "samples" / "requests.jsonl").read_text("utf-8").splitlines()

    assert lines
    assert [line for line in lines if list(validator.iter_errors(json.loads(line)))] == []


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("tests", {"cases": [{"given": {}, "expect": {"category": "x"}}]}),
        ("tests", {"cases": [{"name": "a", "expct": {"category": "x"}}]}),
        ("tests", {"cases": []}),
        ("tests", {"now": "2026-01-01"}),
        ("mapping", {"mapping": "x", "request_id": "id"}),
        ("mapping", {"mapping": "x", "request_id": "id", "events": []}),
        ("mapping", {"mapping": "x", "request_id": "id", "events": [{"type": "a", "time": "t", "colour": 1}]}),
        ("event", {"id": "e"}),
        ("event", {"request_id": "r", "actor": "robot"}),
        ("event", {"request_id": "r", "channel": "web"}),
    ],
)
def test_mistakes_in_files_beside_the_rules_are_refused(kind, document):
    assert list(Draft7Validator(schema_of(kind)).iter_errors(document))


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_with_the_names_of_the_shipped_rules_is_a_schema(kind, tmp_path, capsys):
    print_schemas(kind, None, RULES)

    Draft7Validator.check_schema(json.loads(capsys.readouterr().out))


def test_one_kind_is_printed_and_all_are_written(tmp_path, capsys):
    print_schemas("clocks", None, None)
    printed = capsys.readouterr().out
    print_schemas("", tmp_path / "new" / "schemas", None)

    assert printed == (tmp_path / "new" / "schemas" / "clocks.json").read_text("utf-8")
    assert len(list((tmp_path / "new" / "schemas").iterdir())) == len(ALL_KINDS)


def test_a_kind_that_there_is_not():
    with pytest.raises(CommandFailed, match="there is no kind clock of file; did you mean clocks"):
        print_schemas("clock", None, None)


def test_rules_with_errors_have_no_names(tmp_path):
    (tmp_path / "a.yaml").write_text("stage: x\n")

    with pytest.raises(CommandFailed, match="the rules have errors"):
        print_schemas("", None, tmp_path)
