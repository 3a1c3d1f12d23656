"""The rows of a CSV file, as rows in long form of the same table in YAML."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from answerby.rules.model.vocabulary import Field
from answerby.rules.sections.tables.csv_cells import ANY, CellReader
from answerby.rules.sections.tables.csv_values import as_text, scalar
from answerby.rules.text.csv_parser import CsvCell, CsvRecord, records, separator_of
from answerby.rules.text.csv_words import COLUMNS, FALSE, TRUE
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.folding import fold
from answerby.rules.text.nodes import MappingNode, Node, Place, Plain, RefusedNode, SequenceNode
from answerby.rules.text.yaml_scalars import resolve

COMMENT = "comment"
_DATES = frozenset({"enabled_from", "until"})


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of a table, which its CSV file must have."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    broken: frozenset[str]
    """Columns that the table declares wrongly. Their cells are skipped."""
    extra: frozenset[str]
    """Keys of rows besides cells, such as `because`. A file may have a column for each."""
    place: Place
    """The place of the table."""


def read_rows(
    text: str, file: str, table: TableColumns, fields: Mapping[str, Field], report: DiagnosticReport
) -> tuple[Node, ...]:
    """The rows from top to bottom. No rows, with a diagnostic, when the file does not fit the table."""
    separator = separator_of(text)
    found = records(text, file, separator, report)
    if found is None:
        return ()
    if not found:
        report.add(Code.FILE_EMPTY, Place(file, 1, 1), "the file says nothing", "its first row names the columns")
        return ()
    header = _Header(table, report)
    columns = header.read(found[0])
    if columns is None:
        return ()
    if len(found) == 1:
        report.add(Code.TABLE_EMPTY, found[0].place, "the table has no rows below its header", "add a row")
    reader = _RowReader(CellReader(report, separator), table, columns, fields, report)
    return tuple(reader.row(record) for record in found[1:])


class _Header:
    def __init__(self, table: TableColumns, report: DiagnosticReport) -> None:
        self._table = table
        self._report = report
        self._names = _names(table)

    def read(self, record: CsvRecord) -> tuple[str | None, ...] | None:
        """The name of each column; None for one without title. None altogether when a column is wrong or missing."""
        seen: dict[str, CsvCell] = {}
        columns: list[str | None] = []
        is_right = True
        for cell in record.cells:
            name = self._names.get(_key(cell.text)) if cell.text else None
            if cell.text and name is None:
                self._report_unknown(cell)
                is_right = False
            elif name is not None and name in seen and name != COMMENT:
                self._report_twice(cell, name, seen[name])
                is_right = False
            elif name is not None:
                seen[name] = cell
            columns.append(name)
        return tuple(columns) if self._has_all(record, seen) and is_right else None

    def _has_all(self, record: CsvRecord, seen: Collection[str]) -> bool:
        missing = [name for name in (*self._table.inputs, *self._table.outputs) if name not in seen]
        for name in missing:
            shown = ", ".join(cell.text for cell in record.cells if cell.text)[:120]
            hint = f"the first row names the columns; it says: {shown}"
            self._report.add(Code.CSV_HEADER, record.place, f"there is no column {name}", hint)
        return not missing

    def _report_unknown(self, cell: CsvCell) -> None:
        place = self._table.place
        known = {*self._table.inputs, *self._table.outputs, *self._table.extra, COMMENT}
        hint = self._report.suggest(cell.text, known)
        message = f'the table ({place.file}:{place.line}) has no column "{cell.text[:40]}"'
        self._report.add(Code.CSV_HEADER, cell.place, message, hint or "name a column for remarks `comment`")

    def _report_twice(self, cell: CsvCell, name: str, first: CsvCell) -> None:
        message = f"{name} is already the column at {first.place.line}:{first.place.column}"
        self._report.add(Code.CSV_HEADER, cell.place, message, "keep one of the two")


def _names(table: TableColumns) -> dict[str, str]:
    """The name of a column by each of its titles. Names from the table take precedence."""
    found = {_key(word): name for name, words in COLUMNS.items() for word in words if name in {*table.extra, COMMENT}}
    found |= {_key(name): name for name in table.extra}
    return found | {_key(name): name for name in (*table.inputs, *table.outputs)}


def _key(text: str) -> str:
    literal = as_text(text)
    return fold(text if literal is None else literal)


class _RowReader:
    def __init__(
        self,
        cells: CellReader,
        table: TableColumns,
        columns: tuple[str | None, ...],
        fields: Mapping[str, Field],
        report: DiagnosticReport,
    ) -> None:
        self._cells = cells
        self._table = table
        self._columns = columns
        self._fields = fields
        self._report = report

    def row(self, record: CsvRecord) -> Node:
        found = dict(self._named(record))
        when = tuple(self._condition(name, found[name]) for name in self._table.inputs)
        then = tuple(self._output(name, found[name]) for name in self._table.outputs)
        start = CsvCell(record.place, "")
        entries: list[tuple[str, Node]] = [
            ("when", SequenceNode(record.place, when)),
            ("then", SequenceNode(record.place, then)),
        ]
        for name in sorted(self._table.extra & found.keys()):
            node = self._extra(name, found[name])
            if node is not None:
                entries.append((name, node))
        return MappingNode(record.place, tuple((scalar(start, key), node) for key, node in entries))

    def _named(self, record: CsvRecord) -> Iterator[tuple[str, CsvCell]]:
        """The cell of each column by name. Cells are blank where the row is shorter than the header."""
        for number, cell in enumerate(record.cells):
            name = self._columns[number] if number < len(self._columns) else None
            if name is not None:
                yield name, cell
            elif cell.text:
                message = "this cell belongs to no column"
                self._report.add(Code.CSV_HEADER, cell.place, message, "name the column in the first row, or empty it")
        for name in self._columns[len(record.cells) :]:
            if name is not None:
                yield name, CsvCell(record.end, "")

    def _condition(self, name: str, cell: CsvCell) -> Node:
        if name in self._table.broken:
            return scalar(cell, ANY)
        return self._cells.condition(self._fields[name], cell) or scalar(cell, ANY)

    def _output(self, name: str, cell: CsvCell) -> Node:
        found = None if name in self._table.broken else self._cells.output(self._fields.get(name), name, cell)
        return found or RefusedNode.at(cell.place)

    def _extra(self, name: str, cell: CsvCell) -> Node | None:
        if not cell.text:
            return None
        if name in _DATES:
            return self._cells.date(cell)
        text = self._cells.text(cell)
        return text if name == "because" else scalar(cell, _word(text.text))


def _word(text: str) -> Plain:
    """The value of a word: a boolean for words such as yes or 否, else the scalar by YAML, such as `shadow`."""
    folded = fold(text)
    return True if folded in TRUE else False if folded in FALSE else resolve(folded)
