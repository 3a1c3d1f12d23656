"""YAML 1.2 to nodes: scalars, places, and the same from both parsers of PyYAML."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain_data
from answerby.rules.text.yaml_parser import parse_yaml
from answerby.rules.text.yaml_scalars import resolve, trap

HERE = Path(__file__).parents[1]
LOADERS = [getattr(yaml, "CBaseLoader", yaml.BaseLoader), yaml.BaseLoader]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
        ("+1h", "+1h"),
        ("-30m", "-30m"),
        ("2026-01-01", "2026-01-01"),
        ("12:30-14:00", "12:30-14:00"),
        ("NO", "NO"),
        ("on", "on"),
        ("17:30", "17:30"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("999999999999999999", 999_999_999_999_999_999),
        ("9999999999999999999", "9999999999999999999"),
        ("١٢", "١٢"),
        ("１２", "１２"),
    ],
)
def test_plain_scalars_are_read_by_the_core_schema(text, value):
    found = resolve(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "No",
        "ON",
        "off",
        "17:30",
        "1:30:00",
        "0123",
        "-07",
        "00",
        "1_000",
        "0b11",
        "0o17",
        "0xFF",
        "-.inf",
        ".NaN",
        "1e999",
        "1" * 19,
    ],
)
def test_traps(text):
    assert trap(text)


@pytest.mark.parametrize(
    "text",
    [
        "y",
        "n",
        "none",
        "0",
        "10",
        "0.5",
        "-0.5",
        "1e3",
        "2026-01-01",
        "09:00-12:00",
        "P0",
        "15m",
        "+1h",
        "0x",
        "true",
        "null",
        "",
    ],
)
def test_what_is_no_trap(text):
    assert not trap(text)


def parse(text: str, loader: type | None = None) -> tuple[Node | None, DiagnosticReport]:
    report = DiagnosticReport()
    node = parse_yaml(text, "a.yaml", report, loader) if loader else parse_yaml(text, "a.yaml", report)
    return node, report


def test_quoted_scalars_are_text():
    node, report = parse("""['1', "true", 'NO', "17:30", '']""")

    assert plain_data(node) == ["1", "true", "NO", "17:30", ""]
    assert report.sorted() == ()


def test_every_node_has_its_place():
    node, _ = parse("火: [a,\n  b: 1]\n")

    (key, value), *_ = node.entries
    assert (key.place.line, key.place.column) == (1, 1)
    assert (value.place.line, value.place.column) == (1, 4)
    assert [(item.place.line, item.place.column) for item in value.items] == [(1, 5), (2, 3)]


def test_an_alias_is_the_node_it_names():
    node, report = parse("a: &a [1, 2]\nb: *a\n")

    assert plain_data(node) == {"a": [1, 2], "b": [1, 2]}
    assert report.sorted() == ()


def test_nested_aliases_do_not_get_around_the_depth():
    level = "[" * 20 + "x" + "]" * 20
    _, report = parse(f"a: &a {level}\nb: {'[' * 5}*a{']' * 5}\n")

    assert [(d.code, d.line) for d in report.sorted()] == [("yaml-depth", 2)]


def test_tabs_may_stand_in_comments():
    node, report = parse("a: 1 #\tone\n# \tcomment\n")

    assert plain_data(node) == {"a": 1}
    assert report.sorted() == ()


@pytest.mark.parametrize(
    "text", ["a:\t1\n", "a: 1\t\n", "a: [1,\t2]\n", "a: [1,\n\t2]\n", 'a: "x\ty"\n', "a: |\n  x\ty\n", "\ta: 1\n"]
)
@pytest.mark.parametrize("loader", LOADERS)
def test_tabs_are_refused_anywhere_else(text, loader):
    node, report = parse(text, loader)

    assert node is None
    assert [d.code for d in report.sorted()] == ["yaml-tab"]


def flat(node: Node | None) -> list[tuple]:
    match node:
        case ScalarNode():
            return [(*node.place, node.value, node.plain)]
        case SequenceNode():
            return [(*node.place, "list"), *(part for item in node.items for part in flat(item))]
        case MappingNode():
            pairs = [part for key, value in node.entries for part in (*flat(key), *flat(value))]
            return [(*node.place, "mapping"), *pairs]
    return []


@pytest.mark.parametrize("path", sorted((HERE / "base").glob("*.yaml")), ids=lambda path: path.name)
def test_both_parsers_give_the_same_nodes(path):
    text = path.read_text("utf-8")

    fast, slow = (flat(parse(text, loader)[0]) for loader in LOADERS)

    assert fast
    assert fast == slow
