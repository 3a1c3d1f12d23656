"""Makes requests for regions of facts. They are attempts only: what counts is how both rulebooks decide them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event, EventType, Value
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.diff.model import Witness
from answerby.workbench.proofs.space.facts import Facts
from answerby.workbench.proofs.witnesses.finder import WitnessFinder, WitnessRequest

MOMENT = datetime(2026, 3, 4, 2, tzinfo=UTC)
"""The time of witnesses where time does not matter: a Wednesday morning in China."""

T = TypeVar("T")


def first_event(data: dict[str, Value]) -> Event:
    """The first event of a request, with these facts."""
    return Event(source="witness", id="w", type=EventType.RECEIVED, time=MOMENT, request_id="witness", data=data)


class WitnessMaker:
    """Makes requests that both rulebooks can decide, by the earlier stages of either."""

    def __init__(self, compiled: Sequence[CompiledRulebook]) -> None:
        self._compiled = compiled
        self._finders: list[WitnessFinder] = []
        self._requests: dict[tuple[str, str], list[WitnessRequest]] = {}

    def make(self, stage: str, facts: Facts) -> Iterator[Witness]:
        """Requests that may have these facts, in the form in which they could arrive."""
        return (_witness(found) for found in self._witnesses(stage, facts) if not found.by_hand)

    def make_by_hand(self, stage: str, facts: Facts) -> Iterator[Witness]:
        """Requests with these facts, in which derived facts are set by hand."""
        return (_witness(found) for found in self._witnesses(stage, facts) if found.by_hand)

    def _witnesses(self, stage: str, facts: Facts) -> list[WitnessRequest]:
        key = (stage, repr(facts))
        if key not in self._requests:
            if not self._finders:
                self._finders = [WitnessFinder(book) for book in self._compiled]
            found = [self._ask(number, stage, facts) for number in range(len(self._compiled))]
            self._requests[key] = [witness for witness in found if witness is not None]
        return self._requests[key]

    def _ask(self, number: int, stage: str, facts: Facts) -> WitnessRequest | None:
        rulebook = self._compiled[number].rulebook
        if stage not in {known.name for known in rulebook.stages}:
            return None
        known = _known(facts, rulebook.vocabulary.fields)
        try:
            return self._finders[number].find(stage, known)
        except AnswerbyError:
            return None


def _known(facts: Facts, names: Container[str]) -> Facts:
    """The facts without fields that the rulebook does not have."""

    def select(part: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in part.items() if name in names}

    return replace(
        facts,
        values=select(facts.values),
        mentions=select(facts.mentions),
        holds=select(facts.holds),
        inside=select(facts.inside),
        matches=select(facts.matches),
    )


def _witness(found: WitnessRequest) -> Witness:
    return Witness(found.event, found.state, found.context.windows)
