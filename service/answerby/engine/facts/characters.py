"""Characters of texts: unprintable ones, and those that continue a word."""

from __future__ import annotations

import re
import unicodedata

_UNPRINTABLE = re.compile(r"[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without characters that no store or wire can carry: NUL becomes a space, a lone surrogate U+FFFD.

    Returns the very same object when nothing changes.
    """
    if text.isascii() and "\0" not in text:
        return text
    if _UNPRINTABLE.search(text) is None:
        return text
    return _UNPRINTABLE.sub(lambda m: " " if m[0] == "\0" else "\ufffd", text)


def is_word_character(character: str) -> bool:
    """Whether a character continues a word of a script that writes spaces between words (Latin, Greek, Cyrillic)."""
    if character == "_":
        return True
    spaced = character < "\u0590" or "\u1e00" <= character < "\u2000"
    return spaced and (character.isalnum() or unicodedata.combining(character) != 0)
