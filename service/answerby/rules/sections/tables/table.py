"""`table:` to a block with one rule for each row."""

from __future__ import annotations

from answerby.rules.model.rulebook import Block, HitPolicy
from answerby.rules.sections.rulebook_settings import read_hit
from answerby.rules.sections.stages.stage_file import StageFile
from answerby.rules.sections.tables.csv_rows import TableColumns, read_rows
from answerby.rules.sections.tables.table_head import TABLE_KEYS, TableHead, read_table_head
from answerby.rules.sections.tables.table_rows import ROW_KEYS, read_row
from answerby.rules.text.csv_files import CsvFiles
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import Node, ScalarNode, SequenceNode


def compile_table(stage_file: StageFile, node: Node, csv_files: CsvFiles) -> Block | None:
    """The block of a `table:`. The hit policy is `first`, unless the table or its file names another."""
    scope = stage_file.scope
    mapping = scope.reader.mapping(node, "table")
    if mapping is None:
        return None
    keys = MappingKeys(scope.reader, mapping, "table", TABLE_KEYS)
    table = read_table_head(stage_file, keys)
    hit = read_hit(scope, keys) or read_hit(scope, stage_file.keys) or HitPolicy.FIRST
    rows = _rows_of_file(table, keys, csv_files) if keys.get("rows_from") else _rows(stage_file, keys)
    found = tuple(read_row(table, number, row) for number, row in enumerate(rows, start=1))
    return Block(table.id, stage_file.stage, hit, found, table.complete) if found else None


def _rows(stage_file: StageFile, keys: MappingKeys) -> tuple[Node, ...]:
    report = stage_file.scope.report
    rows = keys.get("rows")
    if rows is None:
        report.add(Code.MISSING_KEY, keys.node, "table needs `rows`, or `rows_from` with the name of a CSV file")
        return ()
    if isinstance(rows, SequenceNode) and not rows.items:
        report.add(Code.TABLE_EMPTY, rows, "the table has no rows", "add a row, or remove the table")
        return ()
    return stage_file.scope.reader.sequence(rows, "rows")


def _rows_of_file(table: TableHead, keys: MappingKeys, csv_files: CsvFiles) -> tuple[Node, ...]:
    scope, node = table.stage_file.scope, keys.get("rows_from")
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
