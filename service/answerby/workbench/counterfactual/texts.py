"""Texts changed so that they mention a lexicon, or no longer do."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.engine.facts.lexicons import LexiconIndex
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.text.folding import fold

ROUNDS = 20
"""The number of passes that remove terms. A text that still mentions the lexicon afterwards keeps it."""


def example_term(index: LexiconIndex, lexicon: Lexicon) -> str:
    """The term of the lexicon that mentions the fewest other lexicons. Short terms come first."""
    best: tuple[int, int, str] | None = None
    for term in lexicon.terms:
        mentioned = index.mentioned(fold(term))
        if lexicon.id in mentioned:
            rank = (len(mentioned), len(term), term)
            best = rank if best is None else min(best, rank)
    return best[2] if best is not None else ""


def with_term(text: str, term: str) -> str:
    return f"{text}\n{term}" if text else term


def without(index: LexiconIndex, text: str, lexicons: Iterable[str]) -> str:
    """The folded text without the terms of these lexicons."""
    folded = fold(text)
    for _ in range(ROUNDS):
        terms = index.terms(folded, lexicons)
        if not terms:
            return folded
        for term in sorted(terms, key=len, reverse=True):
            folded = fold(folded.replace(term, " "))
    return folded
