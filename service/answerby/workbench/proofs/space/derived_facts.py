"""The values that earlier stages can derive: by a rule, a default or a safe side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerby.rules.model.rulebook import EVALUATION_ORDER, Output, Rule, Rulebook, RuleMode, Stage
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.workbench.proofs.space.dimensions import NO, OTHER_MEMBER, YES, Aspect, Dimension
from answerby.workbench.proofs.space.hit_policies import members
from answerby.workbench.proofs.space.space import Space

COUNTED_BY_COMPLETENESS = frozenset({"complete", "missing_count", "missing"})
"""Fields that no rule sets. Completeness derives them from the required fields that are missing."""


def in_deciding_order(rulebook: Rulebook) -> tuple[Stage, ...]:
    """The stages in the order of evaluation: each comes after the stages whose results it reads."""
    return tuple(sorted(rulebook.stages, key=lambda stage: EVALUATION_ORDER.index(stage.name)))


def domains_of(space: Space, rulebook: Rulebook, stage: str, dead: Iterable[str] = ()) -> list[int]:
    """The masks of the cells that facts can have when the stage is asked. `dead` are ids of rules that never match.

    An over-approximation: not every combination of these values can come about.
    """
    order = in_deciding_order(rulebook)
    earlier = order[: [s.name for s in order].index(stage)]
    domains = space.full()
    for dimension in space.dimensions:
        field = space.vocabulary.fields.get(dimension.field)
        if field is None or not field.derived_by or dimension.aspect not in {Aspect.VALUE, Aspect.HAS}:
            continue
        makers = [s for s in earlier if s.name in field.derived_by]
        if makers and not (field.name in COUNTED_BY_COMPLETENESS and field.type is not FieldType.ENUM):
            domains[dimension.number] = _possible_cells(space, field, dimension, makers, frozenset(dead))
        elif makers:
            domains[dimension.number] &= ~dimension.missing
    return domains


def domains_by_hand(space: Space, rulebook: Rulebook, stage: str) -> list[int]:
    """The same where a person may also have set derived facts, to any value of their fields.

    A person takes no fact away.
    """
    return [mask | _by_hand(space, number) for number, mask in enumerate(domains_of(space, rulebook, stage))]


def _by_hand(space: Space, number: int) -> int:
    dimension = space.dimensions[number]
    field = space.vocabulary.fields.get(dimension.field)
    if field is None or not field.derived_by:
        return 0
    return dimension.full & ~dimension.missing


def outputs_for(stage: Stage, name: str, dead: frozenset[str] = frozenset()) -> list[Output]:
    """Every value that the stage may give to the output."""
    found = [rule.then[name] for rule in _live(stage) if name in rule.then and rule.id not in dead]
    return found + [outputs[name] for outputs in (stage.default, stage.on_error) if name in outputs]


def _possible_cells(
    space: Space, field: Field, dimension: Dimension, makers: Sequence[Stage], dead: frozenset[str]
) -> int:
    values = [value for stage in makers for value in outputs_for(stage, field.name, dead)]
    if dimension.aspect is Aspect.HAS:
        given = {str(member) for value in values for member in members(value)}
        own_members = {d.key for d in space.of_field(field.name)}
        may_hold = bool(given - own_members) if dimension.key == OTHER_MEMBER else dimension.key in given
        return NO | YES if may_hold else NO
    mask = 0
    for value in values:
        if isinstance(value, str | int | float):
            mask |= space.holding(field.name, value)
        else:
            return dimension.full
    if any(field.name in score.outputs for stage in makers for score in stage.scores):
        return dimension.full
    has_default = any(field.name in stage.default for stage in makers)
    if not has_default:
        mask |= dimension.missing
    return mask or dimension.full


def _live(stage: Stage) -> list[Rule]:
    return [rule for rule in stage.rules if rule.mode is RuleMode.LIVE]
