"""Differences between two decisions on one event. For candidates that decide beside the active rules."""

# Stays interpreted: it compares decisions of candidates, in idle time.
from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.decision import Decision
from answerby.domain.event import Value


class FactChange(msgspec.Struct, frozen=True):
    """One difference; None where a decision has no value."""

    name: str
    """A derived fact, `due.<clock>` or `breached.<clock>`."""
    before: Value
    after: Value


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """The differences of two decisions; false when there is none."""

    changed: list[FactChange] = []
    told_more: list[str] = []
    """Keys of effects that only the second decision has."""
    told_less: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.changed or self.told_more or self.told_less)


def differ(one: Decision, other: Decision) -> Difference:
    """The differences of the second decision: facts, due times, breaches and effects. Texts do not count."""
    changed = [*_facts(one.facts, other.facts), *_clocks(one.clocks, other.clocks)]
    keys, other_keys = ({effect.key for effect in decision.effects} for decision in (one, other))
    return Difference(changed, sorted(other_keys - keys), sorted(keys - other_keys))


def _facts(one: Mapping[str, Value], other: Mapping[str, Value]) -> Iterator[FactChange]:
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield FactChange(name, one.get(name), other.get(name))


def _clocks(one: list[ClockState], other: list[ClockState]) -> Iterator[FactChange]:
    before, after = ({clock.name: clock for clock in clocks} for clocks in (one, other))
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if _due(old) != _due(new):
            yield FactChange(f"due.{name}", _due(old), _due(new))
        if _breached(old) != _breached(new):
            yield FactChange(f"breached.{name}", _breached(old), _breached(new))


def _due(clock: ClockState | None) -> str | None:
    if clock is None or clock.due is None or clock.phase is ClockPhase.CANCELLED:
        return None
    return clock.due.isoformat().replace("+00:00", "Z")


def _breached(clock: ClockState | None) -> bool:
    return clock is not None and clock.breached
