"""Folding: what makes two spellings of a text the same text. Terms, aliases and request texts are folded alike."""

from __future__ import annotations

import re
import unicodedata

# Soft hyphen, zero-width characters, byte order mark, variation selectors: invisible, and pasted from web pages.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe0e\ufe0f]")


def fold(text: str) -> str:
    """NFKC (so full and half width are one), case folded, invisible characters removed, whitespace runs to one space.

    Idempotent. The ends are stripped.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", normalize_width(text).casefold())
    # Case folding may leave a character that NFKC composes and folds once more (U+0345 and its kin).
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())


def normalize_width(text: str) -> str:
    """NFKC and no invisible characters; case and white space stay. Patterns are matched against this."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
