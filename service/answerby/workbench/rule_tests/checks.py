"""Single expectations. Each compares one thing with the scene and says what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Protocol

from answerby.domain.clock import Target
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import show_target
from answerby.engine.explanation.decision_text import explain_text
from answerby.engine.facts.coercion import Typed
from answerby.sla.clocks import calendar_of
from answerby.sla.targets import due_time
from answerby.workbench.rule_tests.scene import NONE, Scene


class Mode(StrEnum):
    """How a value is compared."""

    IS = "is"
    NOT = "not"
    HAS = "has"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected. `wanted` is the value that some rule of the stage would have had to give."""

    name: str
    expected: str
    actual: str
    stage: str = ""
    wanted: Value = None
    when: str = ""
    """The moment of the case, empty right after the last event."""


class Check(Protocol):
    """An expectation."""

    def compare(self, scene: Scene) -> list[Difference]:
        """What differs; nothing when it holds."""
        ...


@dataclass(frozen=True, slots=True)
class FactCheck:
    """A field that holds one value, given or derived."""

    name: str
    mode: Mode
    values: tuple[Typed, ...]
    stage: str
    order: tuple[str, ...] = ()
    """The values of an ordered enum, from least to most."""

    def compare(self, scene: Scene) -> list[Difference]:
        actual = scene.fact(self.name)
        if self._holds(actual):
            return []
        wanted = self.values[0] if self.mode is Mode.IS else None
        return [
            Difference(
                self.name,
                said(self.mode, [show(value) for value in self.values]),
                show(actual),
                self.stage,
                wanted if isinstance(wanted, str | int | float | bool) else None,
            )
        ]

    def _holds(self, actual: Typed | None) -> bool:
        match self.mode:
            case Mode.IS:
                return actual == self.values[0] and isinstance(actual, bool) == isinstance(self.values[0], bool)
            case Mode.NOT:
                return actual not in self.values
            case Mode.MISSING:
                return actual is None
            case Mode.PRESENT:
                return actual is not None
            case Mode.AT_LEAST:
                return actual is not None and self._rank(actual) >= self._rank(self.values[0])
            case _:
                return actual is not None and self._rank(actual) <= self._rank(self.values[0])

    def _rank(self, value: Typed) -> float:
        if self.order:
            return self.order.index(str(value))
        if isinstance(value, datetime):
            return value.timestamp()
        assert isinstance(value, int | float)
        return value


@dataclass(frozen=True, slots=True)
class NamesCheck:
    """A set: a fact of that type, or what `Scene.names` lists. Order and repetition do not count."""

    name: str
    mode: Mode
    items: tuple[str, ...]
    stage: str

    def compare(self, scene: Scene) -> list[Difference]:
        actual, wanted = set(scene.names(self.name)), set(self.items)
        holds = {
            Mode.IS: actual == wanted,
            Mode.HAS: wanted <= actual,
            Mode.NOT: not wanted & actual,
        }[self.mode]
        if holds:
            return []
        lacking = sorted(wanted - actual) if self.mode is not Mode.NOT else []
        return [
            Difference(
                self.name,
                said(self.mode, [listed(self.items)]),
                listed(actual),
                self.stage,
                lacking[0] if lacking else None,
            )
        ]


@dataclass(frozen=True, slots=True)
class WordCheck:
    """The request's status, the prefix of its number, or the state of a clock."""

    name: str
    words: tuple[str, ...]
    negative: bool
    stage: str = ""

    def compare(self, scene: Scene) -> list[Difference]:
        if self.name == "status":
            actual = scene.decision.status.value
        elif self.name == "number_prefix":
            actual = scene.decision.number_prefix
        else:
            actual = scene.clock_word(self.name.removeprefix("clock."))
        if (actual in self.words) != self.negative:
            return []
        expected = said(Mode.NOT if self.negative else Mode.IS, self.words)
        return [Difference(self.name, expected, actual or "nothing", self.stage)]


@dataclass(frozen=True, slots=True)
class DueCheck:
    """When a clock is due: an instant, so much time after it started, or not at all."""

    clock: str
    expected: datetime | Target | None
    negative: bool = False

    def compare(self, scene: Scene) -> list[Difference]:
        clock = scene.clock(self.clock)
        actual = clock.due if clock is not None else None
        wanted = self.expected
        if isinstance(wanted, Target) and clock is not None:
            wanted = due_time(
                wanted, calendar_of(scene.compiled.rulebook.calendars, wanted), clock.started, clock.pauses
            )
        if (actual == wanted) != self.negative:
            return []
        zone = self._zone(scene)
        expected = instant(wanted, zone) if not isinstance(wanted, Target) else show_target(wanted)
        if isinstance(self.expected, Target) and isinstance(wanted, datetime):
            expected = f"{expected} ({show_target(self.expected)})"
        mode = Mode.NOT if self.negative else Mode.IS
        return [Difference(f"due.{self.clock}", said(mode, [expected]), instant(actual, zone), "sla")]

    def _zone(self, scene: Scene) -> timedelta:
        """Instants are shown as the test writes them."""
        given = self.expected if isinstance(self.expected, datetime) else scene.event.time
        return given.utcoffset() or timedelta()


