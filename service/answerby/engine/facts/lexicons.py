"""Lexicons: one pass over a text finds the terms of all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from ahocorasick_rs import AhoCorasick, MatchKind

from answerby.engine.facts.characters import is_word_character
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.text.folding import fold

Span = tuple[int, int, int]
"""Number of a term, its start and its end in the text."""


class LexiconIndex:
    """All terms of a rulebook in one Aho-Corasick automaton over folded text.

    Where an ASCII term begins or ends with a word character, a word must begin or end there: `fire` is not in `fired`,
    `c++` is in `c++11`. A term with any other character matches anywhere, as Chinese does not separate words.
    A term does not count where it overlaps a term of a lexicon that is an exception to its own.
    """

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        owners: dict[str, list[str]] = {}
        for lexicon in lexicons.values():
            for term in {fold(term) for term in lexicon.terms} - {""}:
                owners.setdefault(term, []).append(lexicon.id)
        self._exceptions = {x.id: frozenset(x.exceptions) for x in lexicons.values() if x.exceptions}
        self._terms = sorted(owners)
        self._lexicons = [frozenset(owners[term]) for term in self._terms]
        self._boundaries = [_boundaries(term) for term in self._terms]
        self._automaton = AhoCorasick(self._terms, matchkind=MatchKind.Standard) if self._terms else None

    def mentioned(self, folded: str) -> frozenset[str]:
        """Ids of the lexicons of which the folded text holds a term."""
        found: set[str] = set()
        for index in self._found(folded):
            found |= self._lexicons[index]
        doubtful = [name for name in self._exceptions if name in found and not found.isdisjoint(self._exceptions[name])]
        if doubtful:
            spans = list(self._spans(folded))
            found.difference_update([name for name in doubtful if not self._counting(name, spans)])
        return frozenset(found)

    def terms(self, folded: str, lexicons: Iterable[str]) -> list[str]:
        """The terms of these lexicons that the folded text holds, sorted: the evidence of a `mentions`."""
        spans = list(self._spans(folded))
        return [self._terms[i] for i in sorted({i for name in set(lexicons) for i in self._counting(name, spans)})]

    def _counting(self, lexicon: str, spans: list[Span]) -> set[int]:
        """The lexicon's terms with at least one place that overlaps no phrase of an exception."""
        exceptions = self._exceptions.get(lexicon, frozenset())
        phrases = sorted((start, end) for i, start, end in spans if not exceptions.isdisjoint(self._lexicons[i]))
        starts = [start for start, _ in phrases]
        reach = list(accumulate((end for _, end in phrases), max))
        counting = set()
        for i, start, end in spans:
            if lexicon in self._lexicons[i]:
                # If any phrase that begins before the end of the term overlaps it, the one that ends last does.
                earlier = bisect_left(starts, end)
                if not earlier or reach[earlier - 1] <= start:
                    counting.add(i)
        return counting

    def _spans(self, folded: str) -> Iterator[Span]:
        """Every place of every term."""
        if self._automaton is not None:
            for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
                if self._stands_alone(index, folded, start, end):
                    yield index, start, end

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
