"""Folding: how aliases and terms are made comparable (width, case, compatibility forms, spaces)."""

from __future__ import annotations

import re
import unicodedata

# Soft hyphen, zero-width characters, byte order mark, variation selectors: invisible, and pasted from web pages.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe0e\ufe0f]")


def fold(text: str) -> str:
    """NFKC, casefold, invisible characters removed, whitespace runs to one space, none at the ends. Idempotent.

    The engine folds what requests say in the same way.
    """
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    folded = unicodedata.normalize("NFKC", visible.casefold())
    # Case folding may leave a character that NFKC composes and folds once more (U+0345 and its kin).
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())
