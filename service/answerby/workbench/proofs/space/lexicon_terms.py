"""Lexicons that imply each other: every text that mentions one mentions the other too."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from answerby.rules.model.rulebook import Lexicon
from answerby.rules.text.folding import fold


def implications(lexicons: Mapping[str, Lexicon], lexicon_names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each lexicon the lexicons that it implies.

    A lexicon implies another when each of its terms contains a term of the other wherever the term stands, and every
    exception of the other is an exception of this one too.
    """
    names = sorted(set(lexicon_names) & set(lexicons))
    terms = {name: sorted({fold(term) for term in lexicons[name].terms} - {""}) for name in names}
    return {
        name: tuple(
            other
            for other in names
            if other != name and _covers(lexicons[other], lexicons[name]) and _all_contain(terms[name], terms[other])
        )
        for name in names
    }


def mentioned(lexicons: Mapping[str, Lexicon], folded: str) -> frozenset[str]:
    """The lexicons of which the folded text has a term outside all exceptions.

    The plain form of the engine's single pass, for a handful of short texts.
    """
    spans = {name: _spans(lexicon, folded) for name, lexicon in lexicons.items()}
    found = set()
    for name, lexicon in lexicons.items():
        barred = [span for other in lexicon.exceptions for span in spans.get(other, ())]
        if any(all(end <= b or e <= start for b, e in barred) for start, end in spans[name]):
            found.add(name)
    return frozenset(found)


def _covers(other: Lexicon, lexicon: Lexicon) -> bool:
    return set(other.exceptions) <= set(lexicon.exceptions)


def _all_contain(terms: list[str], others: list[str]) -> bool:
    """Whether each term contains one of the others wherever it stands. A lexicon without terms is never mentioned."""
    known = set(others)
    return all(
        term in known or any(_is_contained(other, term) for other in others if len(other) < len(term)) for term in terms
    )


def _is_contained(inner: str, outer: str) -> bool:
    before, after = _boundaries(inner)
    outer_before, outer_after = _boundaries(outer)
    start = outer.find(inner)
    while start >= 0:
        end = start + len(inner)
        starts_at_boundary = not before or (outer_before if start == 0 else not _is_word(outer[start - 1]))
        ends_at_boundary = not after or (outer_after if end == len(outer) else not _is_word(outer[end]))
        if starts_at_boundary and ends_at_boundary:
            return True
        start = outer.find(inner, start + 1)
    return False


def _spans(lexicon: Lexicon, folded: str) -> list[tuple[int, int]]:
    found = []
    for term in sorted({fold(term) for term in lexicon.terms} - {""}):
        before, after = _boundaries(term)
        start = folded.find(term)
        while start >= 0:
            end = start + len(term)
            alone = not (before and start > 0 and _is_word(folded[start - 1]))
            if alone and not (after and end < len(folded) and _is_word(folded[end])):
                found.append((start, end))
            start = folded.find(term, start + 1)
    return found


def _boundaries(term: str) -> tuple[bool, bool]:
    """Whether a word must begin and end with the term: an ASCII term with a word character there."""
    if not term.isascii():
        return False, False
    return _is_word(term[0]), _is_word(term[-1])


def _is_word(character: str) -> bool:
    """Whether the engine counts the character as part of a word."""
    if character == "_":
        return True
    spaced = character < "\u0590" or "\u1e00" <= character < "\u2000"
    return spaced and (character.isalnum() or unicodedata.combining(character) != 0)
