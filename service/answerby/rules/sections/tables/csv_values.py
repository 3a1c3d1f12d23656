"""Values in CSV cells, to scalars of the type of their column. Values that Excel has changed are found and reported."""

from __future__ import annotations

import re

from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.text.csv_parser import CsvCell
from answerby.rules.text.csv_words import ERRORS, FALSE, TRUE
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.folding import fold, normalize_width
from answerby.rules.text.nodes import Plain, ScalarNode
from answerby.rules.text.yaml_scalars import MAX_DIGITS

AS_TEXT = "format the column as text in Excel before typing"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_EXCEL_DATE = re.compile(
    rf"\d{{1,2}}-({_MONTHS})(-\d{{2,4}})?\Z|({_MONTHS})-\d{{2}}\Z|\d{{1,2}}月\d{{1,2}}日\Z", re.IGNORECASE
)
"""A date in the form of Excel. Excel writes it for input such as 1-3 or 3/1."""
_DATE_LIKE = re.compile(r"\d{1,4}[/.-]\d{1,2}([/.-]\d{1,4})?\Z")
_EXCEL_NUMBER = re.compile(r"[-+]?\d([.,]\d+)?E\+\d+\Z")
"""A long number in the form of Excel, without its last digits."""
_FORMULA_TEXT = re.compile(r'="((?:[^"]|"")*)"\Z')
_INTEGER = re.compile(r"[-+]?\d+\Z")
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)\Z")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(?!\d{3}\Z)\d+\Z")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}([,.' ]\d{3})+\Z")
_LEADING_ZERO = re.compile(r"[-+]?0\d")
_YEAR_FIRST = re.compile(r"(\d{4})(?:/(\d{1,2})/|年(\d{1,2})月)(\d{1,2})日?(?:\s+(.*))?\Z")
_DAY_OR_MONTH_FIRST = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(\s.*)?\Z")
_SERIAL = re.compile(r"\d{5}(\.\d+)?\Z")


def scalar(cell: CsvCell, value: Plain) -> ScalarNode:
    """A scalar at the place of the cell. A text counts as quoted, so that it is not read as YAML again."""
    return ScalarNode(cell.place, value, _text_of(value), plain=not isinstance(value, str))


def _text_of(value: Plain) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_text(text: str) -> str | None:
    """The text of a cell that is marked as text, `'007` or `="007"`. None for a cell without such a mark."""
    if text.startswith(("'", "‘", "’")):
        return text[1:].strip()
    found = _FORMULA_TEXT.match(text)
    return found[1].replace('""', '"') if found else None


class ValueReader:
    """Reads values by the type of their field. A value that Excel has changed is reported, and reads as None."""

    def __init__(self, report: DiagnosticReport, separator: str) -> None:
        self._report = report
        self._decimal_comma = separator == ";"
        self._spellings: dict[str, dict[str, str]] = {}

    def spellings(self, field: Field) -> dict[str, str]:
        """The value by each folded spelling: the values of the field and their aliases."""
        found = self._spellings.get(field.name)
        if found is None:
            found = self._spellings[field.name] = {**field.aliases, **{fold(value): value for value in field.values}}
        return found

    def value(self, field: Field, cell: CsvCell, text: str, *, literal: bool = False) -> ScalarNode | None:
        """The value in `text`, a part of the cell. `literal` tells that the cell is marked as text.

        A text of the wrong type is returned as text. The reader of the field then reports it.
        """
        if not literal and self._is_spoilt(field, cell, text):
            return None
        found: Plain
        match field.type:
            case FieldType.ENUM | FieldType.SET:
                found = self._member(field, cell, text)
            case FieldType.TEXT | FieldType.STRING:
                found = text
            case FieldType.INTEGER | FieldType.DECIMAL:
                found = self._number(field, cell, normalize_width(text))
            case FieldType.BOOLEAN:
                found = _boolean(text)
            case FieldType.INSTANT:
                found = self.date(cell, text)
            case FieldType.DURATION:
                width = normalize_width(text)
                found = int(width) if _INTEGER.match(width) and len(width) <= MAX_DIGITS else width
        return None if found is None else scalar(cell, found)

    def date(self, cell: CsvCell, text: str) -> str | None:
        """The date in ISO 8601, from a form with only one meaning. None, with a diagnostic, for an ambiguous form."""
        width = normalize_width(text).strip()
        found = _YEAR_FIRST.match(width)
        if found:
            day = f"{found[1]}-{int(found[2] or found[3]):02}-{int(found[4]):02}"
            return f"{day}T{found[5]}" if found[5] and found[5] not in {"0:00", "00:00", "0:00:00"} else day
        if _DAY_OR_MONTH_FIRST.match(width) or _EXCEL_DATE.match(width):
            self.refuse(cell, f'"{text[:40]}" does not say which part is the month', f"write 2026-01-31; {AS_TEXT}")
            return None
        if _SERIAL.match(width):
            self.refuse(cell, f"{text} is a date as Excel counts it", f"write 2026-01-31; {AS_TEXT}")
            return None
        return width

    def refuse(self, cell: CsvCell, message: str, hint: str = "") -> None:
        """Reports a cell."""
        self._report.add(Code.CSV_CELL, cell.place, message, hint)

    def is_error(self, cell: CsvCell) -> bool:
        """Whether the cell shows an error of Excel. If so, the error is reported."""
        if normalize_width(cell.text).casefold() not in ERRORS:
            return False
        self.refuse(cell, f"{cell.text} is an error of Excel", "correct the formula, or write the value itself")
        return True

    def _is_spoilt(self, field: Field, cell: CsvCell, text: str) -> bool:
        if field.type is FieldType.INSTANT:
            return False
        width = normalize_width(text)
        is_excel_date = bool(_EXCEL_DATE.match(width))
        if is_excel_date or (_DATE_LIKE.match(width) and not self._may_be_date_like(field, width)):
            hint = f"for an interval write 1..3; otherwise {AS_TEXT}, or write '{text}"
            self.refuse(cell, f'"{text[:40]}" looks like a date, which is what Excel makes of 1-3 and 1/3', hint)
            return True
        if _EXCEL_NUMBER.match(width):
            hint = f"{AS_TEXT}; for exactly these characters write '{text}"
            self.refuse(cell, f'"{text[:40]}" is a long number that Excel has shortened', hint)
            return True
        return False

    def _may_be_date_like(self, field: Field, text: str) -> bool:
        match field.type:
            case FieldType.TEXT | FieldType.STRING:
                return True
            case FieldType.ENUM | FieldType.SET:
                return fold(text) in self.spellings(field) or not field.values
            case FieldType.DECIMAL | FieldType.INTEGER:
                return bool(_DECIMAL.match(text) or _THOUSANDS.match(text))
        return False

    def _member(self, field: Field, cell: CsvCell, text: str) -> str | None:
        """The value for a spelling, whatever its case and width. None when Excel has probably changed the text."""
        known = self.spellings(field)
        if not field.values or (value := known.get(fold(text))) is not None:
            return value if field.values else text
        zeros = [value for value in field.values if value.lstrip("0") == text.lstrip("0") and text.isdecimal()]
        if zeros:
            hint = f"write '{zeros[0]}, or {AS_TEXT}"
            self.refuse(cell, f'{field.name} has no value "{text}", and Excel drops leading zeros', hint)
            return None
        parts = [part for part in re.split(r"[,;，；/]", text) if part.strip()]
        if len(parts) > 1 and all(fold(part) in known for part in parts):
            hint = f"for any of several write {' | '.join(part.strip() for part in parts)}"
            self.refuse(cell, f'{field.name} has no value "{text[:40]}"', hint)
            return None
        return text

    def _number(self, field: Field, cell: CsvCell, text: str) -> int | float | str | None:
        if _LEADING_ZERO.match(text) and text.lstrip("+-").isdecimal():
            self.refuse(cell, f"{text[:40]} has a leading zero", "write the number without it")
            return None
        if _INTEGER.match(text):
            if len(text.lstrip("+-")) > MAX_DIGITS:
                self.refuse(cell, f"{text[:40]} has more than {MAX_DIGITS} digits")
                return None
            return int(text)
        if self._decimal_comma and _DECIMAL_COMMA.match(text):
            text = text.replace(",", ".")
        elif _THOUSANDS.match(text) and not (field.type is FieldType.DECIMAL and _DECIMAL.match(text)):
            self.refuse(cell, f"{text[:40]} may be thousands or a fraction", "write 1000 or 0.5, without separators")
            return None
        return float(text) if _DECIMAL.match(text) else text


def _boolean(text: str) -> bool | str:
    folded = fold(text)
    return True if folded in TRUE else False if folded in FALSE else text
