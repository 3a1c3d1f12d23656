"""Decisions in this process: the same `decide()` as on the server, with the states in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from answerby.cli.fail import CommandFailed
from answerby.cli.replay.outcome import Outcome, Refused, from_decision
from answerby.cli.replay.planner import Planned
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.follower_ids import LONGEST, ids_for
from answerby.engine.history.replies import begins_request
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.loader import load_rulebook
from answerby.workbench.backtest.windows import WindowsInMemory

Decided = tuple[Planned, Outcome | Refused]


def load(folder: Path, engine: str) -> CompiledRulebook:
    """The compiled rules of a folder. Raises CommandFailed with every mistake in them, EngineLimit."""
    result = load_rulebook(folder)
    if result.rulebook is None:
        raise CommandFailed("the rules have errors:\n" + "\n".join(f"  {d}" for d in result.diagnostics))
    return compile_rulebook(result.rulebook, engine)


class LocalDecider:
    """Decides events one after another, with their immediate effects on other requests."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self._compiled = compiled
        self._steps = RememberingSteps(compiled)
        self._states: dict[str, RequestState] = {}
        self._seen: set[tuple[str, str]] = set()
        self._windows = WindowsInMemory(compiled.rulebook.vocabulary)

    def decide_all(self, plan: Iterable[Planned]) -> Iterator[Decided]:
        for planned in plan:
            yield planned, self._decide(planned)

    def _decide(self, planned: Planned) -> Outcome | Refused:
        event = planned.event
        if (event.source, event.id) in self._seen:
            return Refused(
                f"EVENT_ID_REUSED: an earlier row has the event id {event.id}; name a unique id in the mapping"
            )
        self._seen.add((event.source, event.id))
        try:
            decision = self._fold(event)
            waiting_events = deque(decision.follow_ups)
            while waiting_events:
                waiting_events += self._fold(waiting_events.popleft()).follow_ups
        except AnswerbyError as error:
            return Refused(f"{error.reason}: {error.message}")
        return from_decision(decision)

    def _fold(self, event: Event) -> Decision:
        state = self._states.get(event.request_id)
        context = Context(self._windows.counts(event, state))
        if begins_request(state, event):
            context = context._replace(follower_ids=ids_for(event.request_id, LONGEST, self._states.get))
        decision = decide(self._compiled, state, event, context, event.time, self._steps)
        assert decision.state is not None
        self._states[event.request_id] = decision.state
        self._windows.note(state, decision.state)
        return decision
