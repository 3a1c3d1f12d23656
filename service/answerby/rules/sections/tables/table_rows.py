"""One row of a table, to a rule."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerby.domain.condition import ALWAYS, Condition
from answerby.rules.model.canonical_conditions import all_of
from answerby.rules.model.rulebook import Output, Rule
from answerby.rules.sections.stages.rule_keys import DEFAULT_RANK, read_mode, read_period, read_protected
from answerby.rules.sections.tables.table_head import TableColumn, TableHead
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, RefusedNode, ScalarNode, SequenceNode

ROW_KEYS = ("when", "then", "because", "enabled_from", "until", "mode", "protected")


ANY = "any"
"""A cell without a condition."""


def read_row(table: TableHead, number: int, node: Node) -> Rule:
    """The rule of row `number` (from 1). Mistakes are reported, and read as defaults."""
    scope = table.stage_file.scope
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
        stage=table.stage_file.stage,
        block=table.id,
        when=condition,
        then=outputs,
        because=because,
        file=node.place.file,
        line=node.place.line,
        order=(table.stage_file.rank, DEFAULT_RANK, table.id, number),
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


def _list_row(table: TableHead, number: int, node: Node) -> tuple[Condition, Mapping[str, Output]]:
    if not isinstance(node, SequenceNode):
        table.stage_file.scope.reader.wrong(node, "a row must be a list of cells, or a mapping with when and then")
        return ALWAYS, {}
    inputs, outputs = len(table.inputs), len(table.outputs)
    if len(node.items) != inputs + outputs:
        message = f"the row has {len(node.items)} cells, the table has {inputs} inputs and {outputs} outputs"
        table.stage_file.scope.report.add(Code.TABLE_WIDTH, node, message, "write `any` for a cell that asks nothing")
        return ALWAYS, {}
    return _conditions(table, node, node.items[:inputs]), _results(table, number, node, node.items[inputs:])


def _conditions(table: TableHead, row: Node, cells: tuple[Node, ...]) -> Condition:
    if not _has_width(table, row, cells, table.inputs, "when"):
        return ALWAYS
    return all_of(
        table.stage_file.conditions.on_field(column.name, cell)
        for column, cell in zip(table.inputs, cells, strict=True)
        if column.name is not None and not _is_any(cell)
    )


def _results(table: TableHead, number: int, row: Node, cells: tuple[Node, ...]) -> Mapping[str, Output]:
    if not _has_width(table, row, cells, table.outputs, "then"):
        return {}
    found: dict[str, Output] = {}
    for column, cell in zip(table.outputs, cells, strict=True):
        is_refused = column.name is None or isinstance(cell, RefusedNode)
        output = None if column.name is None or is_refused else table.stage_file.outputs.output(column.name, cell)
        if column.name is not None and output is not None:
            found[column.name] = output
    table.stage_file.complete.check(row, f"row {number} of {table.id}", found, {c.name or "" for c in table.outputs})
    return MappingProxyType(dict(sorted(found.items())))


def _has_width(
    table: TableHead, row: Node, cells: tuple[Node, ...], columns: tuple[TableColumn, ...], side: str
) -> bool:
    if len(cells) == len(columns):
        return True
    if cells:
        message = f"`{side}` has {len(cells)} cells, the table has {len(columns)} such columns"
        table.stage_file.scope.report.add(Code.TABLE_WIDTH, row, message, "write `any` for a cell that asks nothing")
    return False


def _is_any(cell: Node) -> bool:
    return isinstance(cell, ScalarNode) and cell.value == ANY
