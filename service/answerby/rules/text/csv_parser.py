"""CSV text to cells with their places. Quotes around a cell say nothing about its type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Place

SEPARATORS = (",", ";", "\t")
"""The separators that Excel saves: comma; semicolon where the comma is the decimal sign; tab for tab-delimited text."""
MAX_COLUMNS = 1_000
MAX_CELL = 4_096
"""Most characters of a cell."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATOR_LINE = re.compile(r"sep=(.)[ \t]*(?=[\r\n]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvCell:
    """One cell: the text without quotes and outer blanks, and the place where the cell begins."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One row. A row spans several lines when a quoted cell holds line breaks."""

    place: Place
    cells: tuple[CsvCell, ...]
    end: Place
    """The place behind the last cell. Empty cells may follow there."""

    @property
    def is_blank(self) -> bool:
        """Whether all cells of the row are empty."""
        return not any(cell.text for cell in self.cells)


def records(text: str, file: str, separator: str, report: DiagnosticReport) -> list[CsvRecord] | None:
    """The rows that are not blank. None, with a diagnostic, when the text is not valid CSV."""
    try:
        found = list(_Scanner(text.removeprefix("\ufeff"), file, separator).records())
    except _Unfit as unfit:
        report.add(Code.CSV_SYNTAX, unfit.place, unfit.message, unfit.hint)
        return None
    if found and _is_separator_line(found[0], separator):
        del found[0]
    return [record for record in found if not record.is_blank]


def separator_of(text: str) -> str:
    """The separator of the cells: the one named by a line such as `sep=;`, else the most frequent of the first line."""
    separator_line = _SEPARATOR_LINE.match(text.removeprefix("\ufeff"))
    if separator_line:
        return separator_line[1]
    first = next((line for line in _LINE_END.split(text) if line.strip(",;\t \ufeff\"'")), "")
    counts = {separator: _outside_quotes(first).count(separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=counts.__getitem__)


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _is_separator_line(record: CsvRecord, separator: str) -> bool:
    texts = [cell.text for cell in record.cells if cell.text]
    return texts in (["sep="], [f"sep={separator}"])


class _Unfit(Exception):
    """The text is not valid CSV."""

    def __init__(self, place: Place, message: str, hint: str) -> None:
        super().__init__(message)
        self.place, self.message, self.hint = place, message, hint


class _Scanner:
    def __init__(self, text: str, file: str, separator: str) -> None:
        self._text = text
        self._file = file
        self._plain = re.compile(rf"[^{re.escape(separator)}\r\n]*")
        self._separator = separator
        self._nothing = re.compile(rf"[{re.escape(separator)} \t]*")
        self._filled_at = 0
        """An index before which the rest of a row is known to hold text."""
        self._blanks = re.compile(r" *" if separator == "\t" else r"[ \t]*")
        self._at = 0
        self._line = 1
        self._line_start = 0

    def records(self) -> Iterator[CsvRecord]:
        while self._at < len(self._text):
            if not self._skip_nothing():
                yield self._record()
            self._end_line()

    def _skip_nothing(self) -> bool:
        """Whether the rest of the row is empty. If so, moves to the end of the row.

        The scanner remembers how far it has looked. A row of many empty cells would otherwise take quadratic time.
        """
        if self._at < self._filled_at:
            return False
        found = self._nothing.match(self._text, self._at)
        end = found.end() if found else self._at
        if end < len(self._text) and self._text[end] not in "\r\n":
            self._filled_at = end
            return False
        self._at = end
        return True

    def _record(self) -> CsvRecord:
        place = self._place()
        cells = [self._cell()]
        end = self._place()
        while self._text.startswith(self._separator, self._at) and not self._skip_nothing():
            self._at += 1
            cells.append(self._cell())
            end = self._place()
            if len(cells) > MAX_COLUMNS:
                raise _Unfit(cells[-1].place, f"the row has more than {MAX_COLUMNS} cells", "is it the right file?")
        return CsvRecord(place, tuple(cells), end)

    def _cell(self) -> CsvCell:
        cell = self._read_cell()
        if len(cell.text) > MAX_CELL:
            raise _Unfit(cell.place, f"the cell is longer than {MAX_CELL} characters", "does a quote not end?")
        return cell

    def _read_cell(self) -> CsvCell:
        match = self._blanks.match(self._text, self._at)
        start = match.end() if match else self._at
        if self._text.startswith('"', start):
            self._at = start
            return self._quoted()
        found = self._plain.match(self._text, self._at)
        raw = found[0] if found else ""
        text = raw.strip()
        place = self._place(len(raw) - len(raw.lstrip()) if text else 0)
        self._at += len(raw)
        return CsvCell(place, text)

    def _quoted(self) -> CsvCell:
        place, start = self._place(), self._at
        parts: list[str] = []
        self._at += 1
        while True:
            end = self._text.find('"', self._at)
            if end < 0:
                message = "the quote that begins here does not end"
                raise _Unfit(place, message, 'end the cell with ", and write "" for a quote within it')
            parts.append(self._text[self._at : end])
            self._at = end + 1
            if not self._text.startswith('"', self._at):
                break
            parts.append('"')
            self._at += 1
        self._count_lines(start)
        self._skip_blanks()
        return CsvCell(place, "".join(parts).strip())

    def _skip_blanks(self) -> None:
        after = self._plain.match(self._text, self._at)
        rest = after[0] if after else ""
        if rest.strip():
            message = "text follows the closing quote of a cell"
            place = self._place(len(rest) - len(rest.lstrip()))
            raise _Unfit(place, message, 'write "" for a quote within a quoted cell')
        self._at += len(rest)

    def _count_lines(self, start: int) -> None:
        """Counts the line breaks of the quoted cell that began at index `start` and ends here."""
        for end in _LINE_END.finditer(self._text, start, self._at):
            self._line += 1
            self._line_start = end.end()

    def _end_line(self) -> None:
        end = _LINE_END.match(self._text, self._at)
        if end:
            self._at = self._line_start = end.end()
            self._line += 1

    def _place(self, ahead: int = 0) -> Place:
        return Place(self._file, self._line, self._at - self._line_start + 1 + ahead)
