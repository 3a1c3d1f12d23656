"""Trial of a candidate: the candidate repeats the decisions of the active rules, for all requests or a segment.

The decisions of the candidate have no effects. Each event is decided again from the earlier state of its request, so
the counts show the changes that the candidate would have made. A trial uses only idle time. A busy worker counts the
other decisions as skipped.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, defaultdict, deque
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.explanation.difference import Difference, FactChange, differ
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.live.pointer import LivePointer
from answerby.server.live.preparing import Preparer
from answerby.store.rulebooks.candidate_records import Candidate, Change, Counted, DifferenceKept, Segment, Total

LOOK_SECONDS = 0.5
AGAIN_SECONDS = 5.0
"""Pause before the next attempt to prepare a failed candidate."""
QUEUE_LENGTH = 2_000
"""Most decisions that wait for their comparison."""
SLICE_SECONDS = 0.002
MOST_DIFFERENCES = 100
"""Most differences that the store gets at a time. The counts cover all differences."""


class ActiveDecision(NamedTuple):
    """Decision of the active rules, with its input."""

    state: RequestState | None
    event: Event
    context: Context
    decision: Decision


class Trial:
    """Follows the candidate in the store and compares its decisions. Each worker has one trial."""

    def __init__(self, services: Services, preparer: Preparer) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._preparer = preparer
        self._live = LivePointer()
        self._candidate: Candidate | None = None
        self._queue: deque[ActiveDecision] = deque()
        self._wake = asyncio.Event()
        self._counts: defaultdict[str, Counter[Counted]] = defaultdict(Counter)
        """By tenant: nobody sees what was found on the requests of another tenant."""
        self._differences: list[DifferenceKept] = []
        self._not_before = 0.0
        self.problem = ""
        """Reason why this worker cannot try the candidate; empty for none."""

    @property
    def ready(self) -> str:
        """Revision of the candidate that decides here; empty for none."""
        return self._candidate.revision if self._candidate is not None and self._live.compiled is not None else ""

    def offer(self, state: RequestState | None, event: Event, context: Context, decision: Decision) -> None:
        """Takes a committed decision of the active rules. The call takes no time without a candidate."""
        candidate = self._candidate
        if candidate is None or self._live.compiled is None or not within(candidate.segment, decision):
            return
        if len(self._queue) >= QUEUE_LENGTH:
            self._counts[decision.tenant][Total.SKIPPED] += 1
            return
        self._queue.append(ActiveDecision(state, event, context, decision))
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat("candidate", self._look, stopping, self._services))
            comparing = group.create_task(self._compare())
            await stopping.wait()
            comparing.cancel()
        self._live.swap(None)

    async def _look(self) -> float:
        """Saves the findings, looks up the candidate on trial and prepares it."""
        await self._save_findings()
        current = await self._store.candidates.current()
        if current is None or (self._candidate is not None and current.token != self._candidate.token):
            self._forget()
        if current is not None and self._live.compiled is None and time.monotonic() >= self._not_before:
            await self._make_ready(current)
        return LOOK_SECONDS

    def _forget(self) -> None:
        self._candidate, self.problem = None, ""
        self._not_before = 0.0
        self._live.swap(None)
        self._queue.clear()
        self._counts.clear()
        self._differences.clear()

    async def _make_ready(self, candidate: Candidate) -> None:
        self._not_before = time.monotonic() + AGAIN_SECONDS
        files = await self._store.revisions.files(candidate.revision)
        if files is None:
            self.problem = f"revision {candidate.revision} is not in the store any more"
            return
        try:
            prepared = await self._preparer.prepare(candidate.revision, files)
        except StoreUnavailable:
            raise
        except AnswerbyError as error:
            self.problem = error.message
            self._logger.warning("candidate cannot be tried", revision=candidate.revision, exc_info=error)
            return
        self._candidate, self.problem = candidate, ""
        self._live.swap(prepared.compiled)
        self._logger.info("candidate on trial", revision=candidate.revision)

    async def _compare(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            slice_end = time.perf_counter() + SLICE_SECONDS
            while self._queue and self._live.compiled is not None:
                self._compare_one(self._queue.popleft())
                if time.perf_counter() > slice_end:
                    # Requests come first: the pause is as long as the slice.
                    await asyncio.sleep(SLICE_SECONDS)
                    slice_end = time.perf_counter() + SLICE_SECONDS

    def _compare_one(self, active: ActiveDecision) -> None:
        candidate = self._candidate
        assert candidate is not None
        counts = self._counts[active.decision.tenant]
        counts[Total.COMPARED] += 1
        try:
            with self._live.use() as live:
                decision = decide(
                    live.compiled, active.state, active.event, active.context, active.decision.decided, live.steps
                )
            difference = differ(active.decision, decision)
        except Exception as error:
            counts[Total.FAILED] += 1
            self._metrics.candidate("failed")
            self._logger.exception("candidate failed", revision=candidate.revision, exc_info=error)
            return
        self._metrics.candidate("different" if difference else "same")
        if difference:
            self._note(active.decision, difference)

    def _note(self, decision: Decision, difference: Difference) -> None:
        counts = self._counts[decision.tenant]
        counts[Total.DIFFERENT] += 1
        counts.update(counters_of(difference))
        if len(self._differences) < MOST_DIFFERENCES:
            self._differences.append(record_of(decision, difference))

    async def _save_findings(self) -> None:
        candidate = self._candidate
        if candidate is None or not self._counts:
            return
        for tenant in list(self._counts):
            counts = self._counts.pop(tenant)
            own = [each for each in self._differences if each.tenant == tenant]
            self._differences = [each for each in self._differences if each.tenant != tenant]
            try:
                await self._store.candidates.add(candidate.token, counts, own, tenant)
            except StoreUnavailable:
                self._counts[tenant] += counts
                self._differences = [*own, *self._differences][:MOST_DIFFERENCES]
                raise


def within(segment: Segment, decision: Decision) -> bool:
    """Whether the segment includes this decision of the active rules."""
    if segment.tenants and decision.tenant not in segment.tenants:
        return False
    if segment.categories and str(decision.facts.get("category", "")) not in segment.categories:
        return False
    return segment.percent >= 100 or share_of(decision.tenant, decision.request_id) < segment.percent


def share_of(tenant: str, request_id: str) -> float:
    """Fixed share of a request, from 0 to below 100. All workers get the same share."""
    digest = hashlib.sha256(f"{tenant}\0{request_id}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 * 100


def counters_of(difference: Difference) -> set[Counted]:
    """Counters that the difference raises.

    Facts count with their values and due times by clock. Notices count once, whatever their number.
    """
    counters: set[Counted] = {_change(change) for change in difference.changed}
    if difference.told_more:
        counters.add(Total.TOLD_MORE)
    if difference.told_less:
        counters.add(Total.TOLD_LESS)
    return counters


def _change(change: FactChange) -> Change:
    single = all(isinstance(value, (str, bool, type(None))) for value in (change.before, change.after))
    if not single or change.name.startswith("due."):
        return Change(change.name)
    return Change(change.name, _value_text(change.before), _value_text(change.after))


def _value_text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def record_of(decision: Decision, difference: Difference) -> DifferenceKept:
    return DifferenceKept(
        tenant=decision.tenant,
        request_id=decision.request_id,
        sequence=decision.sequence,
        event_type=decision.event_type,
        decided=decision.decided,
        active=decision.revision,
        changed=[(item.name, item.before, item.after) for item in difference.changed],
        told_more=difference.told_more,
        told_less=difference.told_less,
    )
