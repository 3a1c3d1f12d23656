"""Folding: what makes two spellings of a text the same text. Terms, aliases and request texts are folded alike."""

from __future__ import annotations

import re
import unicodedata

from service.rules.folding import fold as fold_term

# Soft hyphen, zero-width characters, byte order mark, variation selectors: invisible, and pasted from web pages.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe0e\ufe0f]")
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


def fold(text: str) -> str:
    """NFKC (so full and half width are one), case folded, invisible characters removed, whitespace runs to one space.

    Idempotent. The ends are stripped.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return fold_term(_INVISIBLE.sub("", text))


def normalize_width(text: str) -> str:
    """NFKC and no invisible characters; case and white space stay. Patterns are matched against this."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))


def clean(text: str) -> str:
    """The text without what no store or wire can carry: NUL becomes a space, a lone surrogate U+FFFD.

    Returns the very same object when there was nothing to clean.
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
