"""`table:` to a block with one rule for each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from answerby.domain.condition import ALWAYS, Condition
from answerby.rules.model.canonical_conditions import all_of
from answerby.rules.model.rulebook import Block, HitPolicy, Output, Rule, RuleMode
from answerby.rules.sections.name_scope import NameKind
from answerby.rules.sections.rulebook_settings import read_hit
from answerby.rules.sections.stages.rule_keys import DEFAULT_RANK, read_mode, read_owner, read_period, read_protected
from answerby.rules.sections.stages.stage_file import StageFile
from answerby.rules.sections.tables.csv_rows import TableColumns, read_rows
from answerby.rules.text.csv_files import CsvFiles
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, RefusedNode, ScalarNode, SequenceNode

TABLE_KEYS = (
    "id",
    "because",
    "inputs",
    "output",
    "outputs",
    "hit",
    "rows",
    "rows_from",
    "owner",
    "enabled_from",
    "until",
    "mode",
    "protected",
    "description",
)
ROW_KEYS = ("when", "then", "because", "enabled_from", "until", "mode", "protected")
ANY = "any"
"""A cell without a condition."""


@dataclass(frozen=True, slots=True)
class _Column:
    node: Node
    name: str | None
    """None for a column that is declared wrongly. Its cells are skipped."""


@dataclass(frozen=True, slots=True)
class _Table:
    section: StageFile
    id: str
    because: str
    owner: str
    inputs: tuple[_Column, ...]
    outputs: tuple[_Column, ...]
    period: tuple[datetime | None, datetime | None]
    mode: RuleMode
    protected: bool

    @property
    def columns(self) -> tuple[_Column, ...]:
        return (*self.inputs, *self.outputs)


def compile_table(section: StageFile, node: Node, csv_files: CsvFiles) -> Block | None:
    """The block of a `table:`. The hit policy is `first`, unless the table or its file names another."""
    scope = section.scope
    mapping = scope.reader.mapping(node, "table")
    if mapping is None:
        return None
    keys = MappingKeys(scope.reader, mapping, "table", TABLE_KEYS)
    table = _open(section, keys)
    hit = read_hit(scope, keys) or read_hit(scope, section.keys) or HitPolicy.FIRST
    rows = _rows_of_file(table, keys, csv_files) if keys.get("rows_from") else _rows(section, keys)
    found = tuple(_row(table, number, row) for number, row in enumerate(rows, start=1))
    return Block(table.id, section.stage, hit, found) if found else None


def _rows(section: StageFile, keys: MappingKeys) -> tuple[Node, ...]:
    report = section.scope.report
    rows = keys.get("rows")
    if rows is None:
        report.add(Code.MISSING_KEY, keys.node, "table needs `rows`, or `rows_from` with the name of a CSV file")
        return ()
    if isinstance(rows, SequenceNode) and not rows.items:
        report.add(Code.TABLE_EMPTY, rows, "the table has no rows", "add a row, or remove the table")
        return ()
    return section.scope.reader.sequence(rows, "rows")


def _rows_of_file(table: _Table, keys: MappingKeys, csv_files: CsvFiles) -> tuple[Node, ...]:
    scope, node = table.section.scope, keys.get("rows_from")
    if keys.get("rows") is not None:
        scope.report.add(Code.WRONG_VALUE, keys.node, "the table has `rows` and `rows_from`", "keep one")
    file = None if node is None else csv_files.take(node)
    if file is None:
        return ()
    columns = [(column.name, column.node.text) for column in table.columns if isinstance(column.node, ScalarNode)]
    columns_of_file = TableColumns(
        inputs=tuple(c.node.text for c in table.inputs if isinstance(c.node, ScalarNode)),
        outputs=tuple(c.node.text for c in table.outputs if isinstance(c.node, ScalarNode)),
        broken=frozenset(text for name, text in columns if name is None),
        extra=frozenset(ROW_KEYS) - {"when", "then"},
        place=keys.node.place,
    )
    path, text = file
    return read_rows(text, path, columns_of_file, scope.fields, scope.report)


def _open(section: StageFile, keys: MappingKeys) -> _Table:
    scope = section.scope
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "table id")
    if id_node is not None and name is not None:
        scope.declare(NameKind.RULE, name, id_node)
    return _Table(
        section=section,
        id=name or "",
        because=keys.because(needed=False),
        owner=read_owner(scope, keys) or section.owner,
        inputs=_inputs(section, keys),
        outputs=_outputs(section, keys),
        period=read_period(scope, keys),
        mode=read_mode(scope, keys) or RuleMode.LIVE,
        protected=read_protected(scope, keys) or False,
    )


def _inputs(section: StageFile, keys: MappingKeys) -> tuple[_Column, ...]:
    node = keys.require("inputs")
    items = () if node is None else section.scope.reader.one_or_more(node, "inputs")
    return _unique(section, [_Column(item, section.conditions.field_name(item)) for item in items])


def _outputs(section: StageFile, keys: MappingKeys) -> tuple[_Column, ...]:
    node = keys.get("output") or keys.get("outputs")
    if keys.get("output") is not None and keys.get("outputs") is not None:
        section.scope.report.add(Code.WRONG_VALUE, keys.node, "the table has `output` and `outputs`", "keep one")
    if node is None:
        keys.require("output")
        return ()
    items = section.scope.reader.one_or_more(node, "outputs")
    return _unique(
        section,
        [
            _Column(item, item.text if section.outputs.may_set(item) and isinstance(item, ScalarNode) else None)
            for item in items
        ],
    )


def _unique(section: StageFile, columns: list[_Column]) -> tuple[_Column, ...]:
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            section.scope.report.add(Code.DUPLICATE_ID, column.node, f"{column.name} is already a column", "remove one")
        elif column.name is not None:
            seen.add(column.name)
    return tuple(columns)


def _row(table: _Table, number: int, node: Node) -> Rule:
    scope = table.section.scope
    because, (enabled_from, until), mode = table.because, table.period, table.mode
    protected: bool | None = None
    if isinstance(node, MappingNode):
        keys = MappingKeys(scope.reader, node, "row", ROW_KEYS)
        when, then = _cells(keys.require("when")), _cells(keys.require("then"))
        because = keys.because(needed=not because) or because
        row_from, row_until = read_period(scope, keys)
        enabled_from, until = row_from or enabled_from, row_until or until
        mode = read_mode(scope, keys) or mode
        protected = read_protected(scope, keys)
        condition, outputs = _conditions(table, node, when), _results(table, number, node, then)
    else:
        condition, outputs = _list_row(table, number, node)
        if not because:
            message = "neither the table nor this row says why it exists"
            scope.report.add(Code.MISSING_BECAUSE, node, message, "add `because: ...` to the table")
    return Rule(
        id=f"{table.id}#{number}",
        stage=table.section.stage,
        block=table.id,
        when=condition,
        then=outputs,
        because=because,
        file=node.place.file,
        line=node.place.line,
        order=(table.section.rank, DEFAULT_RANK, table.id, number),
        owner=table.owner,
        enabled_from=enabled_from,
        until=until,
        mode=mode,
        protected=table.protected if protected is None else protected,
    )


def _cells(node: Node | None) -> tuple[Node, ...]:
    """The cells of one side of a row in long form. A node that is no list is one cell."""
    if isinstance(node, SequenceNode):
        return node.items
    return () if node is None else (node,)


def _list_row(table: _Table, number: int, node: Node) -> tuple[Condition, Mapping[str, Output]]:
    if not isinstance(node, SequenceNode):
        table.section.scope.reader.wrong(node, "a row must be a list of cells, or a mapping with when and then")
        return ALWAYS, {}
    inputs, outputs = len(table.inputs), len(table.outputs)
    if len(node.items) != inputs + outputs:
        message = f"the row has {len(node.items)} cells, the table has {inputs} inputs and {outputs} outputs"
        table.section.scope.report.add(Code.TABLE_WIDTH, node, message, "write `any` for a cell that asks nothing")
        return ALWAYS, {}
    return _conditions(table, node, node.items[:inputs]), _results(table, number, node, node.items[inputs:])


def _conditions(table: _Table, row: Node, cells: tuple[Node, ...]) -> Condition:
    if not _has_width(table, row, cells, table.inputs, "when"):
        return ALWAYS
    return all_of(
        table.section.conditions.on_field(column.name, cell)
        for column, cell in zip(table.inputs, cells, strict=True)
        if column.name is not None and not _is_any(cell)
    )


def _results(table: _Table, number: int, row: Node, cells: tuple[Node, ...]) -> Mapping[str, Output]:
    if not _has_width(table, row, cells, table.outputs, "then"):
        return {}
    found: dict[str, Output] = {}
    for column, cell in zip(table.outputs, cells, strict=True):
        is_refused = column.name is None or isinstance(cell, RefusedNode)
        output = None if column.name is None or is_refused else table.section.outputs.output(column.name, cell)
        if column.name is not None and output is not None:
            found[column.name] = output
    table.section.complete.check(row, f"row {number} of {table.id}", found, {c.name or "" for c in table.outputs})
    return MappingProxyType(dict(sorted(found.items())))


def _has_width(table: _Table, row: Node, cells: tuple[Node, ...], columns: tuple[_Column, ...], side: str) -> bool:
    if len(cells) == len(columns):
        return True
    if cells:
        message = f"`{side}` has {len(cells)} cells, the table has {len(columns)} such columns"
        table.section.scope.report.add(Code.TABLE_WIDTH, row, message, "write `any` for a cell that asks nothing")
    return False


def _is_any(cell: Node) -> bool:
    return isinstance(cell, ScalarNode) and cell.value == ANY
