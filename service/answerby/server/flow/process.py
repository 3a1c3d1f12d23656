"""process(): load state -> decide -> commit, retried on a version conflict. The one way of every event.

What arrives while a commit is on its way is collected and goes out with the next one, so that a busy server pays one
round trip for many events and an idle one does not wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from answerby.domain.backoff import Backoff
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, Contention, Draining, EventIdReused, InternalError, Overloaded
from answerby.domain.event import Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.facts.windows import Windows
from answerby.engine.history.refold import MOST_EVENTS, refold_wanted
from answerby.server.base.services import Services
from answerby.server.flow.routing import Route, route_effects
from answerby.server.live.pointer import Live
from answerby.server.live.rulebooks import RulebookHolder
from answerby.store.records import Commit, CommitOutcome, DueTimer, Loaded, LoadQuery, StoredReply

ROUND_EVENTS = 500
ATTEMPTS = 50
OVERTAKEN = Backoff(first=0.002, most=0.02, jitter=1.0)
"""How long a worker stands back when all that it decided was overtaken by others."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SLICE_SECONDS = 0.005
"""How long decisions may hold the event loop before others get their turn."""


Observer = Callable[[RequestState | None, Event, Context, Decision], None]
"""Told of every decision that was committed, with what it was made from."""


class Origin(StrEnum):
    """Where an event came from; a metric label."""

    RPC = "rpc"
    INTAKE = "intake"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an event. `decision` is None for a timer that was no longer due."""

    decision: Decision | None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """An event to decide, and what its commit takes along."""

    event: Event
    origin: Origin = Origin.RPC
    payload_hash: str = ""
    stream_ack: str = ""
    timer: DueTimer | None = None


@dataclass(slots=True)
class _Job:
    submission: Submission
    payload_hash: str
    result: asyncio.Future[Processed]
    attempts: int = 0
    loaded: Loaded | None = None
    history: list[Event] | None = None
    """The request's events, loaded only where one comes late."""
    decision: Decision | None = field(default=None)

    @property
    def event(self) -> Event:
        return self.submission.event

    def fail(self, error: AnswerbyError) -> None:
        if not self.result.done():
            self.result.set_exception(error)
            # A caller that went away never looks at it; it must not be reported as forgotten.
            self.result.exception()

    def done(self, processed: Processed) -> None:
        if not self.result.done():
            self.result.set_result(processed)


