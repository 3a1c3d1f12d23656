"""Cells: the values of a field, grouped so that no condition of the rulebook tells two values of a group apart."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum

from answerby.domain.condition import Atom, Op
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.text.folding import fold

LIMIT = 2**62
"""Integers are smaller than this in magnitude."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_INSTANT = -62_135_596_800_000_000
LAST_INSTANT = 253_402_300_799_999_999
COMPARISONS = frozenset({Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN})


class Missing(Enum):
    """The type of MISSING: no value."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing.MISSING


class Wrong(Enum):
    """The type of WRONG: a value that the vocabulary refuses. Conditions on it cannot be evaluated."""

    WRONG = "wrong"

    def __repr__(self) -> str:
        return "WRONG"


WRONG = Wrong.WRONG
CellValue = str | int | float | bool
"""A value of a cell. Instants are microseconds since 1970 UTC, durations are seconds."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One group of values. `value` is one of them, `label` describes them."""

    value: CellValue | Missing | Wrong
    label: str


TRUTHS = (Cell(False, "no"), Cell(True, "yes"))
"""The cells no and yes; their masks are 1 and 2."""


UNKNOWN = Cell(WRONG, "not known")
"""The third cell of a calendar without data for some years."""


def to_micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


class Scale:
    """The cells of a field with ordered values: numbers, durations, instants.

    The boundary (c, 0) lies just before c, the boundary (c, 1) just after it. A cell lies between two boundaries.
    """

    def __init__(
        self,
        field: Field,
        atoms: Iterable[Atom],
        edges: Iterable[datetime] = (),
        least: int | Decimal | None = None,
        most: Decimal | None = None,
    ) -> None:
        self._whole = field.type in {FieldType.INTEGER, FieldType.INSTANT}
        self._type = field.type
        found = {
            b for atom in atoms if atom.op is not Op.MISSING for o in atom.operands for b in self._around(atom.op, o)
        }
        found |= {self._boundary(to_micros(edge), 0) for edge in edges}
        low: int | float = FIRST_INSTANT if field.type is FieldType.INSTANT else 1 - LIMIT
        high: int | float = LAST_INSTANT if field.type is FieldType.INSTANT else LIMIT - 1
        if least is not None:
            low = self.number(str(least))
        if most is not None:
            high = self.number(str(most))
        self._low, self._high = low, high
        inner = sorted(b for b in found if (low, 0) < b <= (high, 0))
        self._bounds = [(low, 0), *inner, (high, 1)]
        self.cells = tuple(
            self._cell(a, b)
            for a, b in zip(self._bounds, self._bounds[1:], strict=False)
            if self._inner(a, b) is not None
        )
        self._starts = [
            a for a, b in zip(self._bounds, self._bounds[1:], strict=False) if self._inner(a, b) is not None
        ]

    def mask(self, op: Op, operands: Sequence[CellValue]) -> int:
        """The mask of the cells in which every value satisfies the comparison."""
        full = (1 << len(self.cells)) - 1
        if op in {Op.EQ, Op.IN}:
            found = 0
            for operand in operands:
                number = self.number(operand)
                found |= self._from((number, 0)) & ~self._from(self._boundary(number, 1))
            return found & full
        number = self.number(operands[0])
        match op:
            case Op.AT_LEAST:
                return self._from((number, 0)) & full
            case Op.MORE_THAN:
                return self._from(self._boundary(number, 1)) & full
            case Op.LESS_THAN:
                return ~self._from((number, 0)) & full
            case _:
                return ~self._from(self._boundary(number, 1)) & full

    def between(self, start: datetime | None, end: datetime | None) -> int:
        """The mask of the cells in the half-open period."""
        full = (1 << len(self.cells)) - 1
        mask = full if start is None else self._from((to_micros(start), 0)) & full
        return mask if end is None else mask & ~self._from((to_micros(end), 0))

    def holding(self, value: CellValue) -> int:
        """The mask of the cell that holds the value; 0 when no cell does."""
        number = self.number(value)
        return self.mask(Op.EQ, (number,)) or next(
            (1 << i for i in reversed(range(len(self.cells))) if self._starts[i] <= (number, 0)), 0
        )

    def number(self, operand: CellValue | datetime) -> int | float:
        if isinstance(operand, datetime):
            return to_micros(operand)
        if self._type is FieldType.INSTANT and isinstance(operand, str):
            return to_micros(datetime.fromisoformat(operand))
        if isinstance(operand, str):
            value = float(operand)
            return int(value) if value.is_integer() else value
        return operand

    def _from(self, boundary: tuple[int | float, int]) -> int:
        """The mask of all cells that begin at the boundary or after it."""
        return -1 << bisect_left(self._starts, boundary)

    def _around(self, op: Op, operand: CellValue) -> tuple[tuple[int | float, int], ...]:
        number = self.number(operand)
        before, after = (number, 0), self._boundary(number, 1)
        if op in {Op.EQ, Op.IN}:
            return before, after
        return (before,) if op in {Op.AT_LEAST, Op.LESS_THAN} else (after,)

    def _boundary(self, number: float, side: int) -> tuple[int | float, int]:
        return (number + 1, 0) if side and self._whole else (number, side)

    def _inner(self, low: tuple[int | float, int], high: tuple[int | float, int]) -> int | float | None:
        """A value between two boundaries, a round one if possible; None when there is none."""
        first, last = low[0], high[0]
        least = first if low[1] == 0 else None
        if least is None and isinstance(first, int) and (first + 1, 0) < high:
            least = first + 1
        if self._low == first and self._low < 0 and last > 0 and not self._is_instant:
            return 0
        if self._is_instant and first == self._low and last > 0:
            return last - 86_400_000_000 if last != self._high else 1_767_229_200_000_000
        if least is not None:
            return least if (least, 0) < high else None
        if high[1] == 1 and (last, 0) > low:
            return last
        middle = (first + last) / 2
        return middle if first < middle < last and math.isfinite(middle) else None

    @property
    def _is_instant(self) -> bool:
        return self._type is FieldType.INSTANT

    def _cell(self, low: tuple[int | float, int], high: tuple[int | float, int]) -> Cell:
        value = self._inner(low, high)
        assert value is not None
        return Cell(value, self._label(low, high))

    def _label(self, low: tuple[int | float, int], high: tuple[int | float, int]) -> str:
        first = low[0]
        last: int | float = high[0] if high[1] or not self._whole else high[0] - 1
        from_lowest = low == (self._low, 0) and self._low in {1 - LIMIT, FIRST_INSTANT}
        to_highest = high == (self._high, 1)
        if from_lowest and to_highest:
            return "any value"
        if from_lowest:
            return f"{'less than' if not high[1] else 'at most'} {self._text(high[0])}"
        if to_highest:
            return f"{'more than' if low[1] else 'at least'} {self._text(first)}"
        if first == last:
            return self._text(first)
        ends = "" if self._whole or (not low[1] and high[1]) else ", ends left out" if low[1] and not high[1] else ""
        return f"{self._text(first)} to {self._text(last)}{ends}"

    def _text(self, number: float) -> str:
        if self._is_instant:
            return from_micros(int(number)).isoformat().replace("+00:00", "Z")
        return f"{number}s" if self._type is FieldType.DURATION else str(number)


