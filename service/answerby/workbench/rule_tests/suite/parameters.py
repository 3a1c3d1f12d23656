"""Parameters of a case. Each row of its examples and each combination of its matrix fills the places `{name}`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode

MATRIX, EXAMPLES = "matrix", "examples"
EXPECT = "expect"
MAX_COMBINATIONS = 1_000
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Row = Mapping[str, Node]


@dataclass(slots=True)
class Filler:
    """Fills the places of a case with one row of values."""

    report: DiagnosticReport
    row: Row
    used: set[str] = field(default_factory=set)
    complete: bool = True
    """Whether every place has a parameter."""

    def fill(self, node: Node) -> Node:
        """The node with its places filled. A place alone keeps the type of the value."""
        match node:
            case ScalarNode():
                return self._scalar(node)
            case SequenceNode():
                return SequenceNode(node.place, tuple(self.fill(item) for item in node.items))
            case MappingNode():
                bare = self._bare_place(node)
                return bare if bare is not None else self._mapping(node)

    def _bare_place(self, node: MappingNode) -> Node | None:
        """The value for a mapping of one key and no value: YAML reads an unquoted `{channel}` so."""
        if len(node.entries) != 1:
            return None
        key, value = node.entries[0]
        empty = isinstance(value, ScalarNode) and value.plain and not value.text
        return (self._value(key.text, node) or node) if empty else None

    def _mapping(self, node: MappingNode) -> MappingNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in node.entries:
            name_node = self._scalar(key)
            name = name_node.text if isinstance(name_node, ScalarNode) else key.text
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
        return match[0] if value is None else node_text(value)

    def _value(self, name: str, at: Node) -> Node | None:
        if name in self.row:
            self.used.add(name)
            return self.row[name]
        self.complete = False
        hint = self.report.suggest(name, self.row)
        self.report.add(Code.TEST_PARAMETER, at, f"{{{name}}} is no parameter of this case", hint)
        return None


def node_text(node: Node) -> str:
    """A value as text, for places within text and for names."""
    if isinstance(node, ScalarNode):
        return node.text
    if isinstance(node, SequenceNode):
        return "[" + ", ".join(node_text(item) for item in node.items) + "]"
    return "{" + ", ".join(f"{key.text}: {node_text(value)}" for key, value in node.entries) + "}"


def combinations(report: DiagnosticReport, case: MappingNode) -> list[Row]:
    """The rows of a case. A case without parameters has one empty row, a case with wrong parameters none."""
    reader = NodeReader(report)
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


def _matrix(reader: NodeReader, node: Node) -> list[Row]:
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


def _examples(reader: NodeReader, node: Node) -> list[Row]:
    """The rows of the examples: mappings, or lists below a first list of column names."""
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


def _table(reader: NodeReader, items: tuple[Node, ...]) -> Iterator[Row]:
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


def report_unused(report: DiagnosticReport, case: MappingNode, row: Row, used: set[str]) -> None:
    """Reports parameters without a place: their cases would all be the same."""
    at = case.get(MATRIX) or case.get(EXAMPLES) or case
    for name in sorted(set(row) - used - {EXPECT}):
        message = f"the parameter {name} is used nowhere"
        report.add(Code.TEST_PARAMETER, at, message, f"write {{{name}}} where its value belongs")


def titles(template: str, rows: list[Row]) -> list[str]:
    """The name of each row. Parameters are appended where filled places do not make the names differ."""
    names = [_PLACE.sub(lambda match, row=row: _place_text(match, row), template) for row in rows]  # type: ignore[misc]
    if len(set(names)) == len(names) and names != [template]:
        return names
    return [f"{name} [{row_text(row)}]" for name, row in zip(names, rows, strict=True)]


def _place_text(match: re.Match[str], row: Row) -> str:
    if match[1] is None:
        return match[0][0]
    return node_text(row[match[1]]) if match[1] in row else match[0]


def row_text(row: Row) -> str:
    """The parameters of a row, such as `channel=phone, urgency=urgent`."""
    return ", ".join(f"{key}={node_text(value)}" for key, value in row.items() if key != EXPECT)
