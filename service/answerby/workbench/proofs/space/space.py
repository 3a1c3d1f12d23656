"""The space of facts: every way in which the conditions of a rulebook can tell two requests apart.

Each field is one dimension of cells or, for lexicons, members of sets, calendars and patterns, several dimensions
that are true or false. Every request is one point. The other way round a point may be impossible (`forbidden` names
what we know of that), so what holds for all points holds for all requests, and what holds for some point needs a real
request to prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op, atoms
from answerby.rules.model.builtin import BUILTIN_FIELDS
from answerby.rules.model.rulebook import Lexicon, Rule, Rulebook
from answerby.rules.model.vocabulary import ANY_REQUEST, Field, FieldType, Vocabulary
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, disjoint, make_box, meet, without_contained
from answerby.workbench.proofs.space.cells import (
    MISSING,
    TRUTHS,
    UNKNOWN,
    WRONG,
    Cell,
    Known,
    Missing,
    Scale,
    Words,
    Wrong,
)
from answerby.workbench.proofs.space.terms import implications, mentioned

MAX_BOXES = 512
"""Boxes of one condition; one that needs more is not analysed."""
NO, YES = 1, 2
"""The masks of a dimension that is true or false."""
EVENT_TIME = "event.time"
_BUILTIN = frozenset(field.name for field in BUILTIN_FIELDS)
_COUNTS = frozenset({"request.reopen_count", "request.events"})
_ORDERED = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.INSTANT, FieldType.DURATION})
_TEXTUAL = frozenset({FieldType.TEXT, FieldType.STRING})
OTHER_MEMBER = "\0other"


class TooManyBoxes(Exception):
    """A condition is too large to be taken apart."""


class Aspect(StrEnum):
    """What of a field a dimension is about."""

    VALUE = "value"
    MENTIONS = "mentions"
    """Whether the text mentions the lexicon `key`."""
    HAS = "has"
    """Whether the set holds the member `key`."""
    INSIDE = "inside"
    """Whether the instant lies in the working time of the calendar `key`."""
    MATCHES = "matches"
    """Whether the text matches the pattern `key`. Opaque: the analysis does not look into patterns."""
    RULE = "rule"
    """Whether the rule `key` matches, whose condition is too large to be taken apart. Opaque."""


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
        return (1 << len(self.cells)) - 1


class Space:
    """The dimensions of one or several rulebooks that share a vocabulary. Immutable after construction."""

    def __init__(
        self,
        rulebooks: Sequence[Rulebook],
        more: Iterable[Condition] = (),
        wrong: frozenset[str] = frozenset(),
        shaky: frozenset[str] = frozenset(),
    ) -> None:
        """`more` are conditions besides those of the rules that the space must tell apart.

        `wrong` are fields that may have a value which the vocabulary refuses, `shaky` calendars that do not know every
        year: there a condition neither holds nor fails to hold.
        """
        self._wrong, self._shaky = wrong, shaky
        self.vocabulary: Vocabulary = rulebooks[0].vocabulary
        self.lexicons: Mapping[str, Lexicon] = {name: x for book in rulebooks for name, x in book.lexicons.items()}
        rules = [rule for book in rulebooks for stage in book.stages for rule in stage.rules]
        self._dimensions: list[Dimension] = []
        self._numbers: dict[tuple[str, Aspect, str], int] = {}
        self._scales: dict[str, Scale] = {}
        self._words: dict[str, Words] = {}
        self._sides: dict[Atom, tuple[tuple[Box, ...], tuple[Box, ...]]] = {}
        self._opaque_rules: dict[str, Box] = {}
        edges = {edge for rule in rules for edge in (rule.enabled_from, rule.until) if edge is not None}
        self._build([atom for rule in rules for atom in atoms(rule.when)] + [a for c in more for a in atoms(c)], edges)
        self.forbidden: tuple[Box, ...] = tuple(self._impossible())
        """Boxes in which no request lies."""

    @property
    def dimensions(self) -> Sequence[Dimension]:
        return self._dimensions

    def full(self) -> list[int]:
        """Domains that allow every cell."""
        return [dimension.full for dimension in self._dimensions]

    def number(self, field: str, aspect: Aspect = Aspect.VALUE, key: str = "") -> int | None:
        """The dimension's number; None when no condition asks for it."""
        return self._numbers.get((field, aspect, key))

    def of_field(self, field: str) -> list[Dimension]:
        return [d for d in self._dimensions if d.field == field]

    def holding(self, field: str, value: Known | datetime | Missing) -> int:
        """The mask of the cell of the field's VALUE dimension that holds the value; 0 when none does."""
        number = self._numbers[field, Aspect.VALUE, ""]
        cells = self._dimensions[number].cells
        if field in self._scales and not isinstance(value, Missing):
            return self._scales[field].holding(self._scales[field].number(value))
        if field in self._words and not isinstance(value, Missing):
            return self._words[field].holding(str(value))
        return sum(1 << i for i, cell in enumerate(cells) if cell.value == value and type(cell.value) is type(value))

    def boxes(self, condition: Condition) -> tuple[Box, ...]:
        """The facts that satisfy the condition, as a union of boxes. Raises TooManyBoxes."""
        return without_contained(self._side(condition, holds=True))

    def boxes_of(self, rule: Rule) -> tuple[Box, ...]:
        """Where the rule matches while it is in force. One too large to be analysed has a dimension of its own."""
        if rule.id in self._opaque_rules:
            return (self._opaque_rules[rule.id],)
        try:
            found = self.boxes(rule.when)
        except TooManyBoxes:
            number = self._add(rule.id, Aspect.RULE, rule.id, TRUTHS)
            self._opaque_rules[rule.id] = ((number, YES),)
            return (self._opaque_rules[rule.id],)
        period = self.period(rule)
        return found if period is EVERYTHING else tuple(b for box in found if (b := meet(box, period)) is not None)

    def period(self, rule: Rule) -> Box:
        if rule.enabled_from is None and rule.until is None:
            return EVERYTHING
        number = self._numbers[EVENT_TIME, Aspect.VALUE, ""]
        return ((number, self._scales[EVENT_TIME].between(rule.enabled_from, rule.until)),)

    def is_opaque(self, rule: Rule) -> bool:
        return rule.id in self._opaque_rules

    # ---- conditions

    def failing(self, rule: Rule) -> tuple[Box, ...]:
        """Where the rule, in force, cannot be evaluated: it is neither true nor false (Kleene's logic)."""
        if not (self._wrong or self._shaky):
            return ()
        try:
            sides = [self._unreached(rule.when, holds=holds) for holds in (True, False)]
            return _all([*sides, (self.period(rule),)])
        except TooManyBoxes:
            return (EVERYTHING,)

    def _unreached(self, condition: Condition, *, holds: bool) -> tuple[Box, ...]:
        """Where the condition is not true (or, not `holds`, not false)."""
        match condition:
            case Atom():
                reached = self._sides[condition][not holds]
                return _all([self._outside(box) for box in reached])
            case Not(child):
                return self._unreached(child, holds=not holds)
            case All(children) | AnyOf(children):
                sides = [self._unreached(child, holds=holds) for child in children]
                return _any(sides) if isinstance(condition, All) == holds else _all(sides)

    def _outside(self, box: Box) -> tuple[Box, ...]:
        return tuple(b for number, mask in box for b in _one(number, self._dimensions[number].full & ~mask, -1))

    def _side(self, condition: Condition, *, holds: bool) -> tuple[Box, ...]:
        """Where the condition holds, or where it does not."""
        match condition:
            case Atom():
                return self._sides[condition][not holds]
            case Not(child):
                return self._side(child, holds=not holds)
            case All(children) | AnyOf(children):
                sides = [self._side(child, holds=holds) for child in children]
                return _all(sides) if isinstance(condition, All) == holds else _any(sides)

    # ---- dimensions

    def _build(self, known: Sequence[Atom], edges: Iterable[datetime]) -> None:
        by_field: dict[str, dict[Atom, None]] = {EVENT_TIME: {}} if edges else {}
        for atom in known:
            by_field.setdefault(atom.field, {})[atom] = None
        for name in sorted(by_field):
            field = self.vocabulary[name]
            self._add_values(field, tuple(by_field[name]), edges if name == EVENT_TIME else ())
            for atom in sorted(by_field[name], key=repr):
                self._sides[atom] = self._sides_of(field, atom)

    def _add(self, field: str, aspect: Aspect, key: str, cells: tuple[Cell, ...]) -> int:
        known = self._numbers.get((field, aspect, key))
        if known is not None:
            return known
        number = len(self._dimensions)
        self._dimensions.append(Dimension(number, field, aspect, key, cells))
        self._numbers[field, aspect, key] = number
        return number

    def _add_values(self, field: Field, known: Sequence[Atom], edges: Iterable[datetime]) -> None:
        if field.type is FieldType.SET:
            if field.name in self._wrong:
                self._add(field.name, Aspect.VALUE, "", (Cell("", "any"), Cell(WRONG, "a wrong value")))
            asked = {str(o) for atom in known for o in atom.operands}
            for member in sorted({*asked, *field.values}) + ([] if field.values else [OTHER_MEMBER]):
                self._add(field.name, Aspect.HAS, member, TRUTHS)
            return
        cells: tuple[Cell, ...]
        if field.type in _ORDERED:
            plain = [atom for atom in known if atom.op is not Op.INSIDE]
            scale = self._scales[field.name] = Scale(field, plain, edges, _least(field))
            cells = scale.cells
        elif field.type in _TEXTUAL:
            words = self._words[field.name] = Words(known)
            cells = words.cells
        elif field.type is FieldType.BOOLEAN:
            cells = (Cell(False, "false"), Cell(True, "true"))
        else:
            cells = tuple(Cell(value, value) for value in field.values)
        if field.name in self._wrong:
            cells = (*cells, Cell(WRONG, "a wrong value"))
        if may_be_missing(field):
            cells = (*cells, Cell(MISSING, "missing"))
        self._add(field.name, Aspect.VALUE, "", cells)

    def _sides_of(self, field: Field, atom: Atom) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
        if field.type is FieldType.SET:
            return self._sides_of_set(field, atom)
        aspect = {Op.MENTIONS: Aspect.MENTIONS, Op.INSIDE: Aspect.INSIDE, Op.MATCHES: Aspect.MATCHES}.get(atom.op)
        if aspect is not None:
            numbers = [self._add(field.name, aspect, str(o), self._truths(atom.op, str(o))) for o in atom.operands]
            present, right = self._cells_but(field, MISSING, WRONG), self._cells_but(field, WRONG)
            none = make_box({**right, **dict.fromkeys(numbers, NO)})
            return tuple(make_box({**present, n: YES}) for n in numbers), (none,)
        number = self._numbers[field.name, Aspect.VALUE, ""]
        dimension = self._dimensions[number]
        right_mask = self._cells_but(field, WRONG).get(number, dimension.full)
        mask = self._mask(field, atom)
        return _one(number, mask, dimension.full), _one(number, right_mask & ~mask, dimension.full)

    def _sides_of_set(self, field: Field, atom: Atom) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
        if atom.op is Op.MISSING:
            members = [d.number for d in self.of_field(field.name) if d.aspect is Aspect.HAS]
        else:
            members = [self._numbers[field.name, Aspect.HAS, str(o)] for o in atom.operands]
        right = self._cells_but(field, WRONG)
        some = tuple(make_box({**right, n: YES}) for n in sorted(members))
        none = (make_box({**right, **dict.fromkeys(members, NO)}),)
        return (none, some) if atom.op is Op.MISSING else (some, none)

    def _mask(self, field: Field, atom: Atom) -> int:
        cells = self._dimensions[self._numbers[field.name, Aspect.VALUE, ""]].cells
        if atom.op is Op.MISSING:
            return sum(1 << i for i, cell in enumerate(cells) if cell.value is MISSING)
        if field.name in self._scales:
            return self._scales[field.name].mask(atom.op, atom.operands)
        if field.name in self._words:
            return self._words[field.name].mask(atom.op, atom.operands)
        wanted = _wanted(field, atom)
        return sum(1 << i for i, cell in enumerate(cells) if cell.value in wanted)

    def _truths(self, op: Op, key: str) -> tuple[Cell, ...]:
        return (*TRUTHS, UNKNOWN) if op is Op.INSIDE and key in self._shaky else TRUTHS

    def _cells_but(self, field: Field, *values: Missing | Wrong) -> dict[int, int]:
        """The restriction that the field is none of these; none where it never is."""
        number = self._numbers.get((field.name, Aspect.VALUE, ""))
        if number is None:
            return {}
        dimension = self._dimensions[number]
        out = sum(1 << i for i, cell in enumerate(dimension.cells) if cell.value in values)
        return {number: dimension.full & ~out} if out else {}

    # ---- what cannot be

    def _impossible(self) -> Iterable[Box]:
        implied = implications(self.lexicons, {d.key for d in self._dimensions if d.aspect is Aspect.MENTIONS})
        for dimension in self._dimensions:
            field = dimension.field
            value = self.number(field)
            if dimension.aspect in {Aspect.MENTIONS, Aspect.INSIDE, Aspect.MATCHES} and value is not None:
                for i, cell in enumerate(self._dimensions[value].cells):
                    if cell.value in {MISSING, WRONG}:
                        yield make_box({dimension.number: dimension.full & ~NO, value: 1 << i})
            if dimension.aspect is Aspect.MENTIONS:
                yield from self._known_mentions(dimension, value)
                for other in implied.get(dimension.key, ()):
                    number = self.number(field, Aspect.MENTIONS, other)
                    if number is not None:
                        yield make_box({dimension.number: YES, number: NO})
        for name, field_ in self.vocabulary.fields.items():
            if (
                field_.type is FieldType.SET
                and field_.default is not None
                and not field_.derived_by
                and self.of_field(name)
            ):
                members = (d.number for d in self.of_field(name) if d.aspect is Aspect.HAS)
                yield make_box({**dict.fromkeys(members, NO), **self._cells_but(field_, WRONG)})
            for part in field_.parts:
                yield from self._wrong_part(name, part)

    def _wrong_part(self, whole: str, part: str) -> Iterable[Box]:
        """A text is wrong when a part of it is."""
        numbers = self.number(whole), self.number(part)
        if part in self._wrong and None not in numbers:
            right, wrong = (self._cells_but(self.vocabulary[name], WRONG) for name in (whole, part))
            dimension, mask = next(iter(wrong.items()))
            yield make_box({**right, dimension: self._dimensions[dimension].full & ~mask})

    def _known_mentions(self, dimension: Dimension, value: int | None) -> Iterable[Box]:
        """A text that is known letter by letter mentions what it mentions."""
        words = self._words.get(dimension.field)
        if words is None or value is None:
            return
        lexicons = {dimension.key: self.lexicons[dimension.key]} | {
            name: self.lexicons[name] for name in self.lexicons[dimension.key].exceptions if name in self.lexicons
        }
        for cell, folded in words.folded.items():
            truth = dimension.key in mentioned(lexicons, folded)
            yield make_box({dimension.number: NO if truth else YES, value: 1 << cell})


