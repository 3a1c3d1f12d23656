"""A tenant with schedules on a real store, at a time that the test sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from answerby.domain.effect import EffectKind
from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook
from answerby.server.flow.routing import route_effects
from answerby.server.flow.schedules import ScheduleLoop
from answerby.server.live.rulebooks import Prepared, RulebookHolder
from answerby.store.records import Commit
from answerby.store.rulebooks.revision_records import Pointer
from answerby.store.store import Store
from tests.kit.services import Kit

TENANT = "default"
CONNECTOR = SimpleNamespace(
    name="out", tenant=TENANT, account="", sources=(), effects=(EffectKind.NOTIFY, EffectKind.CREATE_TASK), queues=True
)


def at(text: str) -> datetime:
    """An instant from ISO text with offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


class ScheduledTenant:
    """Requests, schedules, and the clock on the wall."""

    def __init__(self, store: Store, folder, now: str) -> None:
        self.store = store
        self.now = at(now)
        self.kit = Kit(store, clock=lambda: self.now)
        self.registry, self.log = self.kit.registry, self.kit.log
        self.rules = RulebookHolder(self.kit.services)
        self._generation = 0
        self._serial = 0
        self.activate(folder)

    def activate(self, folder) -> None:
        """Decides by these rules from now on."""
        result = load_rulebook(folder)
        assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
        self.compiled = compile_rulebook(result.rulebook, "reference")
        self._generation += 1
        self.rules.offer(Prepared(f"r-{self._generation}", self.compiled, {}))
        assert self.rules.follow(pointer(f"r-{self._generation}", self._generation))

    def worker(self) -> ScheduleLoop:
        """One more worker."""
        return ScheduleLoop(self.kit.services, self.rules, [CONNECTOR])

    async def request(self, request_id: str, when: str, type_: str = "request.received", **facts: Any) -> None:
        """An event of a request, decided at its own time."""
        self._serial += 1
        moment = at(when)
        event = Event(source="crm", id=f"e{self._serial}", type=type_, time=moment, request_id=request_id, data=facts)
        await self.submit(event, moment)

    async def submit(self, event: Event, moment: datetime) -> None:
        loaded = await self.store.requests.load(TENANT, event.request_id, event.source, event.id)
        assert loaded.duplicate is None
        decision = decide(self.compiled, loaded.state, event, Context(), moment)
        commit = Commit(
            tenant=TENANT,
            event=event,
            payload_hash="x",
            decision=decision,
            expected_version=loaded.version,
            outbox=route_effects(decision, [CONNECTOR]),
        )
        await self.store.requests.commit(commit)

    async def fired(self, schedule: str) -> list[Mapping[str, Any]]:
        """The facts of its firings, oldest first."""
        return [d.facts for d in reversed(await self.store.schedules.decisions(TENANT, schedule, 100))]


def pointer(revision: str, generation: int) -> Pointer:
    return Pointer(
        revision=revision, generation=generation, activated=datetime(2026, 1, 1, tzinfo=UTC), actor="", reason=""
    )
