"""Punctuation that YAML reads otherwise than its author: Chinese marks, typographic quotes, `#` within a text."""

from __future__ import annotations

import re
from bisect import bisect_right

_QUOTED = re.compile(r"[“”„‟\"「『‘’][^“”„‟「」『』‘’]*[“”‟」』’]\Z")
_EDGE = "\u3000\u00a0\u2007\u202f\ufeff"
_CUT = re.compile(r"[ \t]#(?=\w)(?!answerby\b)")
_LOOKS_LIKE_KEY = re.compile(r"\s*(?:- +)?[\w.\-]+：")


def strange_text(text: str, *, in_flow_list: bool) -> tuple[str, str] | None:
    """A finding and a hint for strange punctuation in an unquoted text; None when there is none."""
    if text[:1] in _EDGE or text[-1:] in _EDGE:
        return "begins or ends with a full-width or non-breaking space", "replace it by an ordinary space"
    if _QUOTED.match(text):
        return "stands in quotes that YAML takes for letters", f'write "{text[1:-1]}" in straight quotes'
    if in_flow_list and ("，" in text or "、" in text):
        parts = ", ".join(part.strip() for part in re.split("[，、]", text) if part.strip())
        return "is one text, as a Chinese comma separates nothing", f"write [{parts}], or quote it if it is one text"
    return None


def strange_key(text: str) -> tuple[str, str] | None:
    """A finding and a hint for strange punctuation in an unquoted key; None when there is none."""
    if "：" in text:
        name, _, value = text.partition("：")
        return "holds a Chinese colon, which ends no key", f"write {name}: {value.strip()}".rstrip()
    return strange_text(text, in_flow_list=False)


def mapping_hint(text: str) -> str:
    """A hint for an unquoted text that looks like `key: value`; empty for any other text."""
    if "：" in text:
        return "write an ASCII colon and a space, `key: value`, instead of the Chinese ："
    key, colon, value = text.partition(":")
    if colon and key and value and not value.startswith(" "):
        return f"write a space after the colon: {key}: {value}"
    return ""


def chinese_colon_near(lines: list[str], line: int) -> int:
    """The number of a line whose key ends with a Chinese colon: `line` or the line above; 0 when neither does."""
    for number in (line, line - 1):
        if 1 <= number <= len(lines) and _LOOKS_LIKE_KEY.match(lines[number - 1]):
            return number
    return 0


class CommentCuts:
    """Comments that begin with `#` right before a letter or digit. Authors often mean such a `#` as text."""

    def __init__(self, text: str) -> None:
        self._at = [match.start() + 1 for match in _CUT.finditer(text)]
        self._text = text

    def after(self, end: int) -> str:
        """The comment that follows, in the same line, a text that ends at index `end`; empty when none follows."""
        index = bisect_right(self._at, end - 1)
        if index >= len(self._at) or self._text[end : self._at[index]].strip(" \t"):
            return ""
        return self._text[self._at[index] :].split("\n", 1)[0].rstrip()
