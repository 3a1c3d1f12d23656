"""The space of facts: every way in which the conditions of a rulebook can tell two requests apart.

Each field is one dimension of cells, or several dimensions with the cells no and yes: for lexicons, members of sets,
calendars and patterns. Every request is one point. A point may be impossible; `forbidden` holds the boxes known to be
empty. So a statement true of all points is true of all requests. A statement true of some point still needs a real
request to prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op, atoms
from answerby.rules.model.rulebook import Lexicon, Rule, Rulebook
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from answerby.workbench.proofs.space.box_unions import TooManyBoxes, Union, intersect_unions, restriction, unite
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, intersection, make_box, without_contained
from answerby.workbench.proofs.space.cells import MISSING, TRUTHS, WRONG, CellValue, Missing
from answerby.workbench.proofs.space.dimensions import NO, YES, Aspect, Dimension, DimensionTable
from answerby.workbench.proofs.space.impossible import impossible_boxes

EVENT_TIME = "event.time"


class Space:
    """The dimensions of rulebooks that share a vocabulary, and the boxes in which their conditions hold.

    Only a rule that is too large to be analysed adds a dimension after construction.
    """

    def __init__(
        self,
        rulebooks: Sequence[Rulebook],
        more: Iterable[Condition] = (),
        wrong: frozenset[str] = frozenset(),
        incomplete: frozenset[str] = frozenset(),
    ) -> None:
        """`more` are further conditions that the space must tell apart.

        `wrong` are fields that may have a value which the vocabulary refuses. `incomplete` are calendars without data
        for some years. A condition on either is neither true nor false there.
        """
        self.vocabulary: Vocabulary = rulebooks[0].vocabulary
        lexicons: Mapping[str, Lexicon] = {name: x for book in rulebooks for name, x in book.lexicons.items()}
        rules = [rule for book in rulebooks for stage in book.stages for rule in stage.rules]
        self._table = DimensionTable(wrong, incomplete)
        self._sides: dict[Atom, tuple[Union, Union]] = {}
        """Where each atom is true, and where it is false."""
        self._opaque_rules: dict[str, Box] = {}
        edges = {edge for rule in rules for edge in (rule.enabled_from, rule.until) if edge is not None}
        self._build([atom for rule in rules for atom in atoms(rule.when)] + [a for c in more for a in atoms(c)], edges)
        self.forbidden: Union = tuple(impossible_boxes(self._table, self.vocabulary, lexicons))

    @property
    def dimensions(self) -> Sequence[Dimension]:
        return self._table.dimensions

    def full(self) -> list[int]:
        """Domains that allow every cell."""
        return [dimension.full for dimension in self.dimensions]

    def number(self, field: str, aspect: Aspect = Aspect.VALUE, key: str = "") -> int | None:
        """The number of a dimension; None for a question that no condition asks."""
        return self._table.number(field, aspect, key)

    def of_field(self, field: str) -> list[Dimension]:
        return self._table.of_field(field)

    def holding(self, field: str, value: CellValue | datetime | Missing) -> int:
        """The mask of the cell of the field that holds the value; 0 when no cell does. Raises KeyError."""
        return self._table.holding(field, value)

    def boxes(self, condition: Condition) -> Union:
        """The facts for which the condition is true. Raises TooManyBoxes."""
        return without_contained(self._side(condition, holds=True))

    def boxes_of(self, rule: Rule) -> Union:
        """The facts for which the rule matches and is in force. A rule too large to be analysed is a dimension."""
        if rule.id in self._opaque_rules:
            return (self._opaque_rules[rule.id],)
        try:
            boxes = self.boxes(rule.when)
        except TooManyBoxes:
            number = self._table.add(rule.id, Aspect.RULE, rule.id, TRUTHS)
            self._opaque_rules[rule.id] = ((number, YES),)
            return (self._opaque_rules[rule.id],)
        period = self.period(rule)
        if period is EVERYTHING:
            return boxes
        return tuple(both for box in boxes if (both := intersection(box, period)) is not None)

    def period(self, rule: Rule) -> Box:
        """The time in which the rule is in force."""
        if rule.enabled_from is None and rule.until is None:
            return EVERYTHING
        number = self._table.value_dimension(EVENT_TIME).number
        return ((number, self._table.scales[EVENT_TIME].between(rule.enabled_from, rule.until)),)

    def is_opaque(self, rule: Rule) -> bool:
        """Whether the rule is too large to be analysed."""
        return rule.id in self._opaque_rules

    # ---- conditions

    def failing(self, rule: Rule) -> Union:
        """The facts for which the rule is in force and neither true nor false, as in Kleene's logic."""
        if not (self._table.wrong or self._table.incomplete):
            return ()
        try:
            complements = [self._complement(rule.when, holds=holds) for holds in (True, False)]
            return intersect_unions([*complements, (self.period(rule),)])
        except TooManyBoxes:
            return (EVERYTHING,)

    def _complement(self, condition: Condition, *, holds: bool) -> Union:
        """The facts for which the condition is not true or, without `holds`, not false."""
        match condition:
            case Atom():
                return intersect_unions([self._outside(box) for box in self._sides[condition][not holds]])
            case Not(child):
                return self._complement(child, holds=not holds)
            case All(children) | AnyOf(children):
                unions = [self._complement(child, holds=holds) for child in children]
                return unite(unions) if isinstance(condition, All) == holds else intersect_unions(unions)

    def _outside(self, box: Box) -> Union:
        return tuple(b for number, mask in box for b in restriction(number, self.dimensions[number].full & ~mask, -1))

    def _side(self, condition: Condition, *, holds: bool) -> Union:
        """The facts for which the condition is true or, without `holds`, false."""
        match condition:
            case Atom():
                return self._sides[condition][not holds]
            case Not(child):
                return self._side(child, holds=not holds)
            case All(children) | AnyOf(children):
                unions = [self._side(child, holds=holds) for child in children]
                return intersect_unions(unions) if isinstance(condition, All) == holds else unite(unions)

    # ---- atoms

    def _build(self, found: Sequence[Atom], edges: Iterable[datetime]) -> None:
        by_field: dict[str, dict[Atom, None]] = {EVENT_TIME: {}} if edges else {}
        for atom in found:
            by_field.setdefault(atom.field, {})[atom] = None
        for name in sorted(by_field):
            field = self.vocabulary[name]
            self._table.add_values(field, tuple(by_field[name]), edges if name == EVENT_TIME else ())
            for atom in sorted(by_field[name], key=repr):
                self._sides[atom] = self._sides_of(field, atom)

    def _sides_of(self, field: Field, atom: Atom) -> tuple[Union, Union]:
        if field.type is FieldType.SET:
            return self._sides_of_set(field, atom)
        table = self._table
        aspect = {Op.MENTIONS: Aspect.MENTIONS, Op.INSIDE: Aspect.INSIDE, Op.MATCHES: Aspect.MATCHES}.get(atom.op)
        if aspect is not None:
            numbers = [table.add_truth(field.name, aspect, str(operand)) for operand in atom.operands]
            present, right = table.except_cells(field, MISSING, WRONG), table.except_cells(field, WRONG)
            none = make_box({**right, **dict.fromkeys(numbers, NO)})
            return tuple(make_box({**present, n: YES}) for n in numbers), (none,)
        dimension = table.value_dimension(field.name)
        right_mask = table.except_cells(field, WRONG).get(dimension.number, dimension.full)
        mask = table.matching(field, atom)
        return (
            restriction(dimension.number, mask, dimension.full),
            restriction(dimension.number, right_mask & ~mask, dimension.full),
        )

    def _sides_of_set(self, field: Field, atom: Atom) -> tuple[Union, Union]:
        dimensions = [d for d in self.of_field(field.name) if d.aspect is Aspect.HAS]
        if atom.op is not Op.MISSING:
            keys = [str(operand) for operand in atom.operands]
            dimensions = [d for d in dimensions if d.key in keys]
        numbers = [dimension.number for dimension in dimensions]
        right = self._table.except_cells(field, WRONG)
        some = tuple(make_box({**right, number: YES}) for number in sorted(numbers))
        none = (make_box({**right, **dict.fromkeys(numbers, NO)}),)
        return (none, some) if atom.op is Op.MISSING else (some, none)
