"""A pointer to the rulebook that decides, swapped in one step; whoever uses the old one finishes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from answerby.domain.errors import RulebookUnavailable
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.facts.windows import Windows
from answerby.engine.memory.steps import RememberingSteps
from answerby.server.live.checking.rule_check import close


class Live:
    """A compiled rulebook that decides, what is remembered under it, what the store must be asked for it, and how many
    use it.
    """

    def __init__(self, compiled: CompiledRulebook) -> None:
        self.compiled = compiled
        self.steps = RememberingSteps(compiled)
        self.windows = Windows(compiled.rulebook.vocabulary)
        self.users = 0
        self.retired = False

    def retire(self) -> None:
        """Closed once nobody uses it any more."""
        self.retired = True
        self.close_if_done()

    def close_if_done(self) -> None:
        if self.retired and self.users == 0:
            close(self.compiled)


class LivePointer:
    """At most one rulebook. The active one has a pointer; a candidate that decides beside it would have another."""

    def __init__(self) -> None:
        self._live: Live | None = None

    @property
    def compiled(self) -> CompiledRulebook | None:
        return self._live.compiled if self._live is not None else None

    @contextmanager
    def use(self) -> Iterator[Live]:
        """The rulebook, kept open while in use. Raises RulebookUnavailable."""
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
        """From now on this one. Everything that takes time or can fail comes before."""
        old, self._live = self._live, Live(compiled) if compiled is not None else None
        if old is not None:
            old.retire()
