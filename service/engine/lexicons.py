"""One pass over a text finds the terms of all lexicons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ahocorasick_rs import AhoCorasick, MatchKind

from service.engine.characters import is_word_character
from service.rules.folding import fold
from service.rules.model import Lexicon


class LexiconIndex:
    """All terms of a rulebook in one Aho-Corasick automaton over folded text.

    Where an ASCII term begins or ends with a word character, a word must begin or end there: `fire` is not in `fired`,
    `c++` is in `c++11`. A term with any other character matches anywhere, as Chinese does not separate words.
    """

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        owners: dict[str, list[str]] = {}
        for lexicon in lexicons.values():
            for term in {fold(term) for term in lexicon.terms} - {""}:
                owners.setdefault(term, []).append(lexicon.id)
        self._terms = sorted(owners)
        self._lexicons = [frozenset(owners[term]) for term in self._terms]
        self._boundaries = [_boundaries(term) for term in self._terms]
        self._automaton = AhoCorasick(self._terms, matchkind=MatchKind.Standard) if self._terms else None

    def mentioned(self, folded: str) -> frozenset[str]:
        """Ids of the lexicons of which the folded text holds a term."""
        found: set[str] = set()
        for index in self._found(folded):
            found |= self._lexicons[index]
        return frozenset(found)

    def terms(self, folded: str, lexicons: Iterable[str]) -> list[str]:
        """The terms of these lexicons that the folded text holds, sorted: the evidence of a `mentions`."""
        wanted = frozenset(lexicons)
        return [self._terms[i] for i in sorted(self._found(folded)) if wanted & self._lexicons[i]]

    def _found(self, folded: str) -> set[int]:
        if self._automaton is None:
            return set()
        found: set[int] = set()
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if index not in found and self._stands_alone(index, folded, start, end):
                found.add(index)
        return found

    def _stands_alone(self, index: int, folded: str, start: int, end: int) -> bool:
        before, after = self._boundaries[index]
        if before and start > 0 and is_word_character(folded[start - 1]):
            return False
        return not (after and end < len(folded) and is_word_character(folded[end]))


def _boundaries(term: str) -> tuple[bool, bool]:
    if not term.isascii():
        return False, False
    return is_word_character(term[0]), is_word_character(term[-1])
