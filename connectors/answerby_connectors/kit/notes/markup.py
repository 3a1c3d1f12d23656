"""The text languages of platforms' notes. Text of a customer stays text in each of them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&$:@^=])")
"""What has a meaning in CommonMark and its common extensions, math, mentions and emoji among them (CommonMark 2.4)."""
BACKSLASHED = re.compile(r"([\\`*_\[\]()>+\-.!}])")
"""What has a meaning in Markdown, and none behind a backslash in python-markdown."""
ENTITIES = {"&": "&amp;", "<": "&lt;", "{": "&#123;", "#": "&#35;", "~": "&#126;", "=": "&#61;"}
"""What takes no backslash there, begins a template of Django, or makes a link to a ticket of that number."""
PRE_END = re.compile(r"</(?=\s*pre)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Markup:
    """`escape` makes one line of text a line of the language. `wrap` makes a note of escaped lines and the mark.

    `measure` is the size of escaped text in the unit in which the platform limits it.
    """

    escape: Callable[[str], str]
    wrap: Callable[[Sequence[str], str], object]
    measure: Callable[[str], int] = len

    def note(self, lines: Sequence[str], mark: str, limit: int) -> object:
        """The note, cut before its mark: at most `limit` of escaped text, by `measure`."""
        kept: list[str] = []
        room = limit
        for line in lines:
            whole = self.escape(line)
            if self.measure(whole) > room:
                kept.append(self._cut(line, room))
                break
            kept.append(whole)
            room -= self.measure(whole) + 1
        return self.wrap(kept, mark)

    def _cut(self, line: str, room: int) -> str:
        """The longest beginning of the line that fits. It is cut before its escape, so no escape is cut in two."""
        used = 0

        def fits(character: str) -> bool:
            nonlocal used
            used += self.measure(self.escape(character))
            return used <= room

        return "".join(self.escape(character) for character in takewhile(fits, line))


def _adf(lines: Sequence[str], mark: str) -> object:
    """Atlassian Document Format: nodes hold text as it is; a node must not be empty; a line ends with a hardBreak."""
    inside: list[dict[str, object]] = []
    for line in (*lines, mark):
        if inside:
            inside.append({"type": "hardBreak"})
        if line:
            inside.append({"type": "text", "text": line})
    return {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": inside}]}


def _textile(lines: Sequence[str], mark: str) -> object:
    """Everything but the mark is literal between <pre>, which only its own end closes."""
    return "\n".join(["<pre>", *lines, "</pre>", "", mark])


def _django_markdown(line: str) -> str:
    """A line that Django reads as a template first and python-markdown then."""
    return "".join(ENTITIES.get(one) or BACKSLASHED.sub(r"\\\1", one) for one in line.replace("\t", " "))


PLAIN = Markup(str, lambda lines, mark: "\n".join([*lines, mark]))
PLAIN_BYTES = Markup(str, PLAIN.wrap, lambda text: len(text.encode()))
"""Plain text whose size counts in bytes of UTF-8."""
HTML = Markup(lambda line: html.escape(line, quote=True), lambda lines, mark: "<br>\n".join([*lines, mark]))
COMMONMARK = Markup(
    lambda line: MARKDOWN.sub(r"\\\1", line.replace("\t", " ")),
    lambda lines, mark: "\\\n".join([*(line or "\\" for line in lines)]) + f"\n\n{mark}",
)
TEXTILE = Markup(lambda line: PRE_END.sub("< /", line), _textile)
ADF = Markup(str, _adf)
DJANGO_MARKDOWN = Markup(
    _django_markdown,
    lambda lines, mark: "\n".join([*(line.lstrip(" ") for line in lines), "", mark]),  # four spaces would make code
)
