"""A stage as regions of facts: the boxes of each rule, and the points that satisfy demands on the matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from answerby.rules.model.rulebook import Stage
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, Domains, Either, find
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.dimensions import NO, Aspect
from answerby.workbench.proofs.space.hit_policies import Contest, Demands, bits
from answerby.workbench.proofs.space.space import Space

REPAIR_BUDGET = 200_000
"""The operations for making a point possible. A point has at most a few hundred dimensions."""


class StageView:
    """One stage of one rulebook in a space. `domains` are the masks of the cells that its facts can have."""

    def __init__(
        self,
        space: Space,
        stage: Stage,
        domains: Sequence[int] | None = None,
        only_by_ladder: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """`only_by_ladder` are the masks of the cells that facts have only after a step of a ladder, by dimension."""
        self.space = space
        self.only_by_ladder = only_by_ladder
        self.contest = Contest(space.vocabulary, stage)
        self.boxes: tuple[tuple[Box, ...], ...] = tuple(space.boxes_of(rule) for rule in self.contest.rules)
        full = self._full = space.full()
        self.domains: list[int] = list(full) if domains is None else [*domains, *full[len(domains) :]]
        """The masks of the cells by dimension. Opaque rules may have added dimensions to the space since."""
        self._dimensions_of_rules = [_dimensions(boxes) for boxes in self.boxes]
        self._forbidden = [(box, _dimensions([box])) for box in space.forbidden]
        self._index = _Index(self.boxes, self.domains)
        self._meeting: dict[int, int] = {}
        self.preferred = [_preferred(space, number, self.domains) for number in range(len(space.dimensions))]

    def meeting(self, number: int) -> int:
        """The mask of the rules that may match together with this rule."""
        known = self._meeting.get(number)
        if known is None:
            known = 0
            for box in self.boxes[number]:
                known |= self._index.rules_meeting(box)
            self._meeting[number] = known
        return known

    def find(
        self,
        inside: Sequence[int],
        demands: Demands,
        budget: Budget,
        region: Box = EVERYTHING,
        barred: Sequence[Box] = (),
    ) -> Domains | None:
        """Domains in which every point matches the rules `inside` and satisfies the demands; None if there are none.

        `region` restricts the points; they lie in none of the boxes `barred`. Complete over the points that are not
        forbidden. Raises OverBudget.
        """
        start = list(self.domains)
        dimensions = _dimensions([region]) | _dimensions(barred)
        for dimension, mask in region:
            start[dimension] &= mask
        choices: list[Either] = []
        together = -1
        for number in inside:
            dimensions |= self._dimensions_of_rules[number]
            together &= self.meeting(number)
            if len(self.boxes[number]) == 1:
                for dimension, mask in self.boxes[number][0]:
                    start[dimension] &= mask
            else:
                choices.append(Either(self.boxes[number]))
        if not all(start):
            return None
        demands = demands.among(together)
        avoid: list[Box] = list(barred)
        for n in bits(demands.avoid):
            dimensions |= self._dimensions_of_rules[n]
            avoid += self.boxes[n]
        strict = list(avoid)
        for loser, _ in demands.unless:
            dimensions |= self._dimensions_of_rules[loser]
            strict += self.boxes[loser]
        found = find(start, [*strict, *self._impossible(dimensions)], choices, budget)
        if found is not None or not demands.unless:
            return found
        # With no matching loser there is no solution. Each loser may match where one of its saviours does.
        for loser, saviours in demands.unless:
            boxes: list[Box] = []
            for n in bits(saviours):
                dimensions |= self._dimensions_of_rules[n]
                boxes += self.boxes[n]
            choices.append(Either(boxes, self.boxes[loser]))
        return find(start, [*avoid, *self._impossible(dimensions)], choices, budget)

    def _impossible(self, dimensions: int) -> list[Box]:
        """The forbidden boxes within these dimensions (a mask). In the others a fitting cell can always be chosen."""
        return [box for box, of_box in self._forbidden if of_box & ~dimensions == 0]

    def matching(self, point: Mapping[int, int]) -> list[int]:
        """The rules that match at a point. Dimensions that the point does not name have their usual cell."""
        return self._index.matching([point.get(d, self.preferred[d]) for d in range(len(self.preferred))])

    def choose(self, domains: Domains) -> dict[int, int]:
        """A point of the domains: the most usual cell allowed, for each dimension that they restrict.

        The point names further dimensions where their usual cells are impossible together with these.
        """
        point = self._usual(domains)
        if any(_holds(box, point, self.preferred) for box, _ in self._forbidden):
            possible = find(domains, self.space.forbidden, (), Budget(REPAIR_BUDGET))
            if possible is not None:
                return self._usual(possible)
        return point

    def _usual(self, domains: Domains) -> dict[int, int]:
        return {
            d: self.preferred[d] & mask or mask & -mask
            for d, mask in enumerate(domains)
            if mask != self.domains[d] or not self.preferred[d] & mask
        }

    def sample(self, number: int, rivals: int) -> dict[int, int] | None:
        """A point where the rule matches and few of the rivals (a mask) do, by a greedy walk.

        None if the walk finds none.

        A quick try: when it finds no point, there may still be one.
        """
        for box in self.boxes[number][:4]:
            point = self._index.walk(box, rivals, self.domains, self.preferred)
            if point is not None and not any(_holds(box, point, self.preferred) for box, _ in self._forbidden):
                return point
        return None


class _Index:
    """For each cell of each dimension the boxes that allow it, as a mask: many boxes are tested at once."""

    def __init__(self, boxes: Sequence[Sequence[Box]], domains: Sequence[int]) -> None:
        flat = [(n, box) for n, of_rule in enumerate(boxes) for box in of_rule]
        self._owner = [n for n, _ in flat]
        self._all_boxes = (1 << len(flat)) - 1
        self._of_rule = [0] * len(boxes)
        self._restricting: dict[int, int] = {}
        for i, (n, box) in enumerate(flat):
            self._of_rule[n] |= 1 << i
            for dimension, _ in box:
                self._restricting[dimension] = self._restricting.get(dimension, 0) | 1 << i
        self._allow: dict[int, list[int]] = {
            d: _sweep(flat, d, self._all_boxes & ~bits, domains[d].bit_length())
            for d, bits in self._restricting.items()
        }
        self._boxes_by_cells: dict[tuple[int, int], int] = {}

    def rules_meeting(self, box: Box) -> int:
        found = self._all_boxes
        for pair in box:
            if pair[0] in self._allow:
                found &= self._boxes_allowing(pair)
        return self._rules(found)

    def _boxes_allowing(self, pair: tuple[int, int]) -> int:
        """The mask of the boxes that allow one of the cells."""
        known = self._boxes_by_cells.get(pair)
        if known is None:
            known = 0
            dimension, mask = pair
            for cell, boxes in enumerate(self._allow[dimension]):
                if mask >> cell & 1:
                    known |= boxes
            self._boxes_by_cells[pair] = known
        return known

    def matching(self, cells: Sequence[int]) -> list[int]:
        found = self._all_boxes
        for dimension, allow in self._allow.items():
            found &= allow[cells[dimension].bit_length() - 1]
        rules = []
        last = -1
        while found:
            low = found & -found
            owner = self._owner[low.bit_length() - 1]
            if owner != last:
                rules.append(owner)
                last = owner
            found ^= low
        return rules

    def walk(self, box: Box, rivals: int, domains: Sequence[int], preferred: Sequence[int]) -> dict[int, int] | None:
        masks = dict(box)
        alive = 0
        for n, boxes in enumerate(self._of_rule):
            if rivals >> n & 1:
                alive |= boxes
        point: dict[int, int] = {}
        for dimension in sorted(self._allow, key=lambda d: (d not in masks, d)):
            allowed = masks.get(dimension, -1) & domains[dimension]
            if not allowed:
                return None
            usual = preferred[dimension] & allowed
            if not alive & self._restricting[dimension]:
                point[dimension] = usual or allowed & -allowed
                continue
            allow = self._allow[dimension]
            best, fewest = usual, (alive & allow[usual.bit_length() - 1]).bit_count() if usual else 1 << 30
            while allowed:
                low = allowed & -allowed
                count = (alive & allow[low.bit_length() - 1]).bit_count()
                if count < fewest:
                    best, fewest = low, count
                allowed ^= low
            alive &= allow[best.bit_length() - 1]
            point[dimension] = best
        return point

    def _rules(self, boxes: int) -> int:
        rules = 0
        while boxes:
            low = boxes & -boxes
            owner = self._owner[low.bit_length() - 1]
            rules |= 1 << owner
            boxes &= ~self._of_rule[owner]
        return rules


def _sweep(flat: Sequence[tuple[int, Box]], dimension: int, free: int, cells: int) -> list[int]:
    """For each cell the mask of the boxes that allow it. A box is switched on and off where its cells begin and end."""
    switches = [0] * (cells + 1)
    for i, (_, box) in enumerate(flat):
        for number, mask in box:
            if number == dimension:
                edges = (mask ^ mask << 1) & (1 << cells) - 1
                while edges:
                    low = edges & -edges
                    switches[low.bit_length() - 1] ^= 1 << i
                    edges ^= low
    found, current = [], free
    for switch in switches[:cells]:
        current ^= switch
        found.append(current)
    return found


def _dimensions(boxes: Iterable[Box]) -> int:
    """The mask of the dimensions that the boxes restrict."""
    found = 0
    for box in boxes:
        for dimension, _ in box:
            found |= 1 << dimension
    return found


def _holds(box: Box, point: Mapping[int, int], preferred: Sequence[int]) -> bool:
    return all(point.get(dimension, preferred[dimension]) & mask for dimension, mask in box)


def _preferred(space: Space, number: int, domains: Sequence[int]) -> int:
    """The most usual cell: the default, else no value, else the first. For a truth, false."""
    dimension = space.dimensions[number]
    allowed = domains[number] & dimension.full
    if dimension.aspect is not Aspect.VALUE:
        return NO & allowed or allowed & -allowed
    default = space.vocabulary[dimension.field].default
    if default is not None and (mask := space.holding(dimension.field, default) & allowed):
        return mask & -mask
    usual = dimension.missing or 1
    return usual & allowed or allowed & -allowed
