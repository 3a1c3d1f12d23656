"""When a rule cannot be evaluated: its condition under facts of which some are errors (Kleene's logic)."""

from __future__ import annotations

from typing import NamedTuple

from service.rules.analysis.boxes import Box, meet, without_contained
from service.rules.analysis.space import Space, TooManyBoxes
from service.rules.condition import All, AnyOf, Atom, Condition, Not, Op
from service.rules.vocabulary import Vocabulary


class Doubts(NamedTuple):
    """What may be in error: fields, and calendars that know some years only."""

    fields: frozenset[str]
    calendars: frozenset[str]

    def touch(self, atom: Atom) -> bool:
        return atom.field in self.fields or (
            atom.op is Op.INSIDE and not self.calendars.isdisjoint(map(str, atom.operands))
        )


def refusable(vocabulary: Vocabulary) -> frozenset[str]:
    """The fields of which a given value can be refused, and texts put together of such."""
    found = {
        name
        for name, field in vocabulary.fields.items()
        if not field.derived_by and field.window is None and not name.startswith(("event.", "request."))
    }
    return frozenset(found | {name for name, field in vocabulary.fields.items() if found.intersection(field.parts)})


def failing(space: Space, condition: Condition, wrong: frozenset[str], shaky: frozenset[str]) -> tuple[Box, ...]:
    """Where the condition may be an error: its atoms on the fields `wrong` are, as may be those on calendars `shaky`.

    Raises TooManyBoxes.
    """
    doubts = Doubts(wrong, shaky)
    not_true = _side(space, condition, doubts, truth=True, reached=False)
    not_false = _side(space, condition, doubts, truth=False, reached=False)
    found = [b for one in not_true for other in not_false if (b := meet(one, other)) is not None]
    if len(found) > 4096:
        raise TooManyBoxes
    return without_contained(found)


def _side(space: Space, condition: Condition, doubts: Doubts, *, truth: bool, reached: bool) -> tuple[Box, ...]:
    """Where the condition is `truth` (or, not `reached`, where it is not): an atom in error is neither."""
    match condition:
        case Atom():
            if doubts.touch(condition):
                return () if reached else ((),)
            return space.side(condition, holds=truth == reached)
        case Not(child):
            return _side(space, child, doubts, truth=not truth, reached=reached)
        case All(children) | AnyOf(children):
            sides = [_side(space, child, doubts, truth=truth, reached=reached) for child in children]
            conjunction = (isinstance(condition, All) == truth) == reached
            return space.all_of(sides) if conjunction else space.any_of(sides)
