"""Parameters of a case: each row of its examples with each combination of its matrix, put into the places `{name}`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from answerby.rules.text.codes import Code
from answerby.rules.text.diagnostic import Report
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode
from answerby.rules.text.reader import Reader

MATRIX, EXAMPLES = "matrix", "examples"
EXPECT = "expect"
MAX_COMBINATIONS = 1_000
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Row = Mapping[str, Node]


@dataclass(slots=True)
class Filler:
    """Puts one combination into the nodes of a case."""

    report: Report
    row: Row
    used: set[str] = field(default_factory=set)
    complete: bool = True
    """Whether every place found its parameter."""

    def fill(self, node: Node) -> Node:
        """The node with every place filled. A place alone takes the value with its type, within text its text."""
        match node:
            case ScalarNode():
                return self._scalar(node)
            case SequenceNode():
                return SequenceNode(node.place, tuple(self.fill(item) for item in node.items))
            case MappingNode():
                bare = self._bare_place(node)
                return bare if bare is not None else self._mapping(node)

    def _bare_place(self, node: MappingNode) -> Node | None:
        """Unquoted, YAML reads `{channel}` as a mapping of one key to nothing."""
        if len(node.entries) != 1:
            return None
        key, value = node.entries[0]
        empty = isinstance(value, ScalarNode) and value.plain and not value.text
        return (self._value(key.text, node) or node) if empty else None

    def _mapping(self, node: MappingNode) -> MappingNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in node.entries:
            filled = self._scalar(key)
            name = filled.text if isinstance(filled, ScalarNode) else key.text
            if name in entries:
                self.report.add(Code.YAML_DUPLICATE_KEY, key, f"{name} is given twice once the places are filled")
            entries[name] = (ScalarNode(key.place, name, name, plain=False), self.fill(value))
        return MappingNode(node.place, tuple(entries.values()))

    def _scalar(self, node: ScalarNode) -> Node:
        if not isinstance(node.value, str) or "{" not in node.value:
            return node
        whole = _PLACE.fullmatch(node.value)
        if whole and whole[1] is not None:
            return self._value(whole[1], node) or node
        text = _PLACE.sub(lambda match: self._text(match, node), node.value)
        return ScalarNode(node.place, text, text, plain=False)

    def _text(self, match: re.Match[str], node: ScalarNode) -> str:
        if match[1] is None:
            return match[0][0]
        value = self._value(match[1], node)
        return match[0] if value is None else shown(value)

    def _value(self, name: str, at: Node) -> Node | None:
        if name in self.row:
            self.used.add(name)
            return self.row[name]
        self.complete = False
        hint = self.report.suggest(name, self.row)
        self.report.add(Code.TEST_PARAMETER, at, f"{{{name}}} is no parameter of this case", hint)
        return None


def shown(node: Node) -> str:
    """A value as text and in names."""
    if isinstance(node, ScalarNode):
        return node.text
    if isinstance(node, SequenceNode):
        return "[" + ", ".join(shown(item) for item in node.items) + "]"
    return "{" + ", ".join(f"{key.text}: {shown(value)}" for key, value in node.entries) + "}"


def combinations(report: Report, case: MappingNode) -> list[Row]:
    """The rows of a case; one without parameters for a case that has none, none when they are wrong."""
    reader = Reader(report)
    matrix, examples = case.get(MATRIX), case.get(EXAMPLES)
    axes = _matrix(reader, matrix) if matrix is not None else [{}]
    rows = _examples(reader, examples) if examples is not None else [{}]
    if isinstance(matrix, MappingNode) and rows:
        for key, _ in matrix.entries:
            if key.text in rows[0]:
                report.add(Code.TEST_PARAMETER, key, f"{key.text} is a parameter of the examples, too")
    count = len(axes) * len(rows)
    if count > MAX_COMBINATIONS:
        at = matrix or examples or case
        message = f"comes to {count} cases, more than {MAX_COMBINATIONS}"
        report.add(Code.TEST_TOO_MANY_CASES, at, message, "list the rows that matter under `examples`")
        return []
    return [{**row, **axis} for row, axis in itertools.product(rows, axes)]


def _matrix(reader: Reader, node: Node) -> list[Row]:
    mapping = reader.mapping(node, MATRIX)
    if mapping is None:
        return []
    if not mapping.entries:
        reader.report.add(Code.TEST_EMPTY, node, "the matrix has no parameters")
    axes: list[list[tuple[str, Node]]] = []
    for key, value in mapping.entries:
        if isinstance(value, SequenceNode) and not value.items:
            reader.report.add(Code.TEST_EMPTY, value, f"the parameter {key.text} has no values")
            axes.append([])
        else:
            axes.append([(key.text, item) for item in reader.sequence(value, key.text)])
    size = 1
    for axis in axes:
        size *= len(axis)
    if size > MAX_COMBINATIONS:
        message = f"comes to {size} cases, more than {MAX_COMBINATIONS}"
        reader.report.add(Code.TEST_TOO_MANY_CASES, node, message, "list the rows that matter under `examples`")
        return []
    return [dict(chosen) for chosen in itertools.product(*axes)]


def _examples(reader: Reader, node: Node) -> list[Row]:
    """Rows as mappings, or as lists under a first one that names the columns."""
    if isinstance(node, SequenceNode) and not node.items:
        reader.report.add(Code.TEST_EMPTY, node, "there are no examples")
        return []
    items = reader.sequence(node, EXAMPLES)
    if items and isinstance(items[0], SequenceNode):
        return list(_table(reader, items))
    rows: list[Row] = []
    names: set[str] = set()
    for item in items:
        mapping = reader.mapping(item, "an example")
        if mapping is None:
            continue
        row = {key.text: value for key, value in mapping.entries}
        if rows and set(row) - {EXPECT} != names:
            odd = ", ".join(sorted((set(row) - {EXPECT}) ^ names))
            reader.report.add(Code.TEST_PARAMETER, item, f"not every example has {odd}", "give all rows the same ones")
        names = names or set(row) - {EXPECT}
        rows.append(row)
    return rows


def _table(reader: Reader, items: tuple[Node, ...]) -> Iterator[Row]:
    names = reader.texts(items[0], "the first row of examples")
    if len(items) == 1:
        reader.report.add(Code.TEST_EMPTY, items[0], "the examples have column names but no rows")
    if len(set(names)) < len(names):
        reader.report.add(Code.TEST_PARAMETER, items[0], "a column is named twice")
    for item in items[1:]:
        cells = item.items if isinstance(item, SequenceNode) else ()
        if len(cells) != len(names):
            message = f"the row has {len(cells)} cells, the first row names {len(names)} columns"
            reader.report.add(Code.TEST_PARAMETER, item, message)
        else:
            yield dict(zip(names, cells, strict=True))


def report_unused(report: Report, case: MappingNode, row: Row, used: set[str]) -> None:
    """A parameter without a place makes cases that are all the same."""
    at = case.get(MATRIX) or case.get(EXAMPLES) or case
    for name in sorted(set(row) - used - {EXPECT}):
        message = f"the parameter {name} is used nowhere"
        report.add(Code.TEST_PARAMETER, at, message, f"write {{{name}}} where its value belongs")


def titles(template: str, rows: list[Row]) -> list[str]:
    """The name of each combination: the places filled; the parameters are added where that does not tell them apart."""
    named = [_PLACE.sub(lambda match, row=row: _shown_place(match, row), template) for row in rows]  # type: ignore[misc]
    if len(set(named)) == len(named) and named != [template]:
        return named
    return [f"{name} [{said_of(row)}]" for name, row in zip(named, rows, strict=True)]


def _shown_place(match: re.Match[str], row: Row) -> str:
    if match[1] is None:
        return match[0][0]
    return shown(row[match[1]]) if match[1] in row else match[0]


def said_of(row: Row) -> str:
    """Such as `channel=phone, urgency=urgent`."""
    return ", ".join(f"{key}={shown(value)}" for key, value in row.items() if key != EXPECT)
