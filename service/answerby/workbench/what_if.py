"""The decision on a request if something happened, or if facts were otherwise. Nothing is stored. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.decision import Decision
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import OVERRIDE_PREFIX, ActorRole, Event, EventType, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.explanation.clock_account import ClockAccount, clock_account, statuses_of
from answerby.engine.explanation.clock_text import ClockWriter
from answerby.engine.explanation.flag_text import flag_text
from answerby.engine.facts.manual_due import PREFIX as DUE_PREFIX
from answerby.rules.model.rulebook import Rulebook

SOURCE = "what-if"
MOST_TIMERS = 1_000
"""The maximum number of timers that fire before the supposed event."""


class Supposed(NamedTuple):
    """The supposed event: facts by vocabulary name, at `at`, known at `now`."""

    facts: Mapping[str, Value]
    at: datetime
    now: datetime
    event_type: str = EventType.UPDATED
    actor: ActorRole = ActorRole.AGENT


class Comparison(NamedTuple):
    """A clock before and after the event. `before` is its state now, or after the timers due until the event."""

    name: str
    before: ClockState | None
    after: ClockAccount | None
    breached_at_once: bool


class Outlook(NamedTuple):
    decision: Decision
    clocks: list[Comparison]


def what_if(
    compiled: CompiledRulebook,
    state: RequestState,
    history: Sequence[Event],
    counts: Mapping[str, int],
    asked: Supposed,
) -> Outlook:
    """Decides the supposed event on the stored request with its whole `history`. Raises InvalidInput for a wrong fact.

    An event in the future happens after the timers due until then. One in the past is decided as a late event.
    """
    facts = as_facts(compiled.rulebook, asked.facts)
    moment = max(asked.at, asked.now)
    request = _SupposedRequest(compiled, state, list(history), dict(counts))
    if asked.at > asked.now:
        fire_until(state, asked.at, request.take, MOST_TIMERS)
    event = Event(
        tenant=state.tenant,
        source=SOURCE,
        id=SOURCE,
        type=asked.event_type,
        time=asked.at,
        request_id=state.request_id,
        actor=asked.actor,
        data=facts,
    )
    before = request.state.clocks
    decision = request.decide(event, moment)
    statuses = statuses_of(request.history, compiled.rulebook.replies)
    after = {clock.name: clock_account(compiled.rulebook, clock, statuses, moment) for clock in decision.clocks}
    names = sorted({*before, *after})
    return Outlook(decision, [_compare(name, before.get(name), after.get(name), moment) for name in names])


def as_facts(rulebook: Rulebook, facts: Mapping[str, Value]) -> dict[str, Value]:
    """Turns a derived fact into one set by hand. Raises InvalidInput for a name that the vocabulary does not have."""
    found: dict[str, Value] = {}
    for name, value in facts.items():
        bare = name.removeprefix(OVERRIDE_PREFIX)
        if bare in rulebook.vocabulary:
            derived = bool(rulebook.vocabulary[bare].derived_by)
            found[f"{OVERRIDE_PREFIX}{bare}" if derived else bare] = value
        elif name.startswith((DUE_PREFIX, "corrects.", "merged.")):
            found[name] = value
        else:
            raise InvalidInput(
                [FieldViolation(f"facts.{name}", "is no fact of the vocabulary; `answerby get` lists some")]
            )
    return found


class _SupposedRequest:
    """The request under supposed events. Each decided event joins its history."""

    def __init__(
        self, compiled: CompiledRulebook, state: RequestState, history: list[Event], counts: dict[str, int]
    ) -> None:
        self._compiled = compiled
        self._counts = counts
        self.state = state
        self.history = history

    def decide(self, event: Event, moment: datetime) -> Decision:
        decision = decide(self._compiled, self.state, event, Context(self._counts, list(self.history)), moment)
        assert decision.state is not None
        self.state = decision.state
        self.history.append(event)
        return decision

    def take(self, event: Event, moment: datetime) -> RequestState:
        self.decide(event, moment)
        return self.state


def _compare(name: str, before: ClockState | None, after: ClockAccount | None, moment: datetime) -> Comparison:
    late = after is not None and after.clock.phase is ClockPhase.RUNNING and after.clock.due is not None
    late = late and after is not None and after.clock.due is not None and after.clock.due <= moment
    was_late = before is not None and before.phase is ClockPhase.RUNNING and before.breached
    return Comparison(name, before, after, bool(late and not was_late))


def outlook_text(outlook: Outlook, language: str, zone: tzinfo) -> str:
    """The result in words: the changed outcomes, then each clock with the parts of its new due time."""
    writer = ClockWriter(language, zone)
    lines = []
    for found in outlook.clocks:
        lines.append(writer.compare(found.before, found.after, found.name, at_once=found.breached_at_once))
        if found.after is not None and _moved(found):
            lines.append(writer.describe(found.after))
    lines += [flag_text(flag.code, flag.message, zone) for flag in outlook.decision.flags]
    return "\n".join(lines)


def _moved(found: Comparison) -> bool:
    before, after = found.before, found.after
    if before is None or after is None:
        return True
    return (before.due, before.target, before.phase) != (after.clock.due, after.clock.target, after.clock.phase)
