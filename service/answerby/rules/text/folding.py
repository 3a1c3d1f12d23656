"""Folding: one form for all spellings of a text. Terms, aliases and request texts are folded in the same way."""

from __future__ import annotations

import re
import unicodedata

# Soft hyphen, zero-width characters, byte order mark, variation selectors: invisible, and pasted from web pages.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe0e\ufe0f]")


def fold(text: str) -> str:
    """The folded text: NFKC (full and half width become one), case folded, without invisible characters.

    Each run of whitespace becomes one space, and the ends are stripped. Folding twice gives the same as folding once.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", normalize_width(text).casefold())
    # Case folding may leave a character that NFKC composes and folds once more (U+0345 and its kin).
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())


def normalize_width(text: str) -> str:
    """The text in NFKC, without invisible characters; case and whitespace stay. Patterns match against this form."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
