"""Schedules: the first worker decides each due schedule, once for every tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import StoreUnavailable
from answerby.domain.request import RequestState
from answerby.domain.schedule import Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.schedule_scope import OPEN
from answerby.engine.schedules.decide_schedule import ScheduleFiring, decide_schedule
from answerby.engine.schedules.summary import Summary
from answerby.server.base.loops import repeat, spared
from answerby.server.base.services import Services
from answerby.server.base.store_clock import may_fire
from answerby.server.flow.routing import Route, route_effects
from answerby.server.live.pointer import Live
from answerby.server.live.rulebooks import RulebookHolder
from answerby.sla.occurrences import Occurrence, next_occurrence, occurrences
from answerby.store.records import RequestFilter, ScheduleRecord

LONGEST_SLEEP = 1.0
"""Longest sleep in seconds, and so the longest delay of a new rulebook or a new tenant."""
CLAIM = timedelta(seconds=60)
"""Time of a worker for one firing before another worker may try. The first commit wins."""
PAGE = 200
FOLLOW_UPS = 500
"""Most follow-ups in one commit. Further follow-ups are enqueued before the commit."""
OPEN_REQUESTS = RequestFilter(statuses=tuple(sorted(OPEN)))


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next occurrence of one schedule for one tenant."""

    schedule: Schedule
    record: ScheduleRecord
    occurrence: Occurrence


@dataclass(slots=True)
class Plan:
    """Next occurrences of the schedules of a tenant. Only a firing or another rulebook changes the plan."""

    generation: int
    revision: str
    upcoming: list[Upcoming]


class ScheduleLoop:
    """Fires schedules. Any number of workers may run this loop."""

    def __init__(self, services: Services, rulebooks: RulebookHolder, connectors: Sequence[Route]) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._rulebooks = rulebooks
        self._connectors = list(connectors)
        self._plans: dict[str, Plan] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Fires until `stopping` is set."""
        await repeat("schedules", self.step, stopping, self._services)

    async def step(self) -> float:
        """Fires the due schedules. Returns the seconds until the next step. Raises StoreUnavailable."""
        if self._rulebooks.active is None:
            return 0.2
        if not may_fire(self._services):
            return LONGEST_SLEEP
        wait = LONGEST_SLEEP
        for tenant in await self._store.tenants.names():
            with spared("schedules", tenant, self._services):
                wait = min(wait, await self._tenant(tenant))
        return max(0.005, wait)

    async def _tenant(self, tenant: str) -> float:
        """Fires the due schedules of a tenant. Returns the seconds until the next one."""
        with self._rulebooks.use() as live:
            plan = await self._plan(tenant, live)
            due = [item for item in plan.upcoming if item.occurrence.time <= self._now()]
            for item in due:
                await self._fire(tenant, live.compiled, item)
        if due:
            # After a firing by any worker the next occurrence is new.
            self._plans.pop(tenant, None)
        ahead = [(item.occurrence.time - self._now()).total_seconds() for item in plan.upcoming if item not in due]
        return min([LONGEST_SLEEP, *ahead])

    async def _plan(self, tenant: str, live: Live) -> Plan:
        rulebook, generation = live.compiled.rulebook, self._rulebooks.status.generation
        plan = self._plans.get(tenant)
        if plan is not None and (plan.generation, plan.revision) == (generation, rulebook.revision):
            return plan
        records = await self._store.schedules.records(tenant, self._now(), generation, sorted(rulebook.schedules))
        upcoming = []
        for name, record in records.items():
            schedule = rulebook.schedules[name]
            occurrence = next_occurrence(schedule, rulebook.calendars[schedule.calendar], record.since)
            if occurrence is not None:
                upcoming.append(Upcoming(schedule, record, occurrence))
        plan = self._plans[tenant] = Plan(generation, rulebook.revision, sorted(upcoming, key=_by_time))
        return plan

    async def _fire(self, tenant: str, compiled: CompiledRulebook, item: Upcoming) -> None:
        """Fires the latest due occurrence. The decision names the earlier ones as missed."""
        schedule, record = item.schedule, item.record
        if not await self._store.schedules.claim(tenant, schedule.id, record, CLAIM):
            return
        calendar = compiled.rulebook.calendars[schedule.calendar]
        *missed, occurrence = occurrences(schedule, calendar, record.since, self._now())
        firing = ScheduleFiring(tenant, schedule, occurrence, tuple(item.day for item in missed), record.sequence + 1)
        try:
            decision = await self._decide(compiled, firing)
        except StoreUnavailable:
            raise
        except Exception as error:
            # The claim keeps every worker from trying again at once.
            self._logger.exception("schedule failed", tenant=tenant, rule=schedule.id, exc_info=error)
            return
        if await self._commit(firing, record, decision):
            self._report(firing, decision)

    async def _decide(self, compiled: CompiledRulebook, firing: ScheduleFiring) -> Decision:
        moment = self._now()
        summary = Summary(compiled, firing.schedule, firing.occurrence, moment)
        async for state in self._open_requests(firing.tenant):
            summary.add(state)
        return decide_schedule(compiled, firing, summary, moment)

    async def _open_requests(self, tenant: str) -> AsyncIterator[RequestState]:
        token = ""
        while True:
            page = await self._store.listing.page(tenant, OPEN_REQUESTS, token, PAGE)
            for state in page.requests:
                yield state
            token = page.next_token
            if not token:
                return

    async def _commit(self, firing: ScheduleFiring, record: ScheduleRecord, decision: Decision) -> bool:
        """Commits the decision. Follow-ups above the limit are enqueued first.

        A crash before the commit repeats these follow-ups. The repeats are known duplicates, so each follow-up is
        decided once.
        """
        ahead, last = decision.follow_ups[:-FOLLOW_UPS], decision.follow_ups[-FOLLOW_UPS:]
        for at in range(0, len(ahead), FOLLOW_UPS):
            await self._store.intake.enqueue(firing.tenant, ahead[at : at + FOLLOW_UPS])
        decision = msgspec.structs.replace(decision, follow_ups=last)
        outbox = route_effects(decision, self._connectors)
        return await self._store.schedules.commit(firing.schedule.id, record, decision, outbox)

    def _report(self, firing: ScheduleFiring, decision: Decision) -> None:
        delay = (decision.decided - firing.occurrence.time).total_seconds()
        self._metrics.schedule(firing.schedule.id, delay, len(firing.missed))
        self._logger.info(
            "schedule fired",
            tenant=firing.tenant,
            rule=firing.schedule.id,
            event_id=decision.event_id,
            count=len(decision.effects) or len(decision.follow_ups),
            delay_seconds=round(delay, 3),
        )
        if firing.missed:
            self._logger.warning(
                "schedule was missed", tenant=firing.tenant, rule=firing.schedule.id, count=len(firing.missed)
            )


def _by_time(item: Upcoming) -> tuple[datetime, str]:
    return item.occurrence.time, item.schedule.id
