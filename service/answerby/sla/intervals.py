"""Local working intervals of one day, in seconds since midnight."""

from __future__ import annotations

from collections.abc import Iterable

DAY_SECONDS = 86_400

Interval = tuple[int, int]
"""A local [start, end) in seconds since midnight; the end may be 86400."""
Intervals = tuple[Interval, ...]


def tidy(intervals: Iterable[Interval], place: str) -> Intervals:
    """Sorts intervals and joins those that touch. Raises ValueError as `check_intervals` does."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and joined[-1][1] == start < end:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    check_intervals(tuple(joined), place)
    return tuple(joined)


def check_intervals(intervals: Intervals, place: str) -> None:
    """Raises ValueError, naming the place, unless the intervals lie within the day, sorted and without overlap."""
    previous_end = 0
    for start, end in intervals:
        if not 0 <= start < end <= DAY_SECONDS:
            raise ValueError(
                f"{place}: {_clock(start)}-{_clock(end)} is no interval; start before the end, within 00:00-24:00"
                " (split hours that pass midnight)"
            )
        if start < previous_end:
            raise ValueError(f"{place}: {_clock(start)}-{_clock(end)} overlaps the one before it; join them")
        previous_end = end


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


def cut(interval: Interval, cut_start: int, cut_end: int) -> Intervals:
    """The interval without [cut_start, cut_end): no, one or two pieces."""
    start, end = interval
    pieces = ((start, min(end, cut_start)), (max(start, cut_end), end))
    return tuple(piece for piece in pieces if piece[0] < piece[1])
