"""Runs rule tests: events in order, timers fired when they are due, expectations compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from service.domain.decision import Decision
from service.domain.effect import EffectKind
from service.domain.event import Event, Value
from service.domain.request import RequestState
from service.engine.compiled import CompiledRulebook
from service.engine.decide import Context, decide
from service.engine.explain import explain_text
from service.engine.rule_tests.suite import BadSuite, Happening, Located, find_suites, read_suite, span
from service.engine.virtual_clock import fire_until

REQUEST = "rule-test"
DUE_PREFIX = "due."
NONE = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: nothing wrong, or each difference, and why the rules decided so."""

    located: Located
    differences: list[str]
    why: str


@dataclass(slots=True)
class _World:
    """One request under a virtual clock."""

    compiled: CompiledRulebook
    context: Context
    state: RequestState | None = None
    decision: Decision | None = None
    effects: list[tuple[EffectKind, str, dict[str, Value]]] = field(default_factory=list)
    """Since the last event: kind, role, payload."""
    count: int = 0

    def take(self, event: Event, now: datetime) -> RequestState | None:
        self.decision = decide(self.compiled, self.state, event, self.context, now)
        self.state = self.decision.state
        self.effects += [(effect.kind, effect.role, effect.payload) for effect in self.decision.effects]
        return self.state

    def happens(self, happening: Happening, at: datetime) -> None:
        self.run_until(at)
        self.effects.clear()
        self.count += 1
        self.take(
            Event(
                source="rule-test",
                id=f"e{self.count}",
                type=happening.type,
                time=at,
                request_id=REQUEST,
                actor=happening.actor,
                data=happening.facts,
            ),
            at,
        )

    def run_until(self, moment: datetime) -> None:
        """Fires every timer that is due by then, each at its own time, also those that firing arms."""
        fire_until(self.state, moment, self.take)


def run_folder(compiled: CompiledRulebook, folder: Path) -> Iterator[Outcome | BadSuite]:
    """The outcome of every case below the folder; a file that cannot be used is one of its own."""
    for path in find_suites(folder):
        try:
            cases = read_suite(path, folder)
        except BadSuite as error:
            yield error
        else:
            yield from (run_case(compiled, located) for located in cases)


def run_case(compiled: CompiledRulebook, located: Located) -> Outcome:
    """Plays one case."""
    case = located.case
    world = _World(compiled, Context(case.windows))
    at = located.start
    for happening in case.events or [Happening(facts=case.given)]:
        at += span(happening.after)
        world.happens(happening, at)
    differences = list(compare(world, case.expect, ""))
    for text in sorted(case.then_after, key=span):
        world.run_until(at + span(text))
        differences += compare(world, case.then_after[text], f"after {text}: ")
    why = explain_text(world.decision) if differences and world.decision else ""
    return Outcome(located, differences, why)


def compare(world: _World, expected: dict[str, Value], when: str) -> Iterator[str]:
    """What differs, in words. Lists are compared without order."""
    for name, value in expected.items():
        actual = actual_value(world, name)
        if not same(name, value, actual):
            yield f"{when}{name}: expected {show(value)}, got {show(actual)}"


def actual_value(world: _World, name: str) -> Value:
    decision = world.decision
    assert decision is not None
    if name.startswith(DUE_PREFIX):
        clock = next((c for c in decision.clocks if c.name == name.removeprefix(DUE_PREFIX)), None)
        return clock.due.isoformat() if clock is not None and clock.due is not None else NONE
    match name:
        case "status":
            return decision.status.value
        case "won_by":
            return [reference.id for stage in decision.explanation for reference in stage.won]
        case "breached":
            return [clock.name for clock in decision.clocks if clock.breached]
        case "notified":
            return [role for kind, role, _ in world.effects if kind is EffectKind.NOTIFY]
        case "tasks":
            return [role for kind, role, _ in world.effects if kind is EffectKind.CREATE_TASK]
        case "opened":
            return [str(payload.get("case")) for kind, _, payload in world.effects if kind is EffectKind.OPEN_CASE]
        case "flags":
            return [flag.code for flag in decision.flags]
        case "number_prefix":
            return decision.number_prefix
        case _:
            return decision.facts.get(name)


def same(name: str, expected: Value, actual: Value) -> bool:
    if name == "won_by":
        return set(as_list(expected)) <= set(as_list(actual))
    if name.startswith(DUE_PREFIX) and NONE not in (expected, actual):
        return datetime.fromisoformat(str(expected)) == datetime.fromisoformat(str(actual))
    if isinstance(expected, list):
        return set(expected) == set(as_list(actual))
    return expected == actual


def as_list(value: Value) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [str(value)]


def show(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(sorted(set(value))) + "]"
    return "nothing" if value is None else str(value)