class Words:
    """The cells of a text or an identity: texts that conditions name, and all other texts."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        known = list(atoms)
        exact = {str(o) for a in known if a.op in {Op.EQ, Op.IN} for o in a.operands}
        folded = {fold(str(o)) for a in known if a.op is Op.EQUALS for o in a.operands}
        starts = {fold(str(o)) for a in known if a.op is Op.STARTS_WITH for o in a.operands}
        self.exact: Mapping[int, str] = {}
        """The text of each cell with a single text."""
        self.folded: Mapping[int, str] = {}
        """The folded text of each cell whose texts all fold to it."""
        cells: list[Cell] = []
        self._folds: list[str] = []
        self._exact: list[str | None] = []
        self._starts: list[str | None] = []
        """The beginning of the texts, for cells with many texts."""
        for text in sorted(exact):
            self._add(cells, Cell(text, f'"{text}"'), fold(text), text)
        self.exact = dict(enumerate(sorted(exact)))
        for text in sorted(folded):
            spelling = next((s for s in (text, text + " ", text + "  ", " " + text) if s not in exact), text)
            self._add(cells, Cell(spelling, f'a spelling of "{text}"'), text, None)
        self.folded = dict(enumerate(self._folds))
        used = {*exact, *folded, *starts}
        self._starts += [None] * len(cells)
        for start in ["", *sorted(starts)]:
            label = f'other text that begins with "{start}"' if start else "other text"
            text = _unlike(start, used)
            self._add(cells, Cell(text, label), text, None)
            self._starts.append(start)
        self.cells = tuple(cells)

    def _add(self, cells: list[Cell], cell: Cell, folded: str, exact: str | None) -> None:
        cells.append(cell)
        self._folds.append(folded)
        self._exact.append(exact)

    def mask(self, op: Op, operands: Sequence[CellValue]) -> int:
        texts = {str(o) for o in operands}
        if op in {Op.EQ, Op.IN}:
            return sum(1 << i for i, text in enumerate(self._exact) if text in texts)
        folds = {fold(text) for text in texts}
        if op is Op.EQUALS:
            return sum(1 << i for i, text in enumerate(self._folds) if text in folds)
        return sum(1 << i for i, text in enumerate(self._folds) if text.startswith(tuple(folds)))

    def holding(self, text: str) -> int:
        """The mask of the cell that holds the text."""
        if text in self._exact:
            return 1 << self._exact.index(text)
        folded = fold(text)
        fits = [i for i, known in enumerate(self._folds) if known == folded and self._exact[i] is None]
        starts = [i for i, start in enumerate(self._starts) if start is not None and folded.startswith(start)]
        return 1 << (fits or sorted(starts, key=lambda i: len(self._starts[i] or "")))[-1]


PLAIN = ("·", "°", "§", "¶", "¤", "·°", "·§", "°§¶")
"""Texts without meaning, which stand for a text that no condition asks about."""


def _unlike(start: str, used: set[str]) -> str:
    """A text with this beginning that is none of the texts and begins with no other of them."""
    for tail in PLAIN:
        text = start + tail
        if all(not text.startswith(other) or start.startswith(other) for other in used if other):
            return text
    return start + "·" * (1 + max((len(t) for t in used), default=0))
