"""How the connectors stand: for operators, for the metrics and for the health of the server."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from answerby.server.base.config import Enabled
from answerby.server.base.loops import repeat, spared
from answerby.server.base.services import Services
from answerby.server.flow.delivering.roster import Member, Roster, loss_of
from answerby.store.connector_life import ConnectorLife
from answerby.store.records import QueueDepth

LOOK_SECONDS = 1.0
"""Interval of looks for the metrics and the health."""
WIDE_LOOK_SECONDS = 30.0
"""Interval of looks at tenants without a connector, which may have effects for one that was removed."""
REMOVED = (
    "effects wait for a connector that is not in the configuration of this server, and nothing new is queued for it; "
    "put it back to have them delivered"
)
RESUME = "correct the token or the address, then run: answerby connector resume"


class ConnectorState(StrEnum):
    """How a connector stands, the least able first."""

    OFF = "off"
    REMOVED = "removed"
    DISABLED = "disabled"
    PAUSED = "paused"
    HELD = "held"
    RESTING = "resting"
    WORKING = "working"


NOT_GOOD = frozenset({ConnectorState.DISABLED, ConnectorState.HELD})
"""States that wait for an operator."""


class Standing(NamedTuple):
    """A connector, and how it stands."""

    name: str
    tenant: str
    member: Member | None
    """None for a connector that is not in the configuration."""
    state: ConnectorState
    detail: str
    depth: QueueDepth
    life: ConnectorLife

    @property
    def since(self) -> datetime | None:
        """Since when it is paused or held."""
        pause = self.life.pause
        if pause is not None and self.state is ConnectorState.PAUSED:
            return pause.since
        return self.life.hold_since or self.life.poll_hold_since


class Standings:
    """The standings of the connectors of every tenant."""

    def __init__(self, services: Services, roster: Roster) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._roster = roster
        self._missed: set[tuple[str, str]] = set()
        """Tenant and name of connectors that are not in the configuration, and of which the log has told."""
        self._shown: set[str] = set()
        """Names of connectors that the metrics show, by the last look at all tenants."""
        self._next_wide = 0.0
        """Time of the next look at all tenants, by time.monotonic()."""
        self.good: dict[str, bool] = {}
        """Whether each connector of the configuration needs nothing of an operator."""

    async def of(self, tenant: str) -> list[Standing]:
        """The connectors of a tenant, by name. Raises StoreUnavailable."""
        depths = {depth.connector: depth for depth in await self._store.outbox.depths(tenant)}
        members = {name: member for name, member in self._roster.members.items() if member.entry.tenant == tenant}
        removed = {name for name, depth in depths.items() if depth.waiting and name not in self._roster.members}
        return [
            await self._standing(tenant, name, members.get(name), depths.get(name))
            for name in sorted(members.keys() | removed)
        ]

    async def run(self, stopping: asyncio.Event) -> None:
        """Keeps the metrics and `good` up to date until `stopping` is set."""
        await repeat("connectors", self._look, stopping, self._services)

    async def _look(self) -> float:
        tenants = {member.entry.tenant for member in self._roster.members.values()}
        if wide := time.monotonic() >= self._next_wide:
            tenants = tenants.union(await self._store.tenants.names())
        good: dict[str, bool] = {}
        shown: set[str] = set()
        for tenant in sorted(tenants):
            with spared("connectors", tenant, self._services):
                for standing in await self.of(tenant):
                    self._show(standing)
                    shown.add(standing.name)
                    if standing.member is not None:
                        good[standing.name] = standing.state not in NOT_GOOD
        if wide:
            for name in self._shown - shown:
                self._metrics.connector_gone(name)
            self._shown = shown
            self._next_wide = time.monotonic() + WIDE_LOOK_SECONDS
        self.good = good
        return LOOK_SECONDS

    def _show(self, standing: Standing) -> None:
        oldest = standing.depth.oldest
        age = (self._services.clock() - oldest).total_seconds() if oldest is not None else 0.0
        last = standing.life.last_good
        self._metrics.connector(
            standing.name,
            state=standing.state,
            states=ConnectorState,
            depth=standing.depth.waiting,
            oldest_age=max(0.0, age),
            last_good=last.timestamp() if last is not None else 0.0,
        )
        place = (standing.tenant, standing.name)
        if standing.state is ConnectorState.REMOVED and place not in self._missed:
            self._missed.add(place)
            self._services.logger.warning(
                "connector removed",
                connector=standing.name,
                tenant=standing.tenant,
                count=standing.depth.waiting,
                warning=REMOVED,
            )

    async def _standing(self, tenant: str, name: str, member: Member | None, depth: QueueDepth | None) -> Standing:
        life = await self._store.connectors.get(tenant, name)
        state, detail = _state(member, life, self._services.clock())
        return Standing(
            name, tenant, member, state, detail, depth or QueueDepth(connector=name, waiting=0, oldest=None), life
        )


def _state(member: Member | None, life: ConnectorLife, now: datetime) -> tuple[ConnectorState, str]:
    if member is None:
        return ConnectorState.REMOVED, REMOVED
    if member.is_off:
        return ConnectorState.OFF, loss_of(member.entry)
    if member.connector is None:
        return ConnectorState.DISABLED, member.problem
    if member.entry.enabled is Enabled.PAUSED:
        return ConnectorState.PAUSED, "by the configuration"
    if life.pause is not None:
        return ConnectorState.PAUSED, life.pause.reason
    if life.hold and life.hold_mark == member.mark:
        return ConnectorState.HELD, f"{life.hold}; {RESUME} {member.entry.name}"
    if life.poll_hold and life.poll_hold_mark == member.mark:
        return ConnectorState.HELD, f"{life.poll_hold}; {RESUME} {member.entry.name}"
    resting = life.away or (life.rests_until is not None and life.rests_until > now)
    return (ConnectorState.RESTING, life.last_problem) if resting else (ConnectorState.WORKING, member.problem)
