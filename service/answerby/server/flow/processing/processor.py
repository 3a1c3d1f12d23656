"""process(): load state -> decide -> commit, with a retry after a version conflict. All events take this path.

Events that arrive during a commit go out together with the next commit. So a busy server needs one round trip for many
events, and an idle server does not wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from answerby.domain.backoff import Backoff
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, Contention, Draining, InternalError, Overloaded, StoreUnavailable
from answerby.domain.event import Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.follower_ids import LONGEST
from answerby.server.base.interruptions import Stored, note_interrupted
from answerby.server.base.services import Services
from answerby.server.flow.processing.fates import Fates
from answerby.server.flow.processing.loading import Loading
from answerby.server.flow.processing.queue import Queue
from answerby.server.flow.processing.states import DecidedEvent, LoadedEvent, Waiting
from answerby.server.flow.processing.submission import Processed, Submission
from answerby.server.flow.routing import Route
from answerby.server.live.pointer import Live
from answerby.server.live.rulebooks import RulebookHolder
from answerby.store.records import CommitOutcome

ATTEMPTS = 50
OVERTAKEN = Backoff(first=0.002, most=0.02, jitter=1.0)
"""Pause of a worker after other workers overtook all its decisions."""
SLICE_SECONDS = 0.005
"""Longest time for which decisions hold the event loop before other tasks run."""


Observer = Callable[[RequestState | None, Event, Context, Decision], None]
"""Receiver of every committed decision and its input."""


class Processor:
    """Decides events and commits the decisions. All callers of a process share one processor."""

    def __init__(
        self,
        services: Services,
        rulebooks: RulebookHolder,
        connectors: Sequence[Route],
        most_waiting: int = 20_000,
        observe: Observer | None = None,
        longest_id: int = LONGEST,
    ) -> None:
        self._requests = services.store.requests
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._rulebooks = rulebooks
        self._connectors = list(connectors)
        self._most_waiting = most_waiting
        self._observe = observe
        self._fates = Fates(services)
        self._loading = Loading(services, self._fates, self._connectors, longest_id)
        self._longest_id = longest_id
        self._queue = Queue()
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether there are rules to decide by."""
        return self._rulebooks.active is not None

    async def process(self, event: Event) -> Processed:
        """Stores and decides one event. Raises AnswerbyError."""
        waiting = self._enqueue(Submission(event))
        try:
            return await waiting.result
        except asyncio.CancelledError:
            note_interrupted([waiting.stored])
            raise

    async def process_many(self, submissions: Sequence[Submission]) -> list[Processed | AnswerbyError]:
        """Results in the order of the submissions. The events of one request are decided in that order too."""
        events = [self._enqueue(submission) for submission in submissions]
        try:
            results = await asyncio.gather(*(waiting.result for waiting in events), return_exceptions=True)
        except asyncio.CancelledError:
            note_interrupted([waiting.stored for waiting in events])
            raise
        return [_fate(result) for result in results]

    async def run(self) -> None:
        """Runs until `stop`, then finishes the events that wait."""
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._round()

    def stop(self) -> None:
        """Refuses new events. Events that wait are still decided."""
        self._stopping = True
        self._wake.set()

    def _enqueue(self, submission: Submission) -> Waiting:
        waiting = Waiting(submission, asyncio.get_running_loop().create_future(), self._now())
        if self._stopping:
            waiting.fail(Draining())
        elif len(self._queue) >= self._most_waiting:
            waiting.fail(Overloaded("the server has as many events waiting as it takes; wait and send again"))
        else:
            self._queue.add(waiting)
            self._wake.set()
        return waiting

    async def _round(self) -> None:
        """Makes one load, the decisions and one commit for all events that can go side by side."""
        batch: list[Waiting] = []
        try:
            with self._rulebooks.use() as live:
                batch = self._queue.take(live.windows)
                await self._settle(batch, live)
        except AnswerbyError as error:
            self._give_up(batch, error)
        except Exception as error:
            self._logger.exception("round failed", count=len(batch), exc_info=error)
            self._give_up(batch, InternalError())

    async def _settle(self, batch: Sequence[Waiting], live: Live) -> None:
        """Goes through the events together, and each alone when that fails.

        Raises StoreUnavailable, and every error of an event that was alone from the start.
        """
        try:
            await self._together(batch, live)
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(batch) == 1:
                raise
            self._logger.exception("round failed, each event alone", count=len(batch), exc_info=error)
            await self._one_by_one(batch, live)

    async def _together(self, batch: Sequence[Waiting], live: Live) -> None:
        loaded = await self._loading.load(batch, live.windows)
        decided = await self._decide(loaded, live)
        await self._commit(decided, live)

    async def _one_by_one(self, batch: Sequence[Waiting], live: Live) -> None:
        """Goes through the events of a failed round, so that one of them fails none of the others.

        An event that the round has committed is a known duplicate. Raises StoreUnavailable.
        """
        for waiting in batch:
            if waiting.settled:
                continue
            try:
                await self._together([waiting], live)
            except StoreUnavailable:
                raise
            except AnswerbyError as error:
                self._fates.failed(waiting, error)
            except Exception as error:  # noqa: BLE001 - logged with its trace
                self._fates.broken(waiting, error, live.compiled.rulebook.revision)

    def _give_up(self, batch: list[Waiting], error: AnswerbyError) -> None:
        """Fails the events of the round, or all events in the queue when the round could not begin."""
        for waiting in batch or self._queue.drain():
            if not waiting.settled:
                self._fates.failed(waiting, with_stored(error, waiting.stored))

    async def _decide(self, events: list[LoadedEvent], live: Live) -> list[DecidedEvent]:
        decided: list[DecidedEvent] = []
        slice_end = time.perf_counter() + SLICE_SECONDS
        for loaded in events:
            waiting = loaded.waiting
            if waiting.settled:
                continue
            if (address := loaded.address(self._longest_id)) != waiting.event.request_id:
                waiting.event = msgspec.structs.replace(waiting.event, request_id=address)
                self._queue.put_back([waiting])
            elif loaded.stored.duplicate is not None:
                self._fates.seen_before(waiting, loaded.stored.duplicate)
            elif loaded.no_longer_due:
                self._fates.no_longer_due(waiting)
            elif (result := self._decide_one(loaded, live)) is not None:
                decided.append(result)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + SLICE_SECONDS
        return decided

    def _decide_one(self, loaded: LoadedEvent, live: Live) -> DecidedEvent | None:
        """Event with its decision; None for an event that ended with an error."""
        started = time.perf_counter()
        try:
            moment = self._moment(loaded.event)
            decision = decide(live.compiled, loaded.state, loaded.event, loaded.context, moment, live.steps)
            return DecidedEvent.of(loaded, decision)
        except AnswerbyError as error:
            self._fates.failed(loaded.waiting, error)
        except Exception as error:  # noqa: BLE001 - logged with its trace
            self._fates.broken(loaded.waiting, error, live.compiled.rulebook.revision)
        finally:
            self._metrics.decided(time.perf_counter() - started)
        return None

    def _moment(self, event: Event) -> datetime:
        """Now, and never before the due time of a timer that the store gave out as due.

        What a worker takes for the store's time is some milliseconds off.
        """
        now = self._now()
        return max(now, event.time) if event.type == EventType.TIMER_DUE else now

    async def _commit(self, events: list[DecidedEvent], live: Live) -> None:
        if not events:
            return
        started = time.perf_counter()
        commits = [decided.commit(live.windows, live.ranks, self._connectors) for decided in events]
        for decided in events:
            decided.waiting.stored = Stored.UNKNOWN
        results = await self._requests.commit_many(commits)
        overtaken: list[Waiting] = []
        committed: list[Decision] = []
        for decided, result in zip(events, results, strict=True):
            if isinstance(result, AnswerbyError):
                self._fates.failed(decided.waiting, with_stored(result, Stored.NO))
            elif result.outcome is CommitOutcome.COMMITTED:
                committed.append(self._committed(decided, result.number))
            else:
                decided.waiting.stored = Stored.NO
                overtaken.append(decided.waiting)
        self._metrics.commit(len(events), len(overtaken), time.perf_counter() - started)
        self._metrics.committed(committed)
        self._again(overtaken)
        if len(overtaken) == len(events):
            # Workers in step could overtake the same worker again and again.
            await asyncio.sleep(OVERTAKEN.wait(max(waiting.attempts for waiting in overtaken)))

    def _committed(self, decided: DecidedEvent, number: str) -> Decision:
        decided.waiting.stored = Stored.YES
        decision = self._fates.committed(decided, number)
        if self._observe is not None:
            before = decided.before
            self._observe(before.state, before.event, before.context, decision)
        return decision

    def _again(self, events: list[Waiting]) -> None:
        """Queues events again after a conflict or a duplicate in the commit. The next load tells them apart."""
        retries = []
        for waiting in events:
            waiting.attempts += 1
            if waiting.attempts >= ATTEMPTS:
                self._fates.failed(waiting, Contention())
            else:
                retries.append(waiting)
        self._queue.put_back(retries)


def with_stored(error: AnswerbyError, stored: Stored) -> AnswerbyError:
    """The error of a store that is away, with what became of the event. Other errors say so by themselves."""
    if not isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(f"{error.message}; stored: {stored}", **{**error.metadata, "stored": stored})


def _fate(result: Processed | BaseException) -> Processed | AnswerbyError:
    if isinstance(result, Processed | AnswerbyError):
        return result
    raise result
