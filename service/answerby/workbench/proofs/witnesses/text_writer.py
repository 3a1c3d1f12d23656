"""Texts that mention exactly the lexicons asked for."""

from __future__ import annotations

from collections.abc import Collection

from answerby.engine.facts.lexicons import LexiconIndex
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.text.folding import fold

SEPARATOR = " · "
NEUTRAL = ("·", "-", "…", "x", "0")
"""Texts without meaning. The first one that mentions no lexicon is used."""
Candidate = tuple[str, frozenset[str]]
"""A term and all the lexicons that it mentions by itself."""


class TextWriter:
    """Writes texts for one rulebook. The terms of each lexicon are looked up once."""

    def __init__(self, index: LexiconIndex, lexicons: Collection[Lexicon]) -> None:
        self._index = index
        self._lexicons = {lexicon.id: lexicon for lexicon in lexicons}
        self._candidates: dict[str, tuple[Candidate, ...]] = {}
        self.neutral = next((text for text in NEUTRAL if not self.mentioned(text)), NEUTRAL[0])

    def mentioned(self, text: str) -> frozenset[str]:
        return self._index.mentioned(fold(text))

    def write(self, mentions: Collection[str], barred: Collection[str], start: str = "") -> str | None:
        """A text that begins with `start`, mentions all of `mentions` and none of `barred`; None if none was found.

        The text mentions as few other lexicons as possible.
        """
        parts = [start] if start else []
        known = self.mentioned(start) if start else frozenset()
        for name in sorted(mentions):
            if name in known:
                continue
            term = self._term(name, frozenset(barred), frozenset(mentions))
            if term is None:
                return None
            parts.append(term[0])
            known |= term[1]
        text = SEPARATOR.join(parts) or self.neutral
        found = self.mentioned(text)
        return text if found.issuperset(mentions) and found.isdisjoint(barred) else None

    def _term(self, name: str, barred: frozenset[str], mentions: frozenset[str]) -> Candidate | None:
        fitting = [candidate for candidate in self._of(name) if barred.isdisjoint(candidate[1])]
        return min(fitting, key=lambda c: (len(c[1] - mentions), len(c[0]), c[0]), default=None)

    def _of(self, name: str) -> tuple[Candidate, ...]:
        """The terms of a lexicon that mention it when they stand alone."""
        if name not in self._candidates:
            lexicon = self._lexicons.get(name)
            terms = sorted(set(lexicon.terms)) if lexicon is not None else []
            found = ((term, self.mentioned(term)) for term in terms)
            self._candidates[name] = tuple(candidate for candidate in found if name in candidate[1])
        return self._candidates[name]
