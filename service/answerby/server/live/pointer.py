"""A pointer to the rulebook that decides. A swap takes one step; users of the old rulebook finish with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from answerby.domain.errors import RulebookUnavailable
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.facts.windows import Windows
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.model.vocabulary import Vocabulary
from answerby.server.live.checking.rule_check import close

LEAST_URGENT = 8


class Live:
    """A compiled rulebook that decides, with its remembered steps, its windows and its number of users."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self.compiled = compiled
        self.steps = RememberingSteps(compiled)
        self.windows = Windows(compiled.rulebook.vocabulary)
        self.ranks = ranks_of(compiled.rulebook.vocabulary)
        """Rank of each priority, 0 for the most severe."""
        self.users = 0
        self.retired = False

    def retire(self) -> None:
        """Closes the rulebook after its last user."""
        self.retired = True
        self.close_if_done()

    def close_if_done(self) -> None:
        if self.retired and self.users == 0:
            close(self.compiled)


def ranks_of(vocabulary: Vocabulary) -> dict[str, int]:
    """The priorities by severity, the most severe first. Those after the ninth share its rank."""
    values = vocabulary["priority"].values if "priority" in vocabulary else ()
    return {value: min(place, LEAST_URGENT) for place, value in enumerate(reversed(values))}


class LivePointer:
    """Pointer to at most one rulebook. The active rulebook and the candidate have a pointer each."""

    def __init__(self) -> None:
        self._live: Live | None = None

    @property
    def compiled(self) -> CompiledRulebook | None:
        return self._live.compiled if self._live is not None else None

    @contextmanager
    def use(self) -> Iterator[Live]:
        """The rulebook, open for the whole block. Raises RulebookUnavailable."""
        live = self._live
        if live is None:
            raise RulebookUnavailable
        live.users += 1
        try:
            yield live
        finally:
            live.users -= 1
            live.close_if_done()

    def swap(self, compiled: CompiledRulebook | None) -> None:
        """Replaces the rulebook. Slow steps and steps that can fail come before the call."""
        old, self._live = self._live, Live(compiled) if compiled is not None else None
        if old is not None:
            old.retire()
