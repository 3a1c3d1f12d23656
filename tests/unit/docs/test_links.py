"""Every relative link of the README, the guides and the rules' README leads to a file and a heading that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.places import DOCS, ROOT

PAGES = [*(ROOT / place / "README.md" for place in ("", "rules", "connectors")), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Names of the headings as GitHub makes them: small letters, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", [p for p in PAGES if p.name.endswith(".zh.md")], ids=name)
def test_a_page_in_two_languages_leads_from_each_to_the_other(page: Path) -> None:
    english = page.with_name(page.name.replace(".zh.md", ".md"))

    assert f"[English]({english.name})" in page.read_text("utf-8")
    assert f"[中文]({page.name})" in english.read_text("utf-8")


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    pages = {page for page in DOCS.rglob("*.md") if page.parent.name != "adr" and "errors" not in page.parts}

    assert pages - {index} <= listed
