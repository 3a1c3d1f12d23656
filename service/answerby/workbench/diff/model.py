"""The result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from answerby.domain.decision import RuleReference
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState

FLAGS = "flags"
"""Stands for an output in differences of flags alone. Their stage is empty."""


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Effect(StrEnum):
    """The effect of a change of the files on decisions."""

    WORDS = "words"
    """The change is in texts for people only."""
    SHOWN = "shown"
    """A request that is decided otherwise is shown."""
    NONE = "none"
    """Proved: the change alters no decision."""
    OPEN = "open"
    """The change may alter decisions. No request that shows it was found, and nothing proves that there is none."""
    MEANING = "meaning"
    """The change alters decisions in a way that needs no example: a calendar, a clock, a ladder."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """One property of a changed item, before and after, in words."""

    name: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One item of the files that is different."""

    section: str
    """rule, stage, field, lexicon, calendar, clock, ladder, template, role, settings, ..."""
    kind: Kind
    id: str
    stage: str = ""
    aspects: tuple[Aspect, ...] = ()
    effect: Effect = Effect.OPEN
    old_place: str = ""
    """`file:line` before the change; empty for an item without a place."""
    new_place: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that both rulebooks decided, and that they decide otherwise. `state` before it, where that matters."""

    event: Event
    state: RequestState | None = None
    windows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputResult:
    """The result of one rulebook for one output of the witness."""

    value: Value
    decided_by: tuple[RuleReference, ...]
    facts: Mapping[str, Value]
    conflict: bool = False
    """Whether the decision flags that rules which exclude each other set the output."""

    @property
    def result(self) -> tuple[object, bool]:
        """The part that is compared."""
        return self.value, self.conflict


@dataclass(frozen=True, slots=True)
class Difference:
    """One output that requests are decided otherwise in. `witness` is one of these requests."""

    stage: str
    output: str
    old: OutputResult
    new: OutputResult
    witness: Witness
    region: tuple[str, ...] = ()
    """The region of these requests, one line for each restricted fact. It is one of `regions` regions."""
    regions: int = 1
    rules: frozenset[str] = frozenset()
    """Ids of the changed rules that cause the difference."""
    cause: str = ""
    """The cause, where it is no rule, such as `lexicon hazard-fire`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    old_revision: str
    new_revision: str
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    attempts: int
    """The number of requests decided under both rulebooks."""
    open: tuple[str, ...]
    """The reasons why it is not proved that nothing else differs; empty when it is proved."""

    @property
    def changed_meaning(self) -> bool:
        visible_effects = {Effect.SHOWN, Effect.MEANING, Effect.OPEN}
        return bool(self.differences) or any(change.effect in visible_effects for change in self.changes)

    @property
    def empty(self) -> bool:
        """Whether nothing differs, not even a text."""
        return not self.changes and not self.differences
