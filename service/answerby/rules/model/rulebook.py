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
from answerby.domain.reply_policy import ReplyPolicy
from answerby.domain.schedule import Schedule
from answerby.rules.model.score import Score
from answerby.rules.model.vocabulary import Vocabulary
from answerby.sla.calendar import Calendar


class HitPolicy(StrEnum):
    """The way to choose among several matches."""

    FIRST = "first"
    """The first match by (rank, id)."""
    UNIQUE = "unique"
    """The only match. Two matches are a conflict."""
    MOST_SEVERE = "most_severe"
    """The match with the most severe value of the output, then the first by (rank, id)."""
    COLLECT = "collect"
    """All matches. Sets are united; for a single value the first match by (rank, id) counts."""


class RuleMode(StrEnum):
    """Whether a rule decides."""

    LIVE = "live"
    SHADOW = "shadow"
    """A rule on trial: matched, explained and counted, but without any effect on decisions."""


STAGES = ("completeness", "classification", "priority", "sla", "routing", "escalation")
"""The stages in the order in which explanations show them."""
COMPLETENESS, CLASSIFICATION = STAGES[:2]
EVALUATION_ORDER = (CLASSIFICATION, COMPLETENESS, *STAGES[2:])
"""The stages in the order in which they are asked; what one derives is a fact for the next. What a request must bring
depends on what it is, so completeness follows classification."""


OWNER = "owner"
"""The reserved role of the person or team that routing made responsible."""
ACKNOWLEDGER = "acknowledger"
"""The reserved role of the person who acknowledged the request last."""


Output = Value | Target | tuple[Notification, ...]
"""The value of an output: for a field a fact, for `sla.<clock>` a Target, for `ladder.<clock>` the id of a ladder,
for `notify` notifications, for `open_case` the id of a kind of case, for `require` the names of required fields."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule or table row. `order` is (rank of block, rank of rule, id, row) and decides ties, never file order."""

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
    """Whether the proofs must show that no other rule replaces the outputs of this rule."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rules of one file or table. The hit policy of the block applies before the hit policy of the stage."""

    id: str
    stage: str
    hit: HitPolicy
    rules: tuple[Rule, ...]
    complete: bool = False
    """Whether the proofs must show that a row of this table matches every request."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `hit` resolves each output among the candidates of the blocks."""

    name: str
    hit: HitPolicy
    blocks: tuple[Block, ...]
    default: Mapping[str, Output] = field(default_factory=dict)
    on_error: Mapping[str, Output] = field(default_factory=dict)
    """The safe side: outputs that hold when a condition failed or rules conflicted."""
    scores: tuple[Score, ...] = ()
    """Scores by id. The stage computes them after its rules."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules of the stage, block by block."""
        return tuple(r for b in self.blocks for r in b.rules)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms in any language. A term of ASCII letters matches whole words. Any other term matches anywhere."""

    id: str
    terms: tuple[str, ...]
    file: str = ""
    exceptions: tuple[str, ...] = ()
    """Lexicons of phrases. A term does not count where such a phrase overlaps it, as 没有着火 overlaps 着火."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """The parts of request numbers, `{year}{month}-{department code}-{serial}`."""

    timezone: str = "Asia/Shanghai"
    department_codes: Mapping[str, str] = field(default_factory=dict)
    default_code: str = "CSR"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One rule file: the path in the rule folder, and the SHA-256 of the bytes in hex."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All inputs of a decision besides the request and its events. The same revision makes the same decisions."""

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
    """Titles of roles by role id."""
    numbering: Numbering
    files: tuple[SourceFile, ...] = field(default=())
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    replies: ReplyPolicy = field(default_factory=ReplyPolicy)
    """What becomes of a customer's message to a request that is completed or closed."""
