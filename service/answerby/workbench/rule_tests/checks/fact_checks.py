"""Expectations of facts, names, states and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from answerby.engine.explanation.decision_text import explain_text
from answerby.engine.facts.coercion import Typed
from answerby.workbench.rule_tests.checks.difference import (
    Check,
    Difference,
    Mode,
    expectation_text,
    list_text,
    value_text,
)
from answerby.workbench.rule_tests.checks.yaml_text import yaml_text
from answerby.workbench.rule_tests.snapshot import RequestSnapshot


@dataclass(frozen=True, slots=True)
class FactCheck:
    """The value of a field that holds one value, given or derived."""

    name: str
    mode: Mode
    values: tuple[Typed, ...]
    stage: str
    order: tuple[str, ...] = ()
    """The values of an ordered enum, from least to most."""

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        actual = snapshot.fact(self.name)
        if self._holds(actual):
            return []
        wanted = self.values[0] if self.mode is Mode.IS else None
        return [
            Difference(
                self.name,
                expectation_text(self.mode, [value_text(value) for value in self.values]),
                value_text(actual),
                self.stage,
                wanted if isinstance(wanted, str | int | float | bool) else None,
                accepted=self._accepted(actual),
            )
        ]

    def _accepted(self, actual: Typed | None) -> str:
        if actual is None:
            return "" if self.mode is Mode.NOT else "{is: missing}"
        match self.mode:
            case Mode.IS | Mode.MISSING:
                return yaml_text(actual)
            case Mode.AT_LEAST | Mode.AT_MOST:
                return f"{{{self.mode.value}: {yaml_text(actual)}}}"
            case _:
                return ""

    def _holds(self, actual: Typed | None) -> bool:
        match self.mode:
            case Mode.IS:
                # Python takes True for 1; a test file does not.
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
    """The members of a set, or one of the lists of `RequestSnapshot.names`. Order and repetition do not count."""

    name: str
    mode: Mode
    items: tuple[str, ...]
    stage: str

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        actual, wanted = set(snapshot.names(self.name)), set(self.items)
        holds = {
            Mode.IS: actual == wanted,
            Mode.HAS: wanted <= actual,
            Mode.NOT: not wanted & actual,
        }[self.mode]
        if holds:
            return []
        absent = sorted(wanted - actual) if self.mode is not Mode.NOT else []
        return [
            Difference(
                self.name,
                expectation_text(self.mode, [list_text(self.items)]),
                list_text(actual),
                self.stage,
                absent[0] if absent else None,
                accepted=self._accepted(snapshot),
            )
        ]

    def _accepted(self, snapshot: RequestSnapshot) -> str:
        actual = sorted(set(snapshot.names(self.name)))
        if self.mode is Mode.IS:
            return yaml_text(actual)
        if self.mode is Mode.NOT or self.name != "decided_by":
            return ""
        # What decided in the stages of the rules that no longer decide stands in their place.
        rules = {rule.id: rule.stage for stage in snapshot.compiled.rulebook.stages for rule in stage.rules}
        stages = {rules[name] for name in self.items if name not in actual and name in rules}
        kept = [name for name in self.items if name in actual]
        deciding = {r.id: stage.stage for stage in snapshot.decision.explanation for r in stage.won}
        kept += [name for name in actual if deciding.get(name) in stages and name not in kept]
        return yaml_text(kept if len(kept) != 1 else kept[0]) if kept else ""


@dataclass(frozen=True, slots=True)
class WordCheck:
    """The status of the request, the prefix of its number, or the state of a clock."""

    name: str
    words: tuple[str, ...]
    negative: bool
    stage: str = ""

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        if self.name == "status":
            actual = snapshot.decision.status.value
        elif self.name == "number_prefix":
            actual = snapshot.decision.number_prefix
        else:
            actual = snapshot.clock_word(self.name.removeprefix("clock."))
        if (actual in self.words) != self.negative:
            return []
        expected = expectation_text(Mode.NOT if self.negative else Mode.IS, self.words)
        accepted = "" if self.negative or not actual else yaml_text(actual)
        return [Difference(self.name, expected, actual or "nothing", self.stage, accepted=accepted)]


@dataclass(frozen=True, slots=True)
class ExplanationCheck:
    """The explanation contains each text, in English or in Chinese; with `negative` none of them."""

    texts: tuple[str, ...]
    negative: bool = False

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        zone = snapshot.compiled.numbering_zone
        explanations = [explain_text(snapshot.decision, language, zone) for language in ("en", "zh")]
        differences = []
        for text in self.texts:
            if any(text in explanation for explanation in explanations) is self.negative:
                expected = expectation_text(Mode.NOT if self.negative else Mode.HAS, [f'"{text}"'])
                actual = "the text" if self.negative else "nothing like it"
                differences.append(Difference("explanation", expected, actual))
        return differences


@dataclass(frozen=True, slots=True)
class RequestsCheck:
    """Expectations of other requests of the case, by name."""

    checks: Mapping[str, tuple[Check, ...]]

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        differences: list[Difference] = []
        for name, checks in self.checks.items():
            other = snapshot.others.get(name)
            if other is None:
                differences.append(Difference(name, "a request", "no event of it so far"))
                continue
            for check in checks:
                differences += [replace(found, name=f"{name}: {found.name}") for found in check.compare(other)]
        return differences
