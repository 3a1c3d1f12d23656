"""The Rulebook: an immutable snapshot of all rule files, with a content hash (its revision)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from answerby.domain.clock import Target
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.condition import Condition
from answerby.domain.event import Value
from answerby.domain.ladder import Ladder, Notification
from answerby.domain.schedule import Schedule
from answerby.rules.model.score import Score
from answerby.rules.model.vocabulary import Vocabulary
from answerby.sla.calendar import Calendar


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
"""The stages in the order in which explanations show them."""
COMPLETENESS, CLASSIFICATION = STAGES[:2]
EVALUATION_ORDER = (CLASSIFICATION, COMPLETENESS, *STAGES[2:])
"""The stages in the order in which they are asked; what one derives is a fact for the next. What a request must bring
depends on what it is, so completeness follows classification."""


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
