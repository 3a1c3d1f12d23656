"""process(): load state -> decide -> commit, retried on a version conflict. The one way of every event.

What arrives while a commit is on its way is collected and goes out with the next one, so that a busy server pays one
round trip for many events and an idle one does not wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from answerby.domain.backoff import Backoff
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, Contention, Draining, InternalError, Overloaded
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.facts.windows import Windows
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
"""How long a worker stands back when all that it decided was overtaken by others."""
SLICE_SECONDS = 0.005
"""How long decisions may hold the event loop before others get their turn."""


Observer = Callable[[RequestState | None, Event, Context, Decision], None]
"""Told of every decision that was committed, with what it was made from."""


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
        self._requests = services.store.requests
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._rulebooks = rulebooks
        self._connectors = list(connectors)
        self._most_waiting = most_waiting
        self._observe = observe
        self._fates = Fates(services)
        self._loading = Loading(self._requests, self._fates)
        self._queue = Queue()
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
        events = [self._enqueue(submission) for submission in submissions]
        results = await asyncio.gather(*(waiting.result for waiting in events), return_exceptions=True)
        return [_fate(result) for result in results]

    async def run(self) -> None:
        """Works until `stop`, then finishes what waits."""
        while True:
            if not self._queue:
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

    def _enqueue(self, submission: Submission) -> Waiting:
        waiting = Waiting(submission, asyncio.get_running_loop().create_future())
        if self._stopping:
            waiting.fail(Draining())
        elif len(self._queue) >= self._most_waiting:
            waiting.fail(Overloaded("the server has as many events waiting as it takes; wait and send again"))
        else:
            self._queue.add(waiting)
            self._wake.set()
        return waiting

    async def _round(self) -> None:
        """One load, the decisions, one commit, for all events that can go side by side."""
        taken: list[Waiting] = []
        try:
            with self._rulebooks.use() as live:
                taken = self._queue.take(live.windows)
                loaded = await self._loading.load(taken, live.windows)
                decided = await self._decide(loaded, live)
                await self._commit(decided, live.windows)
        except AnswerbyError as error:
            self._give_up(taken, error)
        except Exception as error:
            self._logger.exception("round failed", count=len(taken), exc_info=error)
            self._give_up(taken, InternalError())

    def _give_up(self, taken: list[Waiting], error: AnswerbyError) -> None:
        """The events of the round; all that wait when it could not even begin."""
        for waiting in taken or self._queue.drain():
            if not waiting.settled:
                self._fates.failed(waiting, error)

    async def _decide(self, events: list[LoadedEvent], live: Live) -> list[DecidedEvent]:
        decided: list[DecidedEvent] = []
        slice_end = time.perf_counter() + SLICE_SECONDS
        for loaded in events:
            waiting = loaded.waiting
            if waiting.settled:
                continue
            if loaded.stored.duplicate is not None:
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
        """None for an event that cannot be decided: it has met its fate."""
        started = time.perf_counter()
        try:
            decision = decide(live.compiled, loaded.state, loaded.event, loaded.context, self._now(), live.steps)
            return DecidedEvent.of(loaded, decision)
        except AnswerbyError as error:
            self._fates.failed(loaded.waiting, error)
        except Exception as error:  # noqa: BLE001 - logged with its trace
            self._fates.broken(loaded.waiting, error, live.compiled.rulebook.revision)
        finally:
            self._metrics.decided(time.perf_counter() - started)
        return None

    async def _commit(self, events: list[DecidedEvent], windows: Windows) -> None:
        if not events:
            return
        started = time.perf_counter()
        results = await self._requests.commit_many([decided.commit(windows, self._connectors) for decided in events])
        overtaken: list[Waiting] = []
        committed: list[Decision] = []
        for decided, result in zip(events, results, strict=True):
            if isinstance(result, AnswerbyError):
                self._fates.failed(decided.waiting, result)
            elif result.outcome is CommitOutcome.COMMITTED:
                committed.append(self._committed(decided, result.number))
            else:
                overtaken.append(decided.waiting)
        self._metrics.commit(len(events), len(overtaken), time.perf_counter() - started)
        self._metrics.committed(committed)
        self._again(overtaken)
        if len(overtaken) == len(events):
            # Workers that loop in step could overtake the same one again and again.
            await asyncio.sleep(OVERTAKEN.wait(max(waiting.attempts for waiting in overtaken)))

    def _committed(self, decided: DecidedEvent, number: str) -> Decision:
        decision = self._fates.committed(decided, number)
        if self._observe is not None:
            before = decided.before
            self._observe(before.state, before.event, before.context, decision)
        return decision

    def _again(self, events: list[Waiting]) -> None:
        """After a conflict or a duplicate found by the commit: to be loaded again, which tells which it is."""
        left = []
        for waiting in events:
            waiting.attempts += 1
            if waiting.attempts >= ATTEMPTS:
                self._fates.failed(waiting, Contention())
            else:
                left.append(waiting)
        self._queue.put_back(left)


def _fate(result: Processed | BaseException) -> Processed | AnswerbyError:
    if isinstance(result, Processed | AnswerbyError):
        return result
    raise result
