"""Migration of running clocks to the active rules: a preview of its moves, and the event that does it. Pure."""

# Stays interpreted: migrations are rare.
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from answerby.domain.clock import ClockState
from answerby.domain.decision import Decision
from answerby.domain.event import INTERNAL_SOURCE, ActorRole, Event, EventType, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.clocks.reach import MIGRATE, MIGRATE_CLOCKS
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.sla.clocks import LIVE

SOURCE = f"{INTERNAL_SOURCE}migration"


class Move(NamedTuple):
    """A clock before and after; None where it does not exist."""

    name: str
    before: ClockState | None
    after: ClockState | None


class Migration(NamedTuple):
    """Preview of a migration of one request."""

    event: Event
    moves: list[Move]
    timers: int
    """Timers that would be armed or cancelled."""

    @property
    def needed(self) -> bool:
        return bool(self.moves or self.timers)


def migration(compiled: CompiledRulebook, state: RequestState, clocks: Sequence[str], now: datetime) -> Migration:
    """Decides the migration of a request without storing it. `clocks` empty: all clocks."""
    event = migration_event(state, compiled.rulebook.revision, clocks, now)
    decision = decide(compiled, state, event, Context(state.counts), now)
    return Migration(event, list(_moves(state, decision)), len(decision.arm) + len(decision.cancel))


def migration_event(state: RequestState, revision: str, clocks: Sequence[str], now: datetime) -> Event:
    """The event of a migration. Its id has the request's decision count, so that it is not decided twice."""
    data: dict[str, Value] = {MIGRATE: True}
    if clocks:
        data[MIGRATE_CLOCKS] = sorted(clocks)
    return Event(
        tenant=state.tenant,
        source=SOURCE,
        id=f"{state.request_id}/{revision}/{state.decisions}",
        type=EventType.RULEBOOK_ACTIVATED,
        time=now,
        request_id=state.request_id,
        actor=ActorRole.SYSTEM,
        data=data,
    )


def has_live_clocks(state: RequestState) -> bool:
    return any(clock.phase in LIVE for clock in state.clocks.values())


def _moves(state: RequestState, decision: Decision) -> list[Move]:
    after = {clock.name: clock for clock in decision.clocks}
    names = sorted({*state.clocks, *after})
    return [
        Move(name, state.clocks.get(name), after.get(name))
        for name in names
        if _standing(state.clocks.get(name)) != _standing(after.get(name))
    ]


def _standing(clock: ClockState | None) -> object:
    return None if clock is None else (clock.phase, clock.due, clock.target, clock.cycle, clock.breached)
