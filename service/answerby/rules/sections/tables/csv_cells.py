"""Cells of CSV tables, to the nodes of the same table in YAML."""

from __future__ import annotations

import re

from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.stages.operators import OPERATORS
from answerby.rules.sections.tables.csv_values import ValueReader, as_text, scalar
from answerby.rules.text.csv_parser import CsvCell
from answerby.rules.text.csv_words import KEYWORDS, MISSING, NOTHING_ASKED, PRESENT
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.folding import fold, normalize_width
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode
from answerby.rules.text.yaml_parser import parse_yaml

ANY = "any"
_COMPARISONS = {">=": "at_least", "≥": "at_least", "<=": "at_most", "≤": "at_most", ">": "more_than", "<": "less_than"}
_COMPARISON = re.compile(r"(>=|<=|=>|=<|≥|≤|>|<)\s*(.*)\Z", re.DOTALL)
_AND = re.compile(r"\s*(?:&&?|\band\b|并且|且)\s*(?=[<>≥≤])")
_NOT = re.compile(r"(?:!=|<>|≠|!)\s*(?=\S)")
_NOT_WORD = re.compile(r"not\s+(?=\S)", re.IGNORECASE)
_EQUAL = re.compile(r"={1,2}\s*(?=\S)")
_INTERVAL = re.compile(r"\s*(?:\.{2,3}|~)\s*")
_OR = re.compile(r"[|、\n]")
_WORDS = ("mentions", "starts_with", "equals", "has", "inside", "outside")
_WORD = re.compile(rf"({'|'.join(_WORDS)}|starts with|matches)(?:\s*:\s*|\s+)(.+)\Z", re.IGNORECASE | re.DOTALL)
_TEXTUAL = frozenset({FieldType.TEXT, FieldType.STRING})
_UNSPLIT = frozenset({FieldType.BOOLEAN})