@dataclass(frozen=True, slots=True)
class Pattern:
    """Some properties of an effect; those that it does not name do not matter."""

    shown: str
    kind: str = ""
    role: str = ""
    urgent: bool | None = None
    payload: tuple[tuple[str, Value], ...] = ()
    text: str = ""
    """Stands in the message in some language."""
    count: int | None = None
    """Exactly so many; None: at least one."""

    def matches(self, effect: Effect) -> bool:
        if (self.kind and effect.kind != self.kind) or (self.role and effect.role != self.role):
            return False
        if self.urgent is not None and effect.urgent is not self.urgent:
            return False
        if any(effect.payload.get(name) != value for name, value in self.payload):
            return False
        texts = [str(value) for name, value in effect.payload.items() if name.startswith("text.")]
        return not self.text or any(self.text in text for text in texts)


@dataclass(frozen=True, slots=True)
class EffectsCheck:
    """Each pattern is met by an effect, or with `negative` none is."""

    patterns: tuple[Pattern, ...]
    negative: bool = False

    def compare(self, scene: Scene) -> list[Difference]:
        found = []
        name = "no_effects" if self.negative else "effects"
        for pattern in self.patterns:
            met = [effect for effect in scene.effects if pattern.matches(effect)]
            if self.negative and met:
                shown = "; ".join(effect_line(effect) for effect in met)
                found.append(Difference(name, f"none of {pattern.shown}", shown, "escalation"))
            elif not self.negative and (not met if pattern.count is None else len(met) != pattern.count):
                known = [e for e in scene.effects if not pattern.kind or e.kind == pattern.kind]
                shown = "; ".join(effect_line(effect) for effect in known) or "nothing"
                found.append(Difference(name, pattern.shown, shown, "escalation"))
        return found


@dataclass(frozen=True, slots=True)
class SilenceCheck:
    """Nobody is told, nothing is to do, no case is opened; writing back does not count."""

    def compare(self, scene: Scene) -> list[Difference]:
        loud = [effect for effect in scene.effects if effect.kind is not EffectKind.UPDATE_REQUEST]
        if not loud:
            return []
        shown = "; ".join(effect_line(effect) for effect in loud)
        return [Difference("no_effects", "no effects", shown, "escalation")]


@dataclass(frozen=True, slots=True)
class ExplanationCheck:
    """The explanation says this, in English or in Chinese."""

    texts: tuple[str, ...]
    negative: bool = False

    def compare(self, scene: Scene) -> list[Difference]:
        said_so = [explain_text(scene.decision, language) for language in ("en", "zh")]
        found = []
        for text in self.texts:
            if any(text in whole for whole in said_so) is self.negative:
                expected = said(Mode.NOT if self.negative else Mode.HAS, [f'"{text}"'])
                actual = "the text" if self.negative else "nothing like it"
                found.append(Difference("explanation", expected, actual))
        return found


@dataclass(frozen=True, slots=True)
class RequestsCheck:
    """Expectations of other requests of the case, by name."""

    checks: Mapping[str, tuple[Check, ...]]

    def compare(self, scene: Scene) -> list[Difference]:
        return [
            Difference(f"{name}: {d.name}", d.expected, d.actual, d.stage, d.wanted)
            for name, checks in self.checks.items()
            for check in checks
            for d in check.compare(scene.others[name])
        ]


def effect_line(effect: Effect) -> str:
    """Such as `notify duty-manager breach (urgent)`."""
    details = [effect.payload.get(name) for name in ("template", "case", "clock")]
    words = [effect.kind.value, effect.role, *(str(detail) for detail in details if detail)]
    return " ".join(word for word in words if word) + (" (urgent)" if effect.urgent else "")


def said(mode: Mode, values: list[str] | tuple[str, ...]) -> str:
    """The expectation in words that come close to how it is written."""
    joined = " or ".join(values)
    match mode:
        case Mode.IS:
            return joined
        case Mode.MISSING | Mode.PRESENT:
            return f"is {mode.value}"
        case Mode.AT_LEAST | Mode.AT_MOST:
            return f"{mode.value} {joined}"
        case _:
            return f"{mode.value} {joined}"


def show(value: Typed | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return listed(value) if isinstance(value, frozenset) else str(value)


def listed(items: set[str] | frozenset[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(sorted(set(items))) + "]"


def instant(value: datetime | None, offset: timedelta) -> str:
    """In the given offset, to the second where it is whole."""
    return NONE if value is None else value.astimezone(timezone(offset)).isoformat()
