"""Each page that exists in two languages has the same parts in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.places import DOCS

CHINESE = sorted(DOCS.rglob("*.zh.md"))
FENCE = re.compile(r"^```(.*?)\n.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
INDENTED = re.compile(r"(?<=\n\n)    \S.*\n(?:(?:    .*)?\n)*?(?=\S|\Z)")
"""A block of code by its indentation; blank lines within it do not end it."""
ROW = re.compile(r"^\| ?(.*?) ?\|", re.MULTILINE)
ITEM = re.compile(r"^(?:\*|\d+\.) ", re.MULTILINE)


def outline(page: Path) -> list[tuple[str, int]]:
    """The parts of a page in their order, by section: headings, fences by their language, other blocks, table rows, items."""
    text = page.read_text("utf-8")
    found = []
    for section in re.split(
        r"^(?=#+ )", FENCE.sub(lambda fence: f"\n<fence {fence[1].split(' ')[0]}>\n", text), flags=re.MULTILINE
    ):
        heading = HEADING.match(section)
        found.append((f"heading {heading[1]}" if heading else "before", 1))
        found += [(fence, 1) for fence in re.findall(r"^<fence .*>$", section, re.MULTILINE)]
        found += [
            ("indented", len(INDENTED.findall(section))),
            ("rows", len(ROW.findall(section))),
            ("items", len(ITEM.findall(section))),
        ]
    return found


@pytest.mark.parametrize("chinese", CHINESE, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_and_its_twin_have_the_same_parts(chinese: Path) -> None:
    english = chinese.with_name(chinese.name.replace(".zh.md", ".md"))

    assert outline(chinese) == outline(english)
    for page, twin in ((english, chinese), (chinese, english)):
        assert f"]({twin.name})" in page.read_text("utf-8").split("\n", 3)[2]


def test_there_are_pages_in_two_languages() -> None:
    assert len(CHINESE) >= 16
