"""Real requests for regions of facts. What is made here is only tried: what counts is how both rulebooks decide it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from answerby.domain.errors import AnswerbyError
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.diff.model import Witness
from answerby.workbench.proofs.space.facts import Facts
from answerby.workbench.proofs.witnesses.witness import Realised, Realiser

MOMENT = datetime(2026, 3, 4, 2, tzinfo=UTC)
"""A Wednesday morning in China: when witnesses happen where their time does not matter."""

T = TypeVar("T")


class Maker:
    """Makes requests that both rulebooks of a comparison can decide, by what either knows of its earlier stages."""

    def __init__(self, compiled: Sequence[CompiledRulebook]) -> None:
        self._compiled = compiled
        self._realisers: list[Realiser] = []
        self._made: dict[tuple[str, str], list[Realised]] = {}

    def make(self, stage: str, facts: Facts) -> Iterator[Witness]:
        """Requests that may have these facts, as they could come in."""
        return (_witness(found) for found in self._realised(stage, facts) if not found.by_hand)

    def make_by_hand(self, stage: str, facts: Facts) -> Iterator[Witness]:
        """Requests with these facts, derived ones set by hand."""
        return (_witness(found) for found in self._realised(stage, facts) if found.by_hand)

    def _realised(self, stage: str, facts: Facts) -> list[Realised]:
        key = (stage, repr(facts))
        if key not in self._made:
            if not self._realisers:
                self._realisers = [Realiser(book) for book in self._compiled]
            found = [self._ask(number, stage, facts) for number in range(len(self._compiled))]
            self._made[key] = [realised for realised in found if realised is not None]
        return self._made[key]

    def _ask(self, number: int, stage: str, facts: Facts) -> Realised | None:
        rulebook = self._compiled[number].rulebook
        if stage not in {known.name for known in rulebook.stages}:
            return None
        known = _known(facts, rulebook.vocabulary.fields)
        try:
            return self._realisers[number].realise(stage, known)
        except AnswerbyError:
            return None


def _known(facts: Facts, names: Container[str]) -> Facts:
    """The facts without fields that the rulebook does not have."""

    def kept(part: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in part.items() if name in names}

    return replace(
        facts,
        values=kept(facts.values),
        mentions=kept(facts.mentions),
        holds=kept(facts.holds),
        inside=kept(facts.inside),
        matches=kept(facts.matches),
    )


def _witness(found: Realised) -> Witness:
    return Witness(found.event, found.state, found.context.windows)
