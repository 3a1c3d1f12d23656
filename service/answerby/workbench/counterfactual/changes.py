"""A change of one fact, and sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from enum import StrEnum

from answerby.domain.event import Value

Plain = str | int | float | bool | tuple[str, ...] | None
"""A fact as it travels, with lists as tuples, so that changes can be compared and kept in sets."""


class ChangeKind(StrEnum):
    SET = "set"
    """The fact has another value."""
    GIVE = "give"
    """A fact that is missing is given; any value will do."""
    CLEAR = "clear"
    """The fact is missing (its default applies)."""
    MENTION = "mention"
    """The text mentions a lexicon besides."""
    UNMENTION = "unmention"
    """The text does not mention a lexicon."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that is otherwise. `size` orders changes of equal number: how much of the fact has to be different."""

    field: str
    kind: ChangeKind
    to: Plain = None
    """The new value of SET; what stands in for it of GIVE."""
    lexicon: str = ""
    example: str = attribute(default="", compare=False)
    """A term of the lexicon."""
    size: float = attribute(default=1.0, compare=False)

    @property
    def slot(self) -> tuple[str, str]:
        """What the change is of: two changes of one slot exclude each other."""
        return self.field, self.lexicon

    @property
    def value(self) -> Value:
        return list(self.to) if isinstance(self.to, tuple) else self.to


ChangeSet = tuple[Change, ...]
"""In order of their slots, each slot once."""


def combine(one: ChangeSet, other: ChangeSet) -> ChangeSet | None:
    """Both; None when they contradict each other."""
    if not one or not other:
        return one or other
    by_slot = {change.slot: change for change in one}
    for change in other:
        if by_slot.setdefault(change.slot, change) != change:
            return None
    return tuple(by_slot[slot] for slot in sorted(by_slot))


def cost(changes: ChangeSet) -> tuple[int, float, str]:
    """Fewer changes first, then smaller ones, then in a fixed order."""
    names = " ".join(f"{c.field}:{c.lexicon}:{c.to!r}" for c in changes)
    return len(changes), sum(change.size for change in changes), names


def hashable(value: Value) -> Plain:
    return tuple(value) if isinstance(value, list) else value
