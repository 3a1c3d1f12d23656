"""Pages and messages in Chinese use the words of the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.places import DOCS, PACKAGE, REFERENCE

GLOSSARY = (REFERENCE / "glossary.md").read_text("utf-8")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TERM = re.compile(r"^\| ([a-z][^|]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEXTS = [
    *sorted(DOCS.rglob("*.zh.md")),
    *sorted((PACKAGE / "cli").rglob("*.py")),
    *sorted((PACKAGE / "engine").rglob("*.py")),
]
TEXTS += sorted((PACKAGE / "workbench").rglob("*.py"))


def unused() -> list[str]:
    """Chinese words that stand for another one of the glossary."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GLOSSARY.partition("## Words that are not used")[2], re.MULTILINE)
    return [word for row in rows if CHINESE.search(row) and "不用" not in row for word in row.split("、")]


def test_every_idea_has_one_word_in_each_language() -> None:
    rows = TERM.findall(GLOSSARY)
    english = [word.strip() for row in rows for word in row[0].split(",")]
    chinese = [word.strip() for row in rows for word in row[1].split("、")]

    assert len(rows) > 70
    assert len(set(english)) == len(english)
    assert len(set(chinese)) == len(chinese)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_other_word_is_used(path: Path) -> None:
    text = path.read_text("utf-8")

    assert len(unused()) > 15
    assert [word for word in unused() if word in text] == []
