"""Bar charts as inline SVG, drawn here: no script, no font, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from answerby.cli.backtest.page.markup import Markup, element

WIDTH = 640.0
LABEL = 18.0
BAR = 12.0
GAP = 4.0
ROW = LABEL + 2 * BAR + GAP + 12
FILL = {"old": "#8a94a0", "new": "#0b66c3"}
"""For viewers that do not know the colours of the style."""
PLOT = WIDTH - 90
"""Leaves room for the figure at the end of a bar."""


class Row(NamedTuple):
    """One label with its figure under the old and the new rules."""

    label: str
    old: int
    new: int


def bars(identity: str, title: str, rows: Sequence[Row], *, old: bool = True) -> Markup:
    """Pairs of horizontal bars, the old one above the new; without `old` only the new ones.

    The figures stand beside the bars and in the title of each, so colour is never all there is to tell them apart.
    """
    most = max([1, *(max(row.old if old else 0, row.new) for row in rows)])
    height = ROW if old else ROW - BAR - GAP
    parts = [element("title", title, id=f"{identity}-t")]
    for number, row in enumerate(rows):
        top = number * height
        parts.append(element("text", row.label, x=0, y=_figure(top + 13), font_size=13, class_="label"))
        sides = (("old", row.old), ("new", row.new)) if old else (("new", row.new),)
        for place, (side, value) in enumerate(sides):
            y = top + LABEL + place * (BAR + GAP)
            parts.append(_bar(f"{row.label}, {side}: {value:,}", side, value, most, y))
    box = f"0 0 {_figure(WIDTH)} {_figure(max(1, len(rows)) * height)}"
    return element(
        "svg", *parts, viewBox=box, role="img", aria_labelledby=f"{identity}-t", class_="chart", width="100%"
    )


def _bar(words: str, side: str, value: int, most: int, y: float) -> Markup:
    width = max(1.0, PLOT * value / most) if value else 0.0
    return element(
        "g",
        element("title", words),
        element("rect", x=0, y=_figure(y), width=_figure(width), height=BAR, rx=2, class_=side, fill=FILL[side]),
        element(
            "text", f"{value:,} {side}", x=_figure(width + 6), y=_figure(y + BAR - 2), font_size=12, class_="figure"
        ),
    )


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
