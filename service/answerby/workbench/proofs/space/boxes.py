"""Boxes: regions of facts. A box allows a set of cells for each dimension that it names; other dimensions are free.

A set of cells is an integer with a bit for each cell. A box names the dimensions that it restricts, in order, and
allows at least one cell of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from answerby.workbench.proofs.space.budget import Budget

Box = tuple[tuple[int, int], ...]
"""Pairs of the number of a dimension and the mask of the cells allowed."""
EVERYTHING: Box = ()


def make_box(masks: Mapping[int, int]) -> Box:
    return tuple(sorted(masks.items()))


def intersection(one: Box, other: Box) -> Box | None:
    """The points in both boxes; None when there are none."""
    if not one or not other:
        return one or other
    masks = dict(one)
    for dimension, mask in other:
        known = masks.get(dimension)
        both = mask if known is None else known & mask
        if not both:
            return None
        masks[dimension] = both
    return make_box(masks)


def contains(outer: Box, inner: Box) -> bool:
    """Whether all of `inner` lies in `outer`."""
    masks = dict(inner)
    return all(dimension in masks and not masks[dimension] & ~mask for dimension, mask in outer)


def without_contained(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The boxes that lie in no other box, each once."""
    outermost: list[Box] = []
    for box in sorted(set(boxes), key=lambda b: (len(b), b)):
        if not any(contains(other, box) for other in outermost):
            outermost.append(box)
    return tuple(outermost)


class Either:
    """A demand on a point: outside all of `avoid`, if that is given, or inside one of `inside`."""

    __slots__ = ("avoid", "inside")

    def __init__(self, inside: Sequence[Box], avoid: Sequence[Box] | None = None) -> None:
        self.inside = inside
        self.avoid = avoid


Domains = list[int]
"""The masks of the cells allowed, by dimension."""


def find(domains: Sequence[int], avoid: Iterable[Box], eithers: Iterable[Either], budget: Budget) -> Domains | None:
    """Domains in which every point lies outside all of `avoid` and satisfies all `eithers`; None when there are none.

    Complete: it splits with unit propagation, as DPLL does, over dimensions of many values. Raises OverBudget.
    """
    open_states: list[tuple[Domains, list[Box], list[Either]]] = [(list(domains), list(avoid), list(eithers))]
    while open_states:
        state = open_states.pop()
        propagated = _propagate(*state, budget)
        if propagated is None:
            continue
        space, boxes, demands, narrowest = propagated
        if demands:
            _split_demand(open_states, space, boxes, demands)
        elif narrowest is not None:
            _split_box(open_states, space, boxes, narrowest)
        else:
            return space
    return None


_State = tuple[Domains, list[Box], list[Either]]


def _split_box(open_states: list[_State], space: Domains, boxes: list[Box], box: Box) -> None:
    """Two states: outside the box in one dimension, or within it there."""
    dimension, mask = max(
        ((d, m) for d, m in box if space[d] & ~m), key=lambda pair: ((space[pair[0]] & ~pair[1]).bit_count(), -pair[0])
    )
    within, outside = space.copy(), space
    within[dimension] &= mask
    outside[dimension] &= ~mask
    open_states.append((within, boxes, []))
    open_states.append((outside, boxes, []))


def _split_demand(open_states: list[_State], space: Domains, boxes: list[Box], demands: list[Either]) -> None:
    """One state for each way to satisfy the first demand."""
    demand, rest = demands[0], demands[1:]
    for box in reversed(demand.inside):
        narrowed = _within(space, box)
        if narrowed is not None:
            open_states.append((narrowed, boxes, rest))
    if demand.avoid is not None:
        open_states.append((space.copy(), [*boxes, *demand.avoid], rest))


def _within(space: Domains, box: Box) -> Domains | None:
    narrowed = space.copy()
    for dimension, mask in box:
        narrowed[dimension] &= mask
        if not narrowed[dimension]:
            return None
    return narrowed


def _propagate(
    space: Domains, boxes: list[Box], demands: list[Either], budget: Budget
) -> tuple[Domains, list[Box], list[Either], Box | None] | None:
    """Narrows the domains by what follows without a choice; None when nothing is left. Raises OverBudget."""
    while True:
        budget.spend(1 + len(boxes) + len(demands))
        narrowed = _leave_boxes(space, boxes)
        if narrowed is None:
            return None
        boxes, narrowest, changed = narrowed
        if changed:
            continue
        applied = _apply_demands(space, demands, budget)
        if applied is None:
            return None
        demands, added, changed = applied
        boxes = boxes + added
        if not changed and not added:
            return space, boxes, demands, narrowest


def _leave_boxes(space: Domains, boxes: list[Box]) -> tuple[list[Box], Box | None, bool] | None:
    """The boxes that still overlap the domains, the narrowest of them, and whether a domain was narrowed."""
    remaining: list[Box] = []
    narrowest, fewest, changed = None, 1 << 30, False
    for box in boxes:
        free, count = -1, 0
        outside = 0
        for dimension, mask in box:
            cells = space[dimension]
            rest = cells & ~mask
            if rest == cells:
                break
            if rest:
                free, outside = dimension, rest
                count += 1
        else:
            if not count:
                return None
            if count == 1:
                space[free] = outside
                changed = True
                continue
            remaining.append(box)
            if count < fewest:
                narrowest, fewest = box, count
    return remaining, narrowest, changed


def _apply_demands(
    space: Domains, demands: list[Either], budget: Budget
) -> tuple[list[Either], list[Box], bool] | None:
    """The demands still open, the boxes to avoid from now on, and whether a domain was narrowed."""
    remaining: list[Either] = []
    added: list[Box] = []
    changed = False
    for demand in demands:
        avoid = _still_avoidable(space, demand.avoid)
        if avoid is not None and not avoid:
            continue
        budget.spend(len(demand.inside))
        inside = [box for box in demand.inside if all(space[d] & m for d, m in box)]
        if any(all(not space[d] & ~m for d, m in box) for box in inside):
            continue
        if avoid is None and not inside:
            return None
        if avoid is None and len(inside) == 1:
            for dimension, mask in inside[0]:
                space[dimension] &= mask
            changed = True
        elif avoid is not None and not inside:
            added += avoid
        else:
            remaining.append(demand if len(inside) == len(demand.inside) else Either(inside, demand.avoid))
    return remaining, added, changed


def _still_avoidable(space: Domains, boxes: Sequence[Box] | None) -> list[Box] | None:
    """The boxes that still overlap the domains; None when they cannot all be avoided."""
    if boxes is None:
        return None
    meeting = [box for box in boxes if all(space[d] & m for d, m in box)]
    if any(all(not space[d] & ~m for d, m in box) for box in meeting):
        return None
    return meeting