class Processor:
    """Decides events and commits the decisions. Start it once; every caller shares it."""

    def __init__(
        self,
        services: Services,
        rulebooks: RulebookHolder,
        connectors: Sequence[Route],
        most_waiting: int = 20_000,
        observe: Observer | None = None,
    ) -> None:
        self._most_waiting = most_waiting
        self._observe = observe
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._rulebooks = rulebooks
        self._connectors = list(connectors)
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether there are rules to decide by."""
        return self._rulebooks.active is not None

    async def process(self, event: Event) -> Processed:
        """Stores and decides one event. Raises AnswerbyError."""
        return await self._enqueue(Submission(event)).result

    async def process_many(self, submissions: Sequence[Submission]) -> list[Processed | AnswerbyError]:
        """Each its own fate, in the order given; events of one request are decided in that order."""
        jobs = [self._enqueue(submission) for submission in submissions]
        results = await asyncio.gather(*(job.result for job in jobs), return_exceptions=True)
        return [_fate(result) for result in results]

    async def run(self) -> None:
        """Works until `stop`, then finishes what waits."""
        while True:
            if not self._waiting:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._round()

    def stop(self) -> None:
        """No new events are taken; those that wait are still decided."""
        self._stopping = True
        self._wake.set()

    def _enqueue(self, submission: Submission) -> _Job:
        job = _Job(
            submission,
            submission.payload_hash or payload_hash(submission.event),
            asyncio.get_running_loop().create_future(),
        )
        if self._stopping:
            job.fail(Draining())
        elif len(self._waiting) >= self._most_waiting:
            job.fail(Overloaded("the server has as many events waiting as it takes; wait and send again"))
        else:
            self._waiting.append(job)
            self._wake.set()
        return job

    async def _round(self) -> None:
        """One load, the decisions, one commit, for all events that can go side by side."""
        jobs: list[_Job] = []
        try:
            with self._rulebooks.use() as live:
                jobs = self._take(live.windows)
                await self._load(jobs, live.windows)
                await self._load_histories(jobs)
                ready = await self._decide(jobs, live)
                await self._commit(ready, live.windows)
        except AnswerbyError as error:
            self._give_up(jobs, error)
        except Exception as error:
            self._logger.exception("round failed", count=len(jobs), exc_info=error)
            self._give_up(jobs, InternalError())

    def _give_up(self, jobs: list[_Job], error: AnswerbyError) -> None:
        for job in jobs or self._drain_waiting():
            if job.result.done():
                continue
            self._metrics.event(job.submission.origin, error.reason)
            job.fail(error)

    def _drain_waiting(self) -> list[_Job]:
        jobs = list(self._waiting)
        self._waiting.clear()
        return jobs

    def _take(self, windows: Windows) -> list[_Job]:
        """The next events in order. One that shares a request or a counted customer with an earlier one stays back."""
        taken: list[_Job] = []
        left: list[_Job] = []
        busy: set[Hashable] = set()
        while self._waiting and len(taken) < ROUND_EVENTS:
            job = self._waiting.popleft()
            if job.result.done():
                continue
            event = job.event
            lanes: list[Hashable] = [
                (event.tenant, event.request_id),
                (event.tenant, event.source, event.id, ""),
                *((event.tenant, *lane) for lane in windows.lanes(event)),
            ]
            (left if busy.intersection(lanes) else taken).append(job)
            busy.update(lanes)
        self._waiting.extendleft(reversed(left))
        return taken

    async def _load(self, jobs: list[_Job], windows: Windows) -> None:
        loaded = await self._store.requests.load_many([_query(job, windows, None) for job in jobs])
        again: list[_Job] = []
        for job, item in zip(jobs, loaded, strict=True):
            if isinstance(item, BaseException):
                self._failed(job, item)
                continue
            job.loaded = item
            if windows and len(windows.queries(job.event)) < len(windows.queries(job.event, item.state)):
                again.append(job)
        if not again:
            return
        # Only the request's own state knows by whom to count: one more round trip for these.
        known = [job.loaded.state if job.loaded is not None else None for job in again]
        queries = [_query(job, windows, state) for job, state in zip(again, known, strict=True)]
        for job, item in zip(again, await self._store.requests.load_many(queries), strict=True):
            if isinstance(item, BaseException):
                self._failed(job, item)
            else:
                job.loaded = item

    async def _load_histories(self, jobs: list[_Job]) -> None:
        """One more round trip for events that come late, or correct others."""
        late = [job for job in jobs if _wants_history(job)]
        if not late:
            return
        names = [(job.event.tenant, job.event.request_id) for job in late]
        for job, found in zip(late, await self._store.requests.histories(names), strict=True):
            assert job.loaded is not None
            state = job.loaded.state
            # What another worker has committed since is found out by the commit.
            job.history = found[: state.decisions if state is not None else 0]

    async def _decide(self, jobs: list[_Job], live: Live) -> list[_Job]:
        ready = []
        slice_end = time.perf_counter() + SLICE_SECONDS
        for job in jobs:
            if job.result.done() or job.loaded is None:
                continue
            if job.loaded.duplicate is not None:
                self._answer_duplicate(job, job.loaded.duplicate)
            elif _no_longer_due(job):
                job.done(Processed(None))
            elif self._decide_one(job, live):
                ready.append(job)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + SLICE_SECONDS
        return ready

    def _decide_one(self, job: _Job, live: Live) -> bool:
        assert job.loaded is not None
        started = time.perf_counter()
        try:
            context = Context(job.loaded.counts, job.history)
            job.decision = decide(live.compiled, job.loaded.state, job.event, context, self._now(), live.steps)
        except AnswerbyError as error:
            self._failed(job, error)
        except Exception as error:
            self._logger.exception(
                "decision failed",
                tenant=job.event.tenant,
                request_id=job.event.request_id,
                event_id=job.event.id,
                revision=live.compiled.rulebook.revision,
                exc_info=error,
            )
            self._failed(job, InternalError())
        self._metrics.decided(time.perf_counter() - started)
        return job.decision is not None

    async def _commit(self, jobs: list[_Job], windows: Windows) -> None:
        if not jobs:
            return
        started = time.perf_counter()
        results = await self._store.requests.commit_many([self._commit_of(job, windows) for job in jobs])
        retried: list[_Job] = []
        committed: list[Decision] = []
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, BaseException):
                self._failed(job, result)
            elif result.outcome is CommitOutcome.COMMITTED:
                committed.append(self._committed(job, result.number))
            else:
                retried.append(job)
        self._metrics.commit(len(jobs), len(retried), time.perf_counter() - started)
        self._metrics.committed(committed)
        self._retry(retried)
        if len(retried) == len(jobs):
            # Workers that loop in step could overtake the same one again and again.
            overtaken = max(job.attempts for job in retried)
            await asyncio.sleep(OVERTAKEN.wait(overtaken))

    def _retry(self, jobs: list[_Job]) -> None:
        """A conflict or a duplicate found by the commit: load again, which tells which it is."""
        for job in reversed(jobs):
            job.attempts += 1
            job.loaded = job.history = job.decision = None
            if job.attempts >= ATTEMPTS:
                self._failed(job, Contention())
            else:
                self._waiting.appendleft(job)

    def _commit_of(self, job: _Job, windows: Windows) -> Commit:
        decision = job.decision
        assert decision is not None
        assert decision.state is not None
        assert job.loaded is not None
        return Commit(
            tenant=job.event.tenant,
            event=job.event,
            payload_hash=job.payload_hash,
            decision=decision,
            expected_version=job.loaded.version,
            outbox=route_effects(decision, self._connectors),
            window_marks=windows.marks(job.loaded.state, decision.state),
            stream_ack=job.submission.stream_ack,
            timer=job.submission.timer,
        )

    def _committed(self, job: _Job, number: str) -> Decision:
        decision = job.decision
        assert decision is not None
        if number and decision.number != number:
            decision = msgspec.structs.replace(decision, number=number)
        self._metrics.event(job.submission.origin, "decided")
        self._logger.debug(
            "decided",
            tenant=decision.tenant,
            request_id=decision.request_id,
            event_id=decision.event_id,
            event_type=decision.event_type,
            sequence=decision.sequence,
            revision=decision.revision,
        )
        job.done(Processed(decision))
        if self._observe is not None and job.loaded is not None:
            self._observe(job.loaded.state, job.event, Context(job.loaded.counts, job.history), decision)
        return decision

    def _answer_duplicate(self, job: _Job, stored: StoredReply) -> None:
        if stored.payload_hash != job.payload_hash or stored.decision is None:
            self._failed(job, EventIdReused(event_id=job.event.id, source=job.event.source))
            return
        self._metrics.event(job.submission.origin, "duplicate")
        job.done(Processed(stored.decision, duplicate=True))

    def _failed(self, job: _Job, error: BaseException) -> None:
        if not isinstance(error, AnswerbyError):
            self._logger.error(
                "event failed",
                tenant=job.event.tenant,
                request_id=job.event.request_id,
                event_id=job.event.id,
                exc_info=error,
            )
            error = InternalError()
        self._metrics.event(job.submission.origin, error.reason)
        job.fail(error)


def payload_hash(event: Event) -> str:
    """SHA-256 of the event as sent; who sent it and whether it is a replay do not count."""
    canonical = msgspec.structs.replace(event, tenant="", historical=False)
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()


def identity_hash(event: Event) -> str:
    """For events that we make ourselves: the same source and id is the same event, however it is told again."""
    bare = msgspec.structs.replace(event, time=EPOCH, data={}, actor_id="")
    return payload_hash(bare)


def _query(job: _Job, windows: Windows, state: RequestState | None) -> LoadQuery:
    event = job.event
    return LoadQuery(
        tenant=event.tenant,
        request_id=event.request_id,
        source=event.source,
        event_id=event.id,
        windows=windows.queries(event, state),
    )


def _wants_history(job: _Job) -> bool:
    loaded = job.loaded
    if loaded is None or job.result.done() or loaded.duplicate is not None or loaded.state is None:
        return False
    return refold_wanted(loaded.state, job.event) and loaded.state.decisions < MOST_EVENTS


def _no_longer_due(job: _Job) -> bool:
    """A timer that was cancelled or moved after this worker claimed it must not fire."""
    if job.event.type != EventType.TIMER_DUE or job.submission.timer is None:
        return False
    state = job.loaded.state if job.loaded is not None else None
    armed = state.timers.get(job.submission.timer.timer.id) if state is not None else None
    return armed is None or armed.fired or armed.due != job.event.time


def _fate(result: Processed | BaseException) -> Processed | AnswerbyError:
    if isinstance(result, Processed | AnswerbyError):
        return result
    raise result
