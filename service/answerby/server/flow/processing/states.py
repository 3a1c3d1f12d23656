"""The states of one event on its way: waiting -> loaded -> decided. Each holds what the step before it has found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.facts.windows import Windows
from answerby.engine.history.refold import MOST_EVENTS, needs_fold
from answerby.server.flow.processing.submission import Processed, Submission, payload_hash
from answerby.server.flow.routing import Route, route_effects
from answerby.store.records import Commit, Loaded, LoadQuery


class Waiting:
    """An event and the caller who waits for its fate. It stays the same when the event has to go the way again."""

    __slots__ = ("attempts", "event", "payload_hash", "result", "submission")

    def __init__(self, submission: Submission, result: asyncio.Future[Processed]) -> None:
        self.submission = submission
        self.event = submission.event
        self.payload_hash = submission.payload_hash or payload_hash(submission.event)
        self.result = result
        self.attempts = 0
        """Decisions that were overtaken by another event of the request."""

    @property
    def settled(self) -> bool:
        """Whether its fate is known, or nobody waits for it any more."""
        return self.result.done()

    def done(self, processed: Processed) -> None:
        if not self.result.done():
            self.result.set_result(processed)

    def fail(self, error: AnswerbyError) -> None:
        if not self.result.done():
            self.result.set_exception(error)
            # A caller that went away never looks at it; it must not be reported as forgotten.
            self.result.exception()

    def query(self, windows: Windows, state: RequestState | None = None) -> LoadQuery:
        """What to ask of the store. Only the request's own `state` may know by whom to count."""
        event = self.event
        return LoadQuery(
            tenant=event.tenant,
            request_id=event.request_id,
            source=event.source,
            event_id=event.id,
            windows=windows.queries(event, state),
        )


class LoadedEvent(NamedTuple):
    """An event with all that is needed to decide it."""

    waiting: Waiting
    stored: Loaded
    history: list[Event] | None = None
    """The request's events, loaded only where one comes late or corrects another."""

    @property
    def event(self) -> Event:
        return self.waiting.event

    @property
    def state(self) -> RequestState | None:
        """The request before the event; None when the event is its first."""
        return self.stored.state

    @property
    def context(self) -> Context:
        return Context(self.stored.counts, self.history)

    @property
    def wants_history(self) -> bool:
        state = self.stored.state
        if state is None or self.stored.duplicate is not None or self.waiting.settled:
            return False
        return needs_fold(state, self.waiting.event) and state.decisions < MOST_EVENTS

    @property
    def no_longer_due(self) -> bool:
        """A timer that was cancelled or moved after this worker claimed it must not fire."""
        event, timer, state = self.waiting.event, self.waiting.submission.timer, self.stored.state
        if event.type != EventType.TIMER_DUE or timer is None:
            return False
        armed = state.timers.get(timer.timer.id) if state is not None else None
        return armed is None or armed.fired or armed.due != event.time

    def with_history(self, events: list[Event]) -> LoadedEvent:
        """With the events that were decided before the state was loaded.

        What another worker has committed since is found out by the commit.
        """
        return self._replace(history=events[: self.state.decisions if self.state is not None else 0])

    def lacks_counts(self, windows: Windows) -> bool:
        """Whether the state that was loaded knows more customers to count by than the event alone."""
        return len(windows.queries(self.event)) < len(windows.queries(self.event, self.state))


class DecidedEvent(NamedTuple):
    """An event with its decision, which is not committed yet."""

    before: LoadedEvent
    decision: Decision
    after: RequestState
    """The request after the decision."""

    @classmethod
    def of(cls, before: LoadedEvent, decision: Decision) -> DecidedEvent:
        """Raises ValueError for a decision that is not on a request."""
        if decision.state is None:
            raise ValueError(f"decision {decision.id} carries no state to commit")
        return cls(before, decision, decision.state)

    @property
    def waiting(self) -> Waiting:
        return self.before.waiting

    def commit(self, windows: Windows, connectors: Iterable[Route]) -> Commit:
        """All that the decision changes."""
        waiting = self.before.waiting
        return Commit(
            tenant=waiting.event.tenant,
            event=waiting.event,
            payload_hash=waiting.payload_hash,
            decision=self.decision,
            expected_version=self.before.stored.version,
            outbox=route_effects(self.decision, connectors),
            window_marks=windows.marks(self.before.state, self.after),
            stream_ack=waiting.submission.stream_ack,
            timer=waiting.submission.timer,
        )
