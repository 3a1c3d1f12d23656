"""Source lines with a caret, safe and aligned in a terminal."""

from __future__ import annotations

import re
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len

from answerby.rules.text.rule_folder import MAX_FILE_BYTES

MAX_WIDTH = 160
"""The most terminal columns of a source line. Longer lines are cut around the place."""
_BEFORE = 60
_ENOUGH = 4 * MAX_WIDTH
"""More characters than are ever shown, even where many take no column."""
_TAB = "    "
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
"""Characters that reverse the order of the text."""
_WORD = re.compile(r"[^\s,\[\]{}#:\"'|>]+(?::(?=\S)[^\s,\[\]{}]*)*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")


class Excerpt(NamedTuple):
    """A source line as shown, and the caret line below it."""

    text: str
    caret: str


class Sources:
    """The rule files of a folder. Each file is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str | None:
        """A line without its end; None when the file cannot be read or is shorter."""
        if file not in self._lines:
            self._lines[file] = self._read(file)
        lines = self._lines[file]
        return lines[number - 1] if 1 <= number <= len(lines) else None

    def excerpt(self, file: str, number: int, column: int) -> Excerpt | None:
        """The line with a caret; None for a blank or missing line."""
        line = self.line(file, number)
        if line is None or not line.strip():
            return None
        return mark(line, column)

    def _read(self, file: str) -> list[str]:
        path = self._folder / file
        try:
            # Opening a pipe would wait for its writer.
            if not stat.S_ISREG(path.stat().st_mode):
                return []
            with path.open("rb") as stream:
                content = stream.read(MAX_FILE_BYTES)
        except OSError:
            return []
        return re.split("\r\n|\n|\r", content.decode("utf-8-sig", errors="replace"))


def mark(line: str, column: int) -> Excerpt:
    """The line with a caret under `column`. Columns count characters from 1, whatever their width."""
    start = min(column - 1, len(line))
    start += (
        len(line) - start - len(line[start:].lstrip())
    )  # A finding about a whole line points to the beginning of its text.
    before, place, after = line[:start], line[start : start + _extent(line, start)], ""
    after = line[start + len(place) :]
    # Cutting takes one character at a time, and a line may have a million of them.
    parts = (before[-_ENOUGH:], place[:_ENOUGH], after[:_ENOUGH])
    before, place, after = (printable(part) for part in parts)
    if cell_len(before + place + after) > MAX_WIDTH:
        before = _last(before, _BEFORE)
        place = _first(place, MAX_WIDTH - _BEFORE - 20)
        after = _first(after, MAX_WIDTH - cell_len(before + place) - 2)
    return Excerpt(before + place + after, " " * cell_len(before) + "^" * max(1, cell_len(place)))


def printable(text: str) -> str:
    """The text without characters that move the cursor, colour the terminal or reverse the text."""
    if text.isprintable() and not any(character in _DIRECTIONS for character in text):
        return text
    return "".join(_TAB if c == "\t" else c if _is_shown(c) else f"\\u{{{ord(c):x}}}" for c in text)


def printable_lines(text: str) -> str:
    """`printable` for each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def _is_shown(character: str) -> bool:
    if character in _DIRECTIONS:
        return False
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _extent(line: str, start: int) -> int:
    """The length of the word or quoted text at `start`; 1 where neither begins."""
    found = _QUOTED.match(line, start) or _WORD.match(line, start)
    return len(found[0]) if found else 1


def _last(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    while cell_len(text) > width - 1:
        text = text[1:]
    return "…" + text


def _first(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[:-1]
    return text + "…"