def may_be_missing(field: Field) -> bool:
    """Whether a request may come without the field. Of a derived field the stages say more."""
    return field.default is None and field.window is None and field.name not in _BUILTIN


def _least(field: Field) -> int | None:
    if field.window is not None:
        return 1 if field.window.count == ANY_REQUEST else 0
    return 0 if field.name in _COUNTS else None


def _wanted(field: Field, atom: Atom) -> frozenset[str | int | bool]:
    if atom.op in {Op.EQ, Op.IN}:
        return frozenset(atom.operands)
    at = field.severity(str(atom.operands[0]))
    last = len(field.values)
    chosen = {
        Op.AT_LEAST: range(at, last),
        Op.MORE_THAN: range(at + 1, last),
        Op.AT_MOST: range(at + 1),
        Op.LESS_THAN: range(at),
    }[atom.op]
    return frozenset(field.values[i] for i in chosen)


def _one(number: int, mask: int, full: int) -> tuple[Box, ...]:
    if not mask:
        return ()
    return (EVERYTHING,) if mask == full else (((number, mask),),)


def _all(sides: Sequence[tuple[Box, ...]]) -> tuple[Box, ...]:
    found: tuple[Box, ...] = (EVERYTHING,)
    for side in sorted(sides, key=len):
        if len(found) == 1 and len(side) == 1:
            both = meet(found[0], side[0])
            found = () if both is None else (both,)
            continue
        found = _limited(b for one in found for other in side if (b := meet(one, other)) is not None)
    return found


def _any(sides: Sequence[tuple[Box, ...]]) -> tuple[Box, ...]:
    found = _limited(box for side in sides for box in side)
    return _joined(found)


def _joined(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    """Boxes of the same single dimension become one: `any` over values of a field is a list of values."""
    masks: dict[int, int] = {}
    others: list[Box] = []
    for box in boxes:
        if len(box) == 1:
            masks[box[0][0]] = masks.get(box[0][0], 0) | box[0][1]
        else:
            others.append(box)
    return (*(((number, mask),) for number, mask in sorted(masks.items())), *others)


def _limited(boxes: Iterable[Box]) -> tuple[Box, ...]:
    found: dict[Box, None] = {}
    for box in boxes:
        found[box] = None
        if len(found) > MAX_BOXES * 4:
            raise TooManyBoxes
    kept = without_contained(found) if len(found) > 1 else tuple(found)
    if len(kept) > MAX_BOXES:
        raise TooManyBoxes
    return kept


__all__ = ["Aspect", "Dimension", "Space", "TooManyBoxes", "disjoint", "may_be_missing"]
