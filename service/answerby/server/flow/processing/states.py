"""The states of an event: waiting -> loaded -> decided. Each state holds the result of its step."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.facts.windows import Windows
from answerby.engine.follower_ids import ANY_FOLLOWER, SOURCE, FollowerIds, address
from answerby.engine.history.lifecycle import counted
from answerby.engine.history.refold import MOST_EVENTS, needs_fold
from answerby.engine.history.replies import begins_request
from answerby.server.base.interruptions import Stored
from answerby.server.flow.processing.own_writes import flags, without
from answerby.server.flow.processing.submission import Processed, Submission, payload_hash
from answerby.server.flow.routing import Route, route_effects
from answerby.store.records import Commit, Loaded, LoadQuery, StoredReply


class Waiting:
    """An event and the caller who waits for its result. A retry of the event keeps this object."""

    __slots__ = ("attempts", "event", "payload_hash", "result", "stored", "submission")

    def __init__(self, submission: Submission, result: asyncio.Future[Processed], received: datetime) -> None:
        self.submission = submission
        self.event = counted(submission.event, received)
        self.payload_hash = submission.payload_hash or payload_hash(submission.event)
        self.result = result
        self.attempts = 0
        """Number of decisions that another event of the request overtook."""
        self.stored = Stored.NO
        """Whether the event is in the store, as far as this worker knows."""

    @property
    def settled(self) -> bool:
        """Whether the result is known, or no caller waits for the result any more."""
        return self.result.done()

    def done(self, processed: Processed) -> None:
        if not self.result.done():
            self.result.set_result(processed)

    def fail(self, error: AnswerbyError) -> None:
        if not self.result.done():
            self.result.set_exception(error)
            # Without a caller nobody reads the exception, and asyncio must not report it as never retrieved.
            self.result.exception()

    def query(self, windows: Windows, state: RequestState | None = None) -> LoadQuery:
        """Query for the store. Some counts depend on the `state` of the request."""
        event = self.event
        return LoadQuery(
            tenant=event.tenant,
            request_id=event.request_id,
            source=event.source,
            event_id=event.id,
            windows=windows.queries(event, state),
        )


class LoadedEvent(NamedTuple):
    """An event with the input of its decision."""

    waiting: Waiting
    stored: Loaded
    history: list[Event] | None = None
    """Events of the request, loaded only for late events and corrections."""
    own_writes: Sequence[str] = ()
    """Facts of the event that answerby wrote itself. They set nothing by hand."""
    follower_ids: FollowerIds = ANY_FOLLOWER
    """For a message with which a new request may begin."""

    @property
    def event(self) -> Event:
        """The event to decide and to keep, without own writes."""
        event = self.waiting.event
        return without(event, self.own_writes) if self.own_writes else event

    @property
    def state(self) -> RequestState | None:
        """The request before the event; None when the event is its first."""
        return self.stored.state

    @property
    def context(self) -> Context:
        return Context(self.stored.counts, self.history, follower_ids=self.follower_ids)

    @property
    def seeks_follower_id(self) -> bool:
        """Whether the decision may choose the id of a request that follows. A fold may find that one begins."""
        if self.stored.duplicate is not None or self.waiting.settled:
            return False
        return self.wants_history or begins_request(self.state, self.event)

    def address(self, longest: int) -> str:
        """The request that the event is for. It was sent to another one, if that belongs to somebody else.

        `longest`: most characters of an id.
        """
        event, duplicate = self.waiting.event, self.stored.duplicate
        if event.source != SOURCE:
            return event.request_id
        if duplicate is not None and duplicate.payload_hash == self.waiting.payload_hash:
            return duplicate.request_id
        return address(event, self.state, longest)

    @property
    def wants_history(self) -> bool:
        state = self.stored.state
        if state is None or self.stored.duplicate is not None or self.waiting.settled:
            return False
        return needs_fold(state, self.event) and state.decisions < MOST_EVENTS

    def may_be_forgotten(self, old: datetime) -> bool:
        """Whether the event may have been decided so long ago that the record of its id has ended.

        `old`: requests that began before may have such events. A call sends an event again with its time, so the time
        is not after the latest event of the request. A connector may read the time from the ticket.
        """
        state, submission = self.stored.state, self.waiting.submission
        if state is None or self.stored.duplicate is not None or self.waiting.settled or submission.timer is not None:
            return False
        may_be_old = self.event.time <= state.last_event or self.event.stated is not None
        return state.created <= old and (bool(submission.connector) or may_be_old)

    def seen_before(self, decision: Decision) -> LoadedEvent:
        """Copy with the earlier decision on the same event."""
        reply = StoredReply(
            payload_hash=self.waiting.payload_hash,
            request_id=decision.request_id,
            sequence=decision.sequence,
            decision=decision,
        )
        return self._replace(stored=msgspec.structs.replace(self.stored, duplicate=reply))

    @property
    def no_longer_due(self) -> bool:
        """Whether the timer was cancelled or moved after its claim. Such a timer must not fire."""
        event, timer, state = self.waiting.event, self.waiting.submission.timer, self.stored.state
        if event.type != EventType.TIMER_DUE or timer is None:
            return False
        armed = state.timers.get(timer.timer.id) if state is not None else None
        return armed is None or armed.fired or armed.due != event.time

    def with_history(self, events: list[Event]) -> LoadedEvent:
        """Copy with the events that were decided before the load of the state.

        The commit detects later commits of other workers.
        """
        return self._replace(history=events[: self.state.decisions if self.state is not None else 0])

    def lacks_counts(self, windows: Windows) -> bool:
        """Whether the loaded state gives more customers for counts than the event alone."""
        return len(windows.queries(self.event)) < len(windows.queries(self.event, self.state))


class DecidedEvent(NamedTuple):
    """An event with its decision before the commit."""

    before: LoadedEvent
    decision: Decision
    after: RequestState
    """The request after the decision."""

    @classmethod
    def of(cls, before: LoadedEvent, decision: Decision) -> DecidedEvent:
        """Event with its decision. Raises ValueError for a decision without a request."""
        if before.own_writes:
            decision = msgspec.structs.replace(decision, flags=[*flags(before.own_writes), *decision.flags])
        if decision.state is None:
            raise ValueError(f"decision {decision.id} carries no state to commit")
        return cls(before, decision, decision.state)

    @property
    def waiting(self) -> Waiting:
        return self.before.waiting

    def commit(self, windows: Windows, ranks: Mapping[str, int], connectors: Iterable[Route]) -> Commit:
        """Commit with all changes of the decision. `ranks`: of the priorities, 0 for the most severe."""
        waiting = self.before.waiting
        return Commit(
            tenant=waiting.event.tenant,
            event=self.before.event,
            payload_hash=waiting.payload_hash,
            decision=self.decision,
            expected_version=self.before.stored.version,
            outbox=route_effects(self.decision, connectors, ranks),
            window_marks=windows.marks(self.before.state, self.after),
            stream_ack=waiting.submission.stream_ack,
            timer=waiting.submission.timer,
        )
