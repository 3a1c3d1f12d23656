"""Unions of boxes: their intersection and their union, kept small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, intersection, without_contained

MAX_BOXES = 512
"""The most boxes of one condition. A condition that needs more is not analysed."""

Union = tuple[Box, ...]
"""The points that lie in at least one of the boxes."""


class TooManyBoxes(Exception):
    """A condition needs more than MAX_BOXES boxes."""


def restriction(number: int, mask: int, full: int) -> Union:
    """The union of one dimension restricted to `mask`: nothing for an empty mask, everything for a full one."""
    if not mask:
        return ()
    return (EVERYTHING,) if mask == full else (((number, mask),),)


def intersect_unions(unions: Sequence[Union]) -> Union:
    """The points in all of the unions. Raises TooManyBoxes."""
    result: Union = (EVERYTHING,)
    for union in sorted(unions, key=len):
        if len(result) == 1 and len(union) == 1:
            both = intersection(result[0], union[0])
            result = () if both is None else (both,)
            continue
        result = _limit(box for one in result for other in union if (box := intersection(one, other)) is not None)
    return result


def unite(unions: Sequence[Union]) -> Union:
    """The points in any of the unions. Raises TooManyBoxes."""
    return _join_single(_limit(box for union in unions for box in union))


def _join_single(boxes: Union) -> Union:
    """Joins boxes of the same single dimension: `any` over values of a field is a list of values."""
    masks: dict[int, int] = {}
    others: list[Box] = []
    for box in boxes:
        if len(box) == 1:
            masks[box[0][0]] = masks.get(box[0][0], 0) | box[0][1]
        else:
            others.append(box)
    return (*(((number, mask),) for number, mask in sorted(masks.items())), *others)


def _limit(boxes: Iterable[Box]) -> Union:
    """The boxes that lie in no other one. Raises TooManyBoxes."""
    unique: dict[Box, None] = {}
    for box in boxes:
        unique[box] = None
        # `without_contained` is quadratic: it is not called on a hopeless number.
        if len(unique) > MAX_BOXES * 4:
            raise TooManyBoxes
    outermost = without_contained(unique) if len(unique) > 1 else tuple(unique)
    if len(outermost) > MAX_BOXES:
        raise TooManyBoxes
    return outermost
