"""Compiled rulebooks and stages, and outputs as text for explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.decision import RuleReference
from answerby.domain.event import Value
from answerby.domain.ladder import Notification
from answerby.engine.compiled.clock_conditions import ClockConditions
from answerby.engine.compiled.scores import CompiledScore
from answerby.engine.compiled.templates import Template
from answerby.engine.facts.plan import FactPlan
from answerby.engine.matching.matcher import Matcher
from answerby.rules.model.rulebook import Output, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import Window


@dataclass(frozen=True, slots=True)
class CompiledStage:
    """A stage, its rules in the matcher's order, and the fields that each rule reads, without personal ones."""

    number: int
    """Index among the stages of the rulebook."""
    stage: Stage
    rules: tuple[Rule, ...]
    references: Mapping[str, RuleReference]
    fields: Mapping[str, tuple[str, ...]]
    gives_reasons: bool
    """Updates for the platform name the rules of this stage that decided."""
    derives: tuple[str, ...]
    """The vocabulary fields that this stage sets."""
    adds_to: frozenset[str]
    """The sets among them that an earlier stage sets too. Its values stay in."""
    dated: bool
    """Some rule is in force only for a time."""
    has_shadow_rules: bool = False
    """Some rule is a shadow rule: matched and explained, without effect."""
    scores: tuple[CompiledScore, ...] = ()
    """Scores, computed after the rules."""
    score_fields: frozenset[str] = frozenset()
    """The fields that scores set."""


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """A rulebook ready to decide. Immutable, but for the memory of the matcher."""

    rulebook: Rulebook
    plan: FactPlan
    matcher: Matcher
    stages: tuple[CompiledStage, ...]
    """In the order of `STAGES`, as explanations show them."""
    classification: CompiledStage | None
    completeness: CompiledStage | None
    later_stages: tuple[CompiledStage, ...]
    """All other stages, in the order in which they run."""
    windows: tuple[tuple[str, Window], ...]
    """Every field that is a count over a window."""
    templates: Mapping[str, Template]
    graded_templates: frozenset[str]
    """The templates that rules send in several grades, such as urgent and not."""
    tasks: tuple[ClockDefinition, ...]
    """The clocks that make a task when they start, by name."""
    ladder_outputs: tuple[str, ...]
    """The outputs of escalation that name the ladder of a clock."""
    clock_conditions: ClockConditions
    """By the condition of a clock's trigger."""
    schedule_conditions: ClockConditions
    """By the condition of a schedule."""
    target_fields: tuple[str, ...]
    """The fields on which targets and ladders depend."""
    safe_targets: Mapping[str, Target]
    """The targets of the safe side of stage sla, by clock."""
    numbering_zone: tzinfo
    """The zone for the month in a request's number."""
    data: str
    """Versions of the time zones and holidays in use."""


def plain(value: Output) -> Value:
    """An output as explanations and the log show it. Of notifications, each role is shown once."""
    if isinstance(value, Target):
        return show_target(value)
    if isinstance(value, tuple):
        roles = [role for item in value for role in (item.roles if isinstance(item, Notification) else (str(item),))]
        return list(dict.fromkeys(roles))
    return value


@lru_cache(1024)
def show_target(target: Target) -> str:
    """Such as `24h cn-business` or `1bd cn-business`."""
    amount = f"{target.amount}bd" if target.unit is TargetUnit.WORKING_DAYS else show_seconds(target.amount)
    end_of_day = " end of day" if target.end_of_day else ""
    return f"{amount} {target.calendar}".strip() + end_of_day


def show_seconds(seconds: int) -> str:
    """Such as `1h30m`."""
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
