"""What a comparison finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from answerby.domain.decision import RuleReference
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Effect(StrEnum):
    """What a change of the files does to decisions."""

    WORDS = "words"
    """It changes what people read only."""
    SHOWN = "shown"
    """A request that is decided otherwise is shown."""
    NONE = "none"
    """Proved: no request is decided otherwise because of it."""
    OPEN = "open"
    """It may change decisions; no request that shows it was found, and that there is none is not proved."""
    MEANING = "meaning"
    """It changes what happens to requests in a way that is told and needs no example: a calendar, a clock, a ladder."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing about a changed item: what it was and what it is, in words."""

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
    """`file:line` where it was; empty for what has none."""
    new_place: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that is decided otherwise; both rulebooks decided it. `state`: what came before, where that matters."""

    event: Event
    state: RequestState | None = None
    windows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the rulebooks makes of the witness."""

    value: Value
    decided_by: tuple[RuleReference, ...]
    facts: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Difference:
    """Requests that one output is decided otherwise for, one of them as witness."""

    stage: str
    output: str
    old: Side
    new: Side
    witness: Witness
    region: tuple[str, ...] = ()
    """Which requests, each line a restriction of one fact; of `regions` such regions this is one."""
    regions: int = 1
    rules: frozenset[str] = frozenset()
    """Ids of the changed rules behind it."""
    cause: str = ""
    """What shows by it, where that is no rule: `lexicon hazard-fire`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    old_revision: str
    new_revision: str
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    tried: int
    """Requests decided under both."""
    open: tuple[str, ...]
    """Why it is not proved that nothing else differs; empty when it is."""

    @property
    def changed_meaning(self) -> bool:
        telling = {Effect.SHOWN, Effect.MEANING, Effect.OPEN}
        return bool(self.differences) or any(change.effect in telling for change in self.changes)

    @property
    def empty(self) -> bool:
        """Nothing differs, not even a word."""
        return not self.changes and not self.differences
