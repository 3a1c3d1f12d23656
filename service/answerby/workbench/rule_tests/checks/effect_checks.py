"""Expectations of effects: messages, tasks, cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Value
from answerby.workbench.rule_tests.checks.difference import Difference
from answerby.workbench.rule_tests.snapshot import RequestSnapshot

STAGE = "escalation"
"""The stage whose explanation a failure shows."""


@dataclass(frozen=True, slots=True)
class EffectPattern:
    """Some properties of an effect. Properties that are not set match anything."""

    shown: str
    """The pattern in words."""
    kind: str = ""
    role: str = ""
    urgent: bool | None = None
    payload: tuple[tuple[str, Value], ...] = ()
    text: str = ""
    """Part of the message in any language."""
    count: int | None = None
    """The exact number of matching effects; None: at least one."""

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
    """Every pattern matches some effect; with `negative` no pattern matches any."""

    patterns: tuple[EffectPattern, ...]
    negative: bool = False

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        differences = []
        name = "no_effects" if self.negative else "effects"
        for pattern in self.patterns:
            matching = [effect for effect in snapshot.effects if pattern.matches(effect)]
            if self.negative and matching:
                differences.append(Difference(name, f"none of {pattern.shown}", effects_text(matching), STAGE))
            elif not self.negative and (not matching if pattern.count is None else len(matching) != pattern.count):
                same_kind = [e for e in snapshot.effects if not pattern.kind or e.kind == pattern.kind]
                differences.append(Difference(name, pattern.shown, effects_text(same_kind) or "nothing", STAGE))
        return differences


@dataclass(frozen=True, slots=True)
class NoEffectsCheck:
    """There is no effect but the update of the request itself."""

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        others = [effect for effect in snapshot.effects if effect.kind is not EffectKind.UPDATE_REQUEST]
        if not others:
            return []
        return [Difference("no_effects", "no effects", effects_text(others), STAGE)]


def effect_line(effect: Effect) -> str:
    """An effect in words, such as `notify duty-manager breach (urgent)`."""
    details = [effect.payload.get(name) for name in ("template", "case", "clock")]
    words = [effect.kind.value, effect.role, *(str(detail) for detail in details if detail)]
    return " ".join(word for word in words if word) + (" (urgent)" if effect.urgent else "")


def effects_text(effects: Iterable[Effect]) -> str:
    return "; ".join(map(effect_line, effects))