class CellReader:
    """Reads cells by the type of their column's field. A cell that cannot be read is reported, and reads as None."""

    def __init__(self, report: DiagnosticReport, separator: str) -> None:
        self._report = report
        self._values = ValueReader(report, separator)
        self._conditions: dict[tuple[str, str], Node] = {}
        """Conditions read so far, by field and text. Columns repeat few different cells many times."""

    def condition(self, field: Field, cell: CsvCell) -> Node | None:
        """The condition of the cell on the field; the scalar `any` when the cell has no condition."""
        before = self._conditions.get((field.name, cell.text))
        if before is not None:
            return _copy_at(before, cell.place)
        found = self._condition(field, cell)
        if found is not None:
            self._conditions[field.name, cell.text] = found
        return found

    def _condition(self, field: Field, cell: CsvCell) -> Node | None:
        if self._values.is_error(cell):
            return None
        text = cell.text
        if fold(text) in KEYWORDS and self._is_value_too(field, cell):
            return None
        return scalar(cell, ANY) if fold(text) in NOTHING_ASKED else self._field_condition(field, cell, text)

    def output(self, field: Field | None, name: str, cell: CsvCell) -> Node | None:
        """The output of the cell. For an output that is no field: the text of the cell, or a list of texts."""
        if self._values.is_error(cell):
            return None
        if fold(cell.text) in NOTHING_ASKED:
            message = f"the row does not say what {name} becomes"
            self._values.refuse(cell, message, "every row sets every output of its table")
            return None
        literal = as_text(cell.text)
        if cell.text.startswith(("{", "[")):
            return self._yaml(cell)
        if field is None:
            texts = [literal] if literal is not None else self._parts(cell.text)
            return self._list(cell, [scalar(cell, text) for text in texts])
        if literal is not None or field.type is not FieldType.SET:
            text = cell.text if literal is None else literal
            return self._values.value(field, cell, text, literal=literal is not None)
        found = [self._values.value(field, cell, text) for text in self._parts(cell.text)]
        return self._list(cell, found)

    def text(self, cell: CsvCell) -> ScalarNode:
        """The text of a cell, such as a reason."""
        literal = as_text(cell.text)
        return scalar(cell, cell.text if literal is None else literal)

    def date(self, cell: CsvCell) -> ScalarNode | None:
        """The date of a cell, in ISO 8601. None, with a diagnostic, for an ambiguous date."""
        if self._values.is_error(cell):
            return None
        found = self._values.date(cell, as_text(cell.text) or cell.text)
        return None if found is None else scalar(cell, found)

    def _is_value_too(self, field: Field, cell: CsvCell) -> bool:
        """Whether a keyword is also a value of the field. Such a cell is ambiguous, and is reported."""
        if fold(cell.text) not in self._values.spellings(field):
            return False
        message = f'"{cell.text}" is a value of {field.name} and also a word of tables'
        hint = f"write '{cell.text} for the value, nothing to ask nothing, {{is: missing}} for a missing one"
        self._values.refuse(cell, message, hint)
        return True

    def _field_condition(self, field: Field, cell: CsvCell, text: str) -> Node | None:
        literal = as_text(text)
        if literal is not None:
            return self._values.value(field, cell, literal, literal=True)
        if text.startswith(("{", "[")):
            return self._yaml(cell)
        if presence := _presence(text):
            return _mapping(cell, ("is", scalar(cell, presence)))
        if fold(text) in self._values.spellings(field):
            return self._values.value(field, cell, text)
        plain = normalize_width(text)
        if negation := _NOT.match(plain) or (field.type not in _TEXTUAL and _NOT_WORD.match(plain)):
            rest = plain[negation.end() :]
            if _NOT.match(rest) or _EQUAL.match(rest) or _NOT_WORD.match(rest):
                self._values.refuse(cell, f'"{text[:40]}" denies more than once', "write one ! or none")
                return None
            inner = self._field_condition(field, cell, rest)
            return None if inner is None else _mapping(cell, ("not", inner))
        if _COMPARISON.match(plain):
            return self._comparisons(field, cell, plain)
        if equal := _EQUAL.match(plain):
            rest = plain[equal.end() :]
            if _NOT.match(rest) or _EQUAL.match(rest):
                self._values.refuse(cell, f'"{text[:40]}" is not a comparison', "write the value, or ! and the value")
                return None
            return self._field_condition(field, cell, rest)
        if (word := _WORD.match(text)) and (operator := _operator(word[1])) in OPERATORS[field.type]:
            return self._word_condition(field, cell, operator, word[2].strip())
        ends = _INTERVAL.split(plain)
        if len(ends) == 2 and "between" in OPERATORS[field.type]:
            return self._interval(field, cell, ends)
        return self._value_list(field, cell, text)

    def _comparisons(self, field: Field, cell: CsvCell, text: str) -> Node | None:
        entries: list[tuple[str, Node]] = []
        for part in _AND.split(text):
            found = _COMPARISON.match(part)
            sign, value = (found[1], found[2].strip()) if found else ("", "")
            operator = _COMPARISONS.get(sign, "")
            if not operator or not value or operator in dict(entries):
                self._values.refuse(cell, f'"{cell.text[:40]}" is not a comparison', "write >= 3, or >= 3 & < 10")
                return None
            operand = self._values.value(field, cell, value)
            if operand is None:
                return None
            entries.append((operator, operand))
        return _mapping(cell, *entries)

    def _interval(self, field: Field, cell: CsvCell, ends: list[str]) -> Node | None:
        if not all(ends):
            hint = "write 3..7, or >= 3 for an interval without end"
            self._values.refuse(cell, f'"{cell.text[:40]}" is half an interval', hint)
            return None
        operands = [self._values.value(field, cell, end) for end in ends]
        found = [operand for operand in operands if operand is not None]
        return _mapping(cell, ("between", SequenceNode(cell.place, tuple(found)))) if len(found) == 2 else None

    def _word_condition(self, field: Field, cell: CsvCell, operator: str, text: str) -> Node | None:
        if operator == "matches":
            return _mapping(cell, (operator, scalar(cell, text)))
        values = [
            self._values.value(field, cell, part) if operator == "has" else scalar(cell, part)
            for part in self._parts(text)
        ]
        operand = self._list(cell, values)
        return None if operand is None else _mapping(cell, (operator, operand))

    def _value_list(self, field: Field, cell: CsvCell, text: str) -> Node | None:
        parts = [text] if field.type in _UNSPLIT else _OR.split(normalize_width(text) if "｜" in text else text)
        parts = [part.strip() for part in parts]
        if not all(parts):
            self._values.refuse(cell, f'"{cell.text[:40]}" has an empty place in its list', "write a | b for any of")
            return None
        values = [part for part in parts if not _presence(part)]
        if not values:
            self._values.refuse(cell, f'"{cell.text[:40]}" says one thing twice', "write missing, or present")
            return None
        if any(_COMPARISON.match(part) or _NOT.match(part) for part in values if field.type not in _TEXTUAL):
            hint = "write two rows; a list holds values only"
            self._values.refuse(cell, f'"{cell.text[:40]}" mixes values and comparisons', hint)
            return None
        condition = self._list(cell, [self._values.value(field, cell, part) for part in values])
        if condition is None or len(values) == len(parts):
            return condition
        if "present" in map(_presence, parts):
            self._values.refuse(cell, f'"{cell.text[:40]}" is met by whatever is given', "write present alone")
            return None
        # `missing or a or b` is written as `not (present and not (a or b))`: entries of a mapping only join by `and`.
        neither = _mapping(cell, ("is", scalar(cell, "present")), ("not", condition))
        return _mapping(cell, ("not", neither))

    def _parts(self, text: str) -> list[str]:
        split = _OR.split(normalize_width(text) if "｜" in text else text)
        return [part.strip() for part in split if part.strip()]

    def _list(self, cell: CsvCell, items: list[ScalarNode | None]) -> Node | None:
        """The single value, or a list of several values. None when one of them was refused."""
        if not items:
            self._values.refuse(cell, f'"{cell.text[:40]}" names nothing', "write a | b for several")
        found = [item for item in items if item is not None]
        if not found or len(found) < len(items):
            return None
        return found[0] if len(found) == 1 else SequenceNode(cell.place, tuple(found))

    def _yaml(self, cell: CsvCell) -> Node | None:
        """The node of a cell in YAML flow style, such as {within: 15m, calendar: always}."""
        scratch = DiagnosticReport()
        node = parse_yaml(cell.text, cell.place.file, scratch)
        for found in scratch.sorted():
            self._report.add(Code(found.code), cell.place, found.message, found.hint)
        return None if node is None else _copy_at(node, cell.place)


def _presence(text: str) -> str:
    folded = fold(text)
    return "missing" if folded in MISSING else "present" if folded in PRESENT else ""


def _operator(word: str) -> str:
    return word.lower().replace(" ", "_")


def _mapping(cell: CsvCell, *entries: tuple[str, Node]) -> MappingNode:
    return MappingNode(cell.place, tuple((scalar(cell, key), value) for key, value in entries))


def _copy_at(node: Node, place: Place) -> Node:
    match node:
        case MappingNode(entries=entries):
            moved = tuple((ScalarNode(place, k.value, k.text, k.plain), _copy_at(v, place)) for k, v in entries)
            return MappingNode(place, moved)
        case SequenceNode(items=items):
            return SequenceNode(place, tuple(_copy_at(item, place) for item in items))
        case ScalarNode(value=value, text=text, plain=plain):
            return ScalarNode(place, value, text, plain)
