"""The Rulebook: an immutable snapshot of all rule files, with a content hash (its revision)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from service.domain.clock import Target
from service.domain.event import Value
from service.domain.ladder import Ladder, Notification, OnRuleChange
from service.rules.condition import ALWAYS, Condition
from service.rules.schedule_model import Schedule
from service.rules.score_model import Score
from service.rules.vocabulary import Vocabulary
from service.sla.business_time import Boundary
from service.sla.calendar import Calendar


class HitPolicy(StrEnum):
    """Which of several matches count."""

    FIRST = "first"
    """The first by (rank, id)."""
    UNIQUE = "unique"
    """Exactly one may match; two are a conflict."""
    MOST_SEVERE = "most_severe"
    """The one with the most severe value of the output, then the first by (rank, id)."""
    COLLECT = "collect"
    """All of them; sets are united, of single values the first by (rank, id) counts."""


class RuleMode(StrEnum):
    """Whether a rule decides."""

    LIVE = "live"
    SHADOW = "shadow"
    """Matched, explained and counted, but never deciding: a rule on trial."""


STAGES = ("completeness", "classification", "priority", "sla", "routing", "escalation")
"""The stages in their fixed order; what one derives is a fact for the next."""


OWNER = "owner"
"""The reserved role that stands for whoever routing made responsible."""
ACKNOWLEDGER = "acknowledger"
"""The reserved role that stands for whoever acknowledged the request last."""


Output = Value | Target | tuple[Notification, ...]
"""What a rule sets: a fact (by vocabulary name), `sla.<clock>` a Target, `ladder.<clock>` a ladder id,
`notify` notifications, `open_case` the id of a case kind, `require` the names of required fields."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule or table row. `order` = (rank of block, rank of rule, id, row) decides ties; file order never does."""

    id: str
    stage: str
    block: str
    when: Condition
    then: Mapping[str, Output]
    because: str
    file: str
    line: int
    order: tuple[int, int, str, int]
    owner: str = ""
    enabled_from: datetime | None = None
    until: datetime | None = None
    mode: RuleMode = RuleMode.LIVE
    protected: bool = False
    """It must be proven that what the rule gives survives wherever it matches."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rules of one file section. Its own hit policy is applied first, then the stage's over all blocks."""

    id: str
    stage: str
    hit: HitPolicy
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: `hit` resolves each output over the candidates that the blocks left."""

    name: str
    hit: HitPolicy
    blocks: tuple[Block, ...]
    default: Mapping[str, Output] = field(default_factory=dict)
    on_error: Mapping[str, Output] = field(default_factory=dict)
    """The safe side, taken when a condition failed or rules conflicted."""
    scores: tuple[Score, ...] = ()
    """Computed after the rules, by id."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(r for b in self.blocks for r in b.rules)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms in any language. A term of ASCII letters matches whole words, any other term matches anywhere."""

    id: str
    terms: tuple[str, ...]
    file: str = ""
    exceptions: tuple[str, ...] = ()
    """Lexicons of phrases; where one overlaps a term, the term does not count: 着火 in 没有着火. Elsewhere it does."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """An occasion for a clock: an event of one of these types, by one of these actors, while the condition holds.

    Without `events` it is standing: it holds after any event that leaves the condition true.
    """

    events: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    """Roles; empty: whoever."""
    when: Condition = ALWAYS

    @property
    def standing(self) -> bool:
        return not self.events


Occasion = str | Trigger
"""A bare event type fires whoever its actor is and whatever the facts are."""


class Reopen(StrEnum):
    """What a request's reopening does to a finished clock that has no start of its own."""

    CONTINUE = "continue"
    """It goes on where it stopped; the time in between does not count."""
    NEW_CYCLE = "new_cycle"
    """It starts again with all of its target."""
    FROZEN = "frozen"
    """It stays finished."""


class RetargetFrom(StrEnum):
    """Where a target counts from when it replaces another one."""

    CREATION = "creation"
    """From the clock's start, pauses already taken left out."""
    NOW = "now"
    """From the event that changed it, as a new cycle."""


class Recurrence(StrEnum):
    """Where the next cycle of a clock that restarts when it is met counts from."""

    INDEPENDENT = "independent"
    """From the event that met it."""
    SEQUENTIAL = "sequential"
    """From its due time."""


@dataclass(frozen=True, slots=True)
class ClockDefinition:
    """What starts, stops and pauses one clock. Its target comes from the sla stage: no target, no clock.

    Occasions are asked in the order stop, reset, cancel, pause, resume (ServiceNow's order of evaluation).
    """

    id: str
    label: Mapping[str, str] = field(default_factory=dict)
    calendar: str = "always"
    """The calendar for targets that name none."""
    start: tuple[Occasion, ...] = ()
    """What starts it; empty: as soon as the sla stage gives a target. When all are standing, it is cancelled once
    none holds any more."""
    stop: tuple[Occasion, ...] = ()
    """What meets it."""
    pause: tuple[Occasion, ...] = ()
    """What makes it stand still: a standing trigger as long as it holds, an event until `resume`."""
    resume: tuple[Occasion, ...] = ()
    cancel: tuple[Occasion, ...] = ()
    reset: tuple[Occasion, ...] = ()
    """What ends its cycle; it starts again at once if it may."""
    pause_while: tuple[str, ...] = ()
    """Request statuses during which it stands still."""
    ladder: str = ""
    role: str = ""
    because: str = ""
    task: str = ""
    """Template of a task for the clock's role, made when the clock starts and due when the clock is."""
    kind: str = ""
    """The kind whose conditions it took where it has none of its own; empty: none."""
    boundary: Boundary = "close"
    granularity: Literal["second", "minute"] = "second"
    """`minute`: events count as of the full minute before them."""
    retarget_from: RetargetFrom = RetargetFrom.CREATION
    reopen: Reopen = Reopen.CONTINUE
    on_rule_change: OnRuleChange = OnRuleChange.KEEP
    recurrence: Recurrence = Recurrence.INDEPENDENT
    paused_time: Literal["excluded", "counted"] = "excluded"
    """`counted`: a pause hides the due time and does not move it."""
    per: str = ""
    """A field for each of whose values there is a clock of its own, named `id@value`; empty: one clock."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions on facts in its triggers."""
        occasions = (*self.start, *self.stop, *self.pause, *self.resume, *self.cancel, *self.reset)
        return tuple(o.when for o in occasions if isinstance(o, Trigger) and o.when != ALWAYS)


@dataclass(frozen=True, slots=True)
class Numbering:
    """How request numbers are made: `{year}{month}-{department code}-{serial}`."""

    timezone: str = "Asia/Shanghai"
    department_codes: Mapping[str, str] = field(default_factory=dict)
    default_code: str = "CSR"


@dataclass(frozen=True, slots=True)
class SourceFile:
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that a decision depends on besides the request: same revision, same decisions."""

    revision: str
    vocabulary: Vocabulary
    stages: tuple[Stage, ...]
    lexicons: Mapping[str, Lexicon]
    calendars: Mapping[str, Calendar]
    clocks: Mapping[str, ClockDefinition]
    ladders: Mapping[str, Ladder]
    templates: Mapping[str, Mapping[str, str]]
    """Message templates by id, then by language."""
    roles: Mapping[str, str]
    """Role id to its title."""
    numbering: Numbering
    files: tuple[SourceFile, ...] = field(default=())
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
