"""The text of HTML that people wrote at a platform."""

from __future__ import annotations

import re
from html.parser import HTMLParser

LINES = frozenset({"br", "p", "div", "li", "tr", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
"""Elements that begin or end a line."""
UNSEEN = frozenset({"script", "style", "head", "title"})
"""Elements whose text no reader sees."""
SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
GAPS = re.compile(r" ?\n[ \n]*\n ?| ?\n ?")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unseen += tag in UNSEEN
        if tag in LINES:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in UNSEEN))
        if tag in LINES - {"br"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data.replace("\n", " "))


def plain_of(html: str) -> str:
    """What a reader sees of the HTML: its text, with a line for each paragraph and row."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return GAPS.sub("\n", SPACES.sub(" ", "".join(reader.parts))).strip()
