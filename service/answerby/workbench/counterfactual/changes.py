"""Changes of single facts, and sets of such changes."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from enum import StrEnum

from answerby.domain.event import Value

Plain = str | int | float | bool | tuple[str, ...] | None
"""A fact as it is transmitted, with tuples for lists, so that changes can be compared and kept in sets."""


class ChangeKind(StrEnum):
    SET = "set"
    """The fact gets another value."""
    GIVE = "give"
    """A missing fact is given. Any value will do."""
    CLEAR = "clear"
    """The fact becomes missing, so its default applies."""
    MENTION = "mention"
    """The text mentions one more lexicon."""
    UNMENTION = "unmention"
    """The text no longer mentions a lexicon."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one fact. `size` orders sets with equally many changes.

    It grows with the altered part of the fact.
    """

    field: str
    kind: ChangeKind
    to: Plain = None
    """The new value of SET. For GIVE, a placeholder."""
    lexicon: str = ""
    example: str = attribute(default="", compare=False)
    """A term of the lexicon."""
    size: float = attribute(default=1.0, compare=False)

    @property
    def slot(self) -> tuple[str, str]:
        """The key of the changed fact. Two changes with the same slot exclude each other."""
        return self.field, self.lexicon

    @property
    def value(self) -> Value:
        return list(self.to) if isinstance(self.to, tuple) else self.to


ChangeSet = tuple[Change, ...]
"""The changes in order of their slots, each slot once."""


def combine(one: ChangeSet, other: ChangeSet) -> ChangeSet | None:
    """Both sets of changes. None if they contradict each other."""
    if not one or not other:
        return one or other
    by_slot = {change.slot: change for change in one}
    for change in other:
        if by_slot.setdefault(change.slot, change) != change:
            return None
    return tuple(by_slot[slot] for slot in sorted(by_slot))


def cost(changes: ChangeSet) -> tuple[int, float, str]:
    """The sort key: fewer changes first, then smaller ones, then a fixed order."""
    names = " ".join(f"{c.field}:{c.lexicon}:{c.to!r}" for c in changes)
    return len(changes), sum(change.size for change in changes), names


def hashable(value: Value) -> Plain:
    return tuple(value) if isinstance(value, list) else value
