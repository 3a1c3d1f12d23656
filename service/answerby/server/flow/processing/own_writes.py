"""Own writes that come back: a value that answerby wrote to a platform is no value that a person set by hand.

Connectors recognise most of their own writes. A platform may tell one write twice, or later than a connector waits for
it. So every event passes this guard, whatever connector brings it. See events.md, "Set by hand".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from answerby.domain.decision import Decision, Flag
from answerby.domain.effect import EffectKind
from answerby.domain.event import OVERRIDE_PREFIX, ActorRole, Event, Value
from answerby.domain.request import RequestState
from answerby.engine.facts.manual_due import PREFIX as DUE_PREFIX
from answerby.engine.facts.manual_due import due_instant
from answerby.server.flow.processing.submission import Submission
from answerby.server.flow.routing import ANY_SOURCE, Route, comes_from

OWN_WRITE = "OWN_WRITE"


class Suspicion(NamedTuple):
    """An event of a platform to which the request is written back, with values set by hand that may be our own."""

    event: Event
    state: RequestState
    values: Mapping[str, Value]
    """The facts in question, never null."""
    accounts: frozenset[str]
    """The accounts that answerby writes with, as far as they are known."""
    brought: bool
    """Whether a connector brought the event."""

    @property
    def ours(self) -> bool:
        """Whether the actor is an account of ours."""
        return self.event.actor_id in self.accounts

    @property
    def needs_decisions(self) -> bool:
        """Whether the answer depends on the earlier updates of the request."""
        return not self.ours and self.event.actor is ActorRole.SYSTEM

    def own(self, decisions: Sequence[Decision] = ()) -> list[str]:
        """The names of the facts that are our own writes."""
        if self.ours:
            return sorted(self.values)
        if self.event.actor is ActorRole.SYSTEM:
            written = [(name, value) for name, value in updates(decisions) if name in self.values]
            return sorted({name for name, value in written if same(name, self.values[name], value)})
        if not self.brought or (self.event.actor_id and self.accounts):
            return []  # a person
        in_force = self._in_force()
        return sorted(n for n, value in self.values.items() if n in in_force and same(n, value, in_force[n]))

    def _in_force(self) -> dict[str, Value]:
        """The values that rules set and that nobody has changed since, by the names of the facts."""
        state = self.state
        values: dict[str, Value] = {
            OVERRIDE_PREFIX + name: value
            for name, value in state.derived.items()
            if state.given.get(OVERRIDE_PREFIX + name) is None
        }
        for name, clock in state.clocks.items():
            if clock.due is not None and state.given.get(DUE_PREFIX + name) is None:
                values[DUE_PREFIX + name] = clock.due.isoformat()
        return values


def suspicion(submission: Submission, state: RequestState | None, routes: Iterable[Route]) -> Suspicion | None:
    """The suspicion that an event raises; None for an event that cannot be a write of ours."""
    event = submission.event
    if state is None or event.historical:
        return None
    values = set_by_hand(event, state)
    if not values:
        return None
    writers = [route for route in routes if _writes(route, submission, state)]
    if not writers:
        return None
    accounts = frozenset({submission.account, *(route.account for route in writers)} - {""})
    return Suspicion(event, state, values, accounts, bool(submission.connector))


def _writes(route: Route, submission: Submission, state: RequestState) -> bool:
    """Whether the connector writes the request to the place where the event comes from."""
    event = submission.event
    if route.tenant != event.tenant or not comes_from(state.source, route.sources):
        return False
    if submission.connector:
        return route.name == submission.connector
    # A connector of all sources keeps a record of everything. It says nothing about where a call comes from.
    return comes_from(event.source, [path for path in route.sources if path != ANY_SOURCE])


def set_by_hand(event: Event, state: RequestState) -> dict[str, Value]:
    """The facts of an event that set a value by hand."""
    return {
        name: value
        for name, value in event.data.items()
        if value is not None
        and (
            name.startswith(OVERRIDE_PREFIX)
            or (name.startswith(DUE_PREFIX) and name.removeprefix(DUE_PREFIX) in state.clocks)
        )
    }


def updates(decisions: Iterable[Decision]) -> Iterator[tuple[str, Value]]:
    """What the updates of these decisions carried, by the names of facts that would set the same by hand."""
    for decision in decisions:
        for effect in decision.effects:
            if effect.kind is EffectKind.UPDATE_REQUEST:
                for name, value in effect.payload.items():
                    yield (name if name.startswith(DUE_PREFIX) else OVERRIDE_PREFIX + name), value


def same(name: str, one: Value, other: Value) -> bool:
    """Whether two values of a fact are equal. Due times are equal as instants."""
    if not name.startswith(DUE_PREFIX):
        return one == other
    instant = due_instant(one)
    return instant is not None and instant == due_instant(other)


def without(event: Event, names: Sequence[str]) -> Event:
    """The event without these facts. What our account does is no act of a person."""
    data = {name: value for name, value in event.data.items() if name not in names}
    return msgspec.structs.replace(event, data=data, actor=ActorRole.SYSTEM)


def flags(names: Sequence[str]) -> list[Flag]:
    return [Flag(OWN_WRITE, f"{name[:100]}: answerby wrote this itself, nobody set it by hand") for name in names]
