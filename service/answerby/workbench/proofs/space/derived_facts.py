"""The values that earlier stages can derive: by a rule, a default, a safe side, or a step of a ladder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerby.rules.model.rulebook import EVALUATION_ORDER, Rulebook, Stage
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.workbench.proofs.space.dimensions import NO, OTHER_MEMBER, YES, Aspect, Dimension
from answerby.workbench.proofs.space.hit_policies import members
from answerby.workbench.proofs.space.ladder_gifts import ladder_values, outputs_for
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
    earlier = _before(rulebook, stage)
    domains = space.full()
    for dimension in space.dimensions:
        field = _derived(space, dimension)
        makers = [s for s in earlier if field is not None and s.name in field.derived_by]
        if field is None or not makers:
            continue
        if field.name in COUNTED_BY_COMPLETENESS and field.type is not FieldType.ENUM:
            domains[dimension.number] &= ~dimension.missing
        else:
            by_rules = _possible_cells(space, field, dimension, makers, frozenset(dead))
            domains[dimension.number] = by_rules | _by_ladder(space, rulebook, earlier, dimension) or dimension.full
    return domains


def only_by_ladder(space: Space, rulebook: Rulebook, stage: str) -> dict[int, int]:
    """The masks of the cells that facts have when the stage is asked only after a step of a ladder, by dimension."""
    earlier, found = _before(rulebook, stage), {}
    for dimension in space.dimensions:
        field, given = _derived(space, dimension), _by_ladder(space, rulebook, earlier, dimension)
        if field is not None and given:
            makers = [s for s in earlier if s.name in field.derived_by]
            found[dimension.number] = given & ~_possible_cells(space, field, dimension, makers, frozenset())
    return {number: mask for number, mask in found.items() if mask}


def _before(rulebook: Rulebook, stage: str) -> tuple[Stage, ...]:
    """The stages that are asked before this one; all for the empty name, which stands for what comes after them."""
    order = in_deciding_order(rulebook)
    return order[: [s.name for s in order].index(stage)] if stage else order


def _derived(space: Space, dimension: Dimension) -> Field | None:
    """The field of a dimension that tells derived values apart; None for all others."""
    field = space.vocabulary.fields.get(dimension.field)
    concerned = field is not None and field.derived_by and dimension.aspect in {Aspect.VALUE, Aspect.HAS}
    return field if concerned else None


def _by_ladder(space: Space, rulebook: Rulebook, earlier: Sequence[Stage], dimension: Dimension) -> int:
    values = ladder_values(rulebook, earlier, dimension.field)
    if dimension.aspect is Aspect.HAS:
        return YES if dimension.key in values else 0
    mask = 0
    for value in values:
        mask |= space.holding(dimension.field, value)
    return mask


def domains_by_hand(space: Space, rulebook: Rulebook, stage: str) -> list[int]:
    """The same where a person may also have set derived facts, to any value of their fields. The empty name of a stage
    stands for the time after all stages.

    A person takes no fact away.
    """
    return [mask | _by_hand(space, number) for number, mask in enumerate(domains_of(space, rulebook, stage))]


def _by_hand(space: Space, number: int) -> int:
    dimension = space.dimensions[number]
    field = space.vocabulary.fields.get(dimension.field)
    if field is None or not field.derived_by:
        return 0
    return dimension.full & ~dimension.missing


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
    return mask
