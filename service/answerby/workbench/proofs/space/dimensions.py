"""The dimensions of a space: one for each question that conditions ask about a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from answerby.domain.condition import Atom, Op
from answerby.rules.model.builtin_fields import BUILTIN_FIELDS
from answerby.rules.model.vocabulary import ANY_REQUEST, Field, FieldType
from answerby.workbench.proofs.space.cells import (
    MISSING,
    TRUTHS,
    UNKNOWN,
    WRONG,
    Cell,
    CellValue,
    Missing,
    Scale,
    Words,
    Wrong,
)

NO, YES = 1, 2
"""The masks of false and true in a dimension with the cells TRUTHS."""
OTHER_MEMBER = "\0other"
"""Stands for every member of a set that no condition names."""
_BUILTIN = frozenset(field.name for field in BUILTIN_FIELDS)
_COUNTS = frozenset({"request.reopen_count", "request.events"})
_ORDERED = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.INSTANT, FieldType.DURATION})
_TEXTUAL = frozenset({FieldType.TEXT, FieldType.STRING})


class Aspect(StrEnum):
    """The question of a dimension about its field."""

    VALUE = "value"
    MENTIONS = "mentions"
    """Whether the text mentions the lexicon `key`."""
    HAS = "has"
    """Whether the set holds the member `key`."""
    INSIDE = "inside"
    """Whether the instant lies in the working time of the calendar `key`."""
    MATCHES = "matches"
    """Whether the text matches the pattern `key`. Opaque: patterns are not analysed."""
    RULE = "rule"
    """Whether the rule `key` matches. Opaque: its condition is too large to be analysed."""


OPAQUE = frozenset({Aspect.MATCHES, Aspect.RULE})


@dataclass(frozen=True, slots=True)
class Dimension:
    """One question about a request. `cells` are its answers."""

    number: int
    field: str
    aspect: Aspect
    key: str
    cells: tuple[Cell, ...]

    @property
    def full(self) -> int:
        """The mask of all cells."""
        return (1 << len(self.cells)) - 1

    @property
    def missing(self) -> int:
        """The mask of the cell of requests without the field; 0 where every request has it. It is the last cell."""
        return 1 << len(self.cells) - 1 if self.cells and self.cells[-1].value is MISSING else 0


class DimensionTable:
    """The dimensions by number, and by field, aspect and key. A dimension once added never changes."""

    def __init__(self, wrong: frozenset[str], incomplete: frozenset[str]) -> None:
        """`wrong` are fields that may have a value which the vocabulary refuses.

        `incomplete` are calendars without data for some years.
        """
        self.wrong = wrong
        self.incomplete = incomplete
        self.dimensions: list[Dimension] = []
        self.words: dict[str, Words] = {}
        self.scales: dict[str, Scale] = {}
        self._numbers: dict[tuple[str, Aspect, str], int] = {}

    def number(self, field: str, aspect: Aspect = Aspect.VALUE, key: str = "") -> int | None:
        """The number of a dimension; None for a question that no condition asks."""
        return self._numbers.get((field, aspect, key))

    def of_field(self, field: str) -> list[Dimension]:
        return [dimension for dimension in self.dimensions if dimension.field == field]

    def value_dimension(self, field: str) -> Dimension:
        """The VALUE dimension of a field. Raises KeyError for a field without one."""
        return self.dimensions[self._numbers[field, Aspect.VALUE, ""]]

    def add(self, field: str, aspect: Aspect, key: str, cells: tuple[Cell, ...]) -> int:
        """The number of the dimension, which is added if it is new."""
        known = self._numbers.get((field, aspect, key))
        if known is not None:
            return known
        number = len(self.dimensions)
        self.dimensions.append(Dimension(number, field, aspect, key, cells))
        self._numbers[field, aspect, key] = number
        return number

    def add_truth(self, field: str, aspect: Aspect, key: str) -> int:
        """Adds a question with the answers no and yes, and for an incomplete calendar a third: not known."""
        unknown = aspect is Aspect.INSIDE and key in self.incomplete
        return self.add(field, aspect, key, (*TRUTHS, UNKNOWN) if unknown else TRUTHS)

    def add_values(self, field: Field, atoms: Sequence[Atom], edges: Iterable[datetime]) -> None:
        """Adds the values of a field, grouped by what `atoms` and the instants `edges` tell apart."""
        if field.type is FieldType.SET:
            self._add_members(field, atoms)
            return
        cells: tuple[Cell, ...]
        if field.type in _ORDERED:
            comparisons = [atom for atom in atoms if atom.op is not Op.INSIDE]
            scale = self.scales[field.name] = Scale(field, comparisons, edges, _least(field), field.most)
            cells = scale.cells
        elif field.type in _TEXTUAL:
            words = self.words[field.name] = Words(atoms)
            cells = words.cells
        elif field.type is FieldType.BOOLEAN:
            cells = (Cell(False, "false"), Cell(True, "true"))
        else:
            cells = tuple(Cell(value, value) for value in field.values)
        if field.name in self.wrong:
            cells = (*cells, Cell(WRONG, "a wrong value"))
        if may_be_missing(field):
            cells = (*cells, Cell(MISSING, "missing"))
        self.add(field.name, Aspect.VALUE, "", cells)

    def _add_members(self, field: Field, atoms: Sequence[Atom]) -> None:
        if field.name in self.wrong:
            self.add(field.name, Aspect.VALUE, "", (Cell("", "any"), Cell(WRONG, "a wrong value")))
        named = {str(operand) for atom in atoms for operand in atom.operands}
        for member in sorted({*named, *field.values}) + ([] if field.values else [OTHER_MEMBER]):
            self.add(field.name, Aspect.HAS, member, TRUTHS)

    def holding(self, field: str, value: CellValue | datetime | Missing) -> int:
        """The mask of the cell of the field that holds the value; 0 when no cell does. Raises KeyError."""
        cells = self.value_dimension(field).cells
        if field in self.scales and not isinstance(value, Missing):
            return self.scales[field].holding(self.scales[field].number(value))
        if field in self.words and not isinstance(value, Missing):
            return self.words[field].holding(str(value))
        return sum(1 << i for i, cell in enumerate(cells) if cell.value == value and type(cell.value) is type(value))

    def matching(self, field: Field, atom: Atom) -> int:
        """The mask of the cells of the field for which the comparison is true."""
        dimension = self.value_dimension(field.name)
        if atom.op is Op.MISSING:
            return dimension.missing
        if field.name in self.scales:
            return self.scales[field.name].mask(atom.op, atom.operands)
        if field.name in self.words:
            return self.words[field.name].mask(atom.op, atom.operands)
        values = _matching_values(field, atom)
        return sum(1 << i for i, cell in enumerate(dimension.cells) if cell.value in values)

    def except_cells(self, field: Field, *values: Missing | Wrong) -> dict[int, int]:
        """The restriction that the field has none of these values; empty where it never has."""
        number = self.number(field.name)
        if number is None:
            return {}
        dimension = self.dimensions[number]
        mask = sum(1 << i for i, cell in enumerate(dimension.cells) if cell.value in values)
        return {number: dimension.full & ~mask} if mask else {}


def may_be_missing(field: Field) -> bool:
    """Whether a request may come without the field. For a derived field the stages tell more."""
    return not field.always and field.default is None and field.window is None and field.name not in _BUILTIN


def _least(field: Field) -> int | Decimal | None:
    """The least value of a count, or of a field with a range; None for any other."""
    if field.least is not None:
        return field.least
    if field.window is not None:
        return 1 if field.window.count == ANY_REQUEST else 0
    return 0 if field.name in _COUNTS else None


def _matching_values(field: Field, atom: Atom) -> frozenset[str | int | bool]:
    if atom.op in {Op.EQ, Op.IN}:
        return frozenset(atom.operands)
    at = field.severity(str(atom.operands[0]))
    last = len(field.values)
    places = {
        Op.AT_LEAST: range(at, last),
        Op.MORE_THAN: range(at + 1, last),
        Op.AT_MOST: range(at + 1),
        Op.LESS_THAN: range(at),
    }[atom.op]
    return frozenset(field.values[place] for place in places)
