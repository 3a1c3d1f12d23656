"""Back-chaining: from derived facts to given facts, through the rules of the earlier stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from answerby.rules.model.rulebook import Output, Rulebook, Stage
from answerby.workbench.proofs.space.boxes import Box, Domains, make_box
from answerby.workbench.proofs.space.budget import Budget, OverBudget
from answerby.workbench.proofs.space.derived_facts import (
    COUNTED_BY_COMPLETENESS,
    domains_of,
    in_deciding_order,
)
from answerby.workbench.proofs.space.dimensions import YES, Aspect, Dimension
from answerby.workbench.proofs.space.hit_policies import NOTHING, Demands, mask_of, members
from answerby.workbench.proofs.space.space import Space
from answerby.workbench.proofs.space.stage_view import StageView

MOST_TRIES = 200
"""The combinations of options that are tried."""
OPERATIONS = 300_000
Option = tuple[tuple[int, ...], Demands]
"""One way to derive a value: rules that must match, and demands on the others."""


class Backchain:
    """The way back through the stages of one rulebook."""

    def __init__(self, space: Space, rulebook: Rulebook, views: Mapping[str, StageView] | None = None) -> None:
        """`views` are the views of the stages; None builds them.

        A view must exist when a later stage is asked about.
        """
        self.space = space
        self._order = in_deciding_order(rulebook)
        self.views: Mapping[str, StageView] = (
            {stage.name: StageView(space, stage, domains_of(space, rulebook, stage.name)) for stage in self._order}
            if views is None
            else views
        )

    def ways(self, stage: str, region: Mapping[int, int]) -> Iterator[Box]:
        """Boxes of given facts from which the earlier stages derive facts in the region, the likeliest first.

        Not complete: it ends after MOST_TRIES combinations.
        """
        position = [s.name for s in self._order].index(stage)
        try:
            yield from self._before(position, make_box(region), Budget(OPERATIONS), [MOST_TRIES])
        except OverBudget:
            return

    def _before(self, position: int, region: Box, budget: Budget, tries: list[int]) -> Iterator[Box]:
        """The ways through the stages before the position."""
        if not position:
            yield tuple(pair for pair in region if not self._is_derived(pair[0]))
            return
        stage = self._order[position - 1]
        view = self.views[stage.name]
        derivable = [pair for pair in region if self._may_derive(stage, pair)]
        other = tuple(pair for pair in region if pair not in derivable)
        options = [self._options(view, stage, self.space.dimensions[number], mask) for number, mask in derivable]
        for inside, demands in _combinations(options):
            tries[0] -= 1
            if tries[0] < 0:
                return
            found = view.find(inside, demands, budget, other)
            if found is not None:
                yield from self._before(position - 1, _restricted(view, found), budget, tries)

    def _is_derived(self, number: int) -> bool:
        field = self.space.vocabulary.fields.get(self.space.dimensions[number].field)
        return field is not None and bool(field.derived_by)

    def _may_derive(self, stage: Stage, pair: tuple[int, int]) -> bool:
        """Whether the stage derives the dimension. A dimension that no stage derives is left to chance."""
        dimension = self.space.dimensions[pair[0]]
        field = self.space.vocabulary.fields.get(dimension.field)
        return field is not None and stage.name in field.derived_by and dimension.aspect in {Aspect.VALUE, Aspect.HAS}

    def _options(self, view: StageView, stage: Stage, dimension: Dimension, mask: int) -> list[Option]:
        name = dimension.field
        scored = any(name in score.outputs for score in stage.scores)
        if scored or name in COUNTED_BY_COMPLETENESS:
            return [((), NOTHING)]
        contest = view.contest
        setters = contest.setters.get(name, ())
        default = stage.default.get(name)
        nobody: Option = ((), contest.nobody(name))
        if dimension.aspect is Aspect.HAS:
            givers = [n for n in setters if dimension.key in members(contest.rules[n].then[name])]
            if mask == YES:
                found: list[Option] = [((n,), contest.stands(n, name)) for n in givers]
                return [*found, *([nobody] if default is not None and dimension.key in members(default) else [])]
            return [((), contest.fail(mask_of(givers), name))]
        rules: list[Option] = [
            ((n,), contest.wins(n, name))
            for n in contest.ranked.get(name, ())
            if self._fits(name, contest.rules[n].then[name], mask)
        ]
        by_default = self._fits(name, default, mask) if default is not None else mask & dimension.missing
        return [*([nobody] if by_default else []), *rules]

    def _fits(self, name: str, value: Output, mask: int) -> bool:
        return isinstance(value, str | int | float) and bool(self.space.holding(name, value) & mask)


def _combinations(options: Sequence[list[Option]]) -> Iterator[Option]:
    """One option of each list. A rule that serves several wishes comes before several rules."""
    found: list[Option] = []

    def walk(position: int, inside: tuple[int, ...], demands: Demands) -> Iterator[None]:
        if position == len(options):
            found.append((inside, demands))
            yield
            return
        ranked = sorted(options[position], key=lambda option: not set(option[0]) <= set(inside))
        for more, further in ranked:
            yield from walk(position + 1, tuple(dict.fromkeys((*inside, *more))), demands.also(further))

    for _ in walk(0, (), NOTHING):
        yield found.pop()


def _restricted(view: StageView, found: Domains) -> Box:
    """The restrictions of the domains beyond those of the stage itself."""
    return make_box({d: mask for d, mask in enumerate(found) if mask != view.domains[d]})
