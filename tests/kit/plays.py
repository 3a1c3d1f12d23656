"""One request's life under a virtual clock: events decided one after the other, timers fired when they are due.

Keyword arguments that are no parameters are facts; `customer__tier` is the fact customer.tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from answerby.domain.clock import ClockState, Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import ActorRole, Event, Value
from answerby.domain.request import RequestState
from answerby.domain.timer_event import timer_event
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import TIMER_LIMIT, fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.history.lifecycle import counted
from answerby.engine.history.steps import PLAIN, Steps


def at(text: str) -> datetime:
    """An instant in Shanghai time, such as 2026-03-02 09:30 (a Monday)."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def facts(given: Mapping[str, Value]) -> dict[str, Value]:
    """Keyword arguments as facts."""
    return {name.replace("__", "."): value for name, value in given.items()}


class Play:
    """Plays one request. `with_history`: each decision has the events before it at hand, as on a server."""

    def __init__(
        self, rulebook: CompiledRulebook, request_id: str = "R1", *, with_history: bool = False, steps: Steps = PLAIN
    ) -> None:
        self.rulebook = rulebook
        """May be replaced: another revision becomes active, and nothing happens to the request yet."""
        self.request_id = request_id
        self.with_history = with_history
        self.steps = steps
        self.state: RequestState | None = None
        self.events: list[Event] = []
        self.decisions: list[Decision] = []

    def happens(
        self,
        kind: str,
        time: str | datetime,
        *,
        now: str | datetime | None = None,
        actor: str = ActorRole.CUSTOMER,
        name: str = "",
        historical: bool = False,
        counts: Mapping[str, int] | None = None,
        **data: Value,
    ) -> Decision:
        """Decides an event of this kind, as of its own time unless `now` says otherwise."""
        event = self.event(kind, time, actor=actor, name=name, historical=historical, **data)
        return self.take(event, event.time if now is None else moment(now), counts)

    def event(
        self,
        kind: str,
        time: str | datetime,
        *,
        actor: str = ActorRole.CUSTOMER,
        name: str = "",
        historical: bool = False,
        **data: Value,
    ) -> Event:
        """The next event, of a name of its own unless one is given."""
        return Event(
            source="crm",
            id=name or f"e{len(self.events) + 1}",
            type=kind if "." in kind else f"request.{kind}",
            time=moment(time),
            request_id=self.request_id,
            actor=ActorRole(actor),
            historical=historical,
            data=facts(data),
        )

    def take(self, event: Event, now: datetime, counts: Mapping[str, int] | None = None) -> Decision:
        """Decides the event as of `now`. `counts`: of the windows, as the store has them."""
        event = counted(event, now)
        history = list(self.events) if self.with_history else None
        context = Context(dict(counts or {}), history=history)
        decision = decide(self.rulebook, self.state, event, context, now, self.steps)
        self.events.append(event)
        self.decisions.append(decision)
        self.state = decision.state
        return decision

    def fires(self, timer_id: str, now: str | datetime | None = None) -> Decision:
        """The timer of this id fires, late if `now` is after its due time."""
        timer = self.request.timers[timer_id]
        fired = timer.due if now is None else moment(now)
        delay_seconds = int((fired - timer.due).total_seconds())
        return self.take(timer_event(self.request.tenant, self.request_id, timer, delay_seconds), fired)

    def see(
        self, kind: str, time: datetime, actor: str = ActorRole.AGENT, facts: Mapping[str, Value] | None = None
    ) -> Decision:
        """The event comes at its time; every timer due by then has fired before it."""
        self.waits(time)
        event = self.event(kind, time, actor=actor)
        return self.take(msgspec.structs.replace(event, data=dict(facts or {})), time)

    def waits(self, until: str | datetime | None, most: int = TIMER_LIMIT) -> None:
        """Time alone passes: every timer due by then, but at most so many, fires at its own time. None: every timer."""
        end = None if until is None else moment(until)
        fire_until(self.state, end, lambda event, now: self.take(event, now).state, most)

    def lives(self, history: Iterable[tuple[datetime, Event]], *, most: int = TIMER_LIMIT) -> None:
        """Takes each event when it comes; the timers due in between and after it all fire, at most so many each time."""
        for come, event in history:
            self.waits(come, most)
            self.take(event, come)
        self.waits(None, most)

    @property
    def request(self) -> RequestState:
        """The request, which is known by now."""
        assert self.state is not None
        return self.state

    def clock(self, name: str) -> ClockState:
        return self.request.clocks[name]

    def due(self, name: str) -> datetime | None:
        """When the clock is due; None without one, or with one that waits."""
        clocks = self.state.clocks if self.state is not None else {}
        return clocks[name].due if name in clocks else None

    def timers(self, name: str) -> list[Timer]:
        """The timers of a clock that wait, in order."""
        waiting = (timer for timer in self.request.timers.values() if timer.clock == name and not timer.fired)
        return sorted(waiting, key=lambda timer: timer.due)

    def notices(self) -> list[tuple[datetime, Effect]]:
        """Every notification so far, with the moment of its decision."""
        return [(d.decided, effect) for d in self.decisions for effect in effects(d, EffectKind.NOTIFY)]


def moment(time: str | datetime) -> datetime:
    return at(time) if isinstance(time, str) else time


def clock(decision: Decision, name: str) -> ClockState | None:
    """The clock of this name after the decision."""
    return next((clock for clock in decision.clocks if clock.name == name), None)


def effects(decision: Decision, kind: str) -> list[Effect]:
    return [effect for effect in decision.effects if effect.kind == kind]


def flags(decision: Decision, code: str = "") -> list[Any]:
    """The codes of its flags; with a code, the messages of those."""
    return [flag.message if code else flag.code for flag in decision.flags if code in ("", flag.code)]
