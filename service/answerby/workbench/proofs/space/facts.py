"""Facts: a point of the space in plain words, from which a request can be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from answerby.domain.event import Value
from answerby.rules.model.vocabulary import FieldType
from answerby.workbench.proofs.space.cells import MISSING, PLAIN, WRONG, Missing, Wrong, from_micros
from answerby.workbench.proofs.space.dimensions import OPAQUE, YES, Aspect, Dimension
from answerby.workbench.proofs.space.space import Space

SOME_TEXT = "some text"
"""Stands for a text of which only its presence matters."""

AFTER_LADDER = "only after a step of a ladder, or by hand"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a request at a point. Facts that are not named do not matter.

    `values` are by field, as events carry them; None for a field that must be missing. The other mappings are by field
    and key, with whether it must hold: lexicons mentioned, members held, calendars around the instant, patterns
    matched. A pattern cannot be promised.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    mentions: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    holds: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    inside: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    matches: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()
    """Fields with a value that the vocabulary refuses, and instants in a year unknown to a calendar."""
    by_ladder: frozenset[str] = frozenset()
    """Fields with a value that no rule gives: a ladder raises the priority, or gives the request to another."""

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({*self.values, *self.mentions, *self.holds, *self.inside, *self.matches, *self.wrong})

    def lines(self) -> tuple[str, ...]:
        """The facts for people, one line for each field."""
        found = {name: ["missing" if value is None else _value_text(value)] for name, value in self.values.items()}
        for verbs, facts in (
            (("mentions", "does not mention"), self.mentions),
            (("holds", "does not hold"), self.holds),
            (("is inside", "is outside"), self.inside),
            (("matches", "does not match"), self.matches),
        ):
            for name, truths in facts.items():
                if found.get(name) != ["missing"]:
                    known = [text for text in found.get(name, []) if text != SOME_TEXT]
                    found[name] = known + _parts(verbs, truths)
        found.update({name: ["a wrong value"] for name in self.wrong})
        for name in self.by_ladder & found.keys():
            found[name].append(AFTER_LADDER)
        return tuple(f"{name}: {'; '.join(texts)}" for name, texts in sorted(found.items()))


def _parts(verbs: tuple[str, str], truths: Mapping[str, bool]) -> list[str]:
    keys = {truth: sorted(key for key, holds in truths.items() if holds is truth) for truth in (True, False)}
    return [f"{verb} {', '.join(keys[truth])}" for verb, truth in zip(verbs, (True, False), strict=True) if keys[truth]]


def facts_at(space: Space, point: Mapping[int, int]) -> Facts:
    """The facts of a point. A point is a mask of one cell for each dimension that matters."""
    values: dict[str, Value] = {}
    wrong: set[str] = set()
    aspects: dict[Aspect, dict[str, dict[str, bool]]] = {aspect: {} for aspect in Aspect}
    for number, cell in sorted(point.items()):
        dimension = space.dimensions[number]
        if dimension.cells[cell.bit_length() - 1].value is WRONG:
            wrong.add(dimension.field)
        elif dimension.aspect is Aspect.VALUE:
            if space.vocabulary[dimension.field].type is not FieldType.SET:
                values[dimension.field] = _value(space, dimension, cell)
        else:
            aspects[dimension.aspect].setdefault(dimension.field, {})[dimension.key] = cell == YES
    for name in wrong:
        for truths in aspects.values():
            truths.pop(name, None)
    return Facts(
        values,
        aspects[Aspect.MENTIONS],
        aspects[Aspect.HAS],
        aspects[Aspect.INSIDE],
        aspects[Aspect.MATCHES],
        frozenset(wrong),
    )


def describe(space: Space, box: Mapping[int, int]) -> tuple[str, ...]:
    """A region for people: one line for each restriction."""
    lines = []
    for number, mask in sorted(box.items()):
        dimension = space.dimensions[number]
        if mask & dimension.full == dimension.full:
            continue
        if dimension.aspect is Aspect.VALUE:
            labels = [cell.label for i, cell in enumerate(dimension.cells) if mask >> i & 1]
            listed = labels if len(labels) <= 6 else [*labels[:6], f"{len(labels) - 6} more"]
            lines.append(f"{dimension.field}: {' or '.join(listed)}")
        else:
            verbs = {
                Aspect.MENTIONS: ("mentions", "does not mention"),
                Aspect.HAS: ("holds", "does not hold"),
                Aspect.INSIDE: ("is inside", "is outside"),
                Aspect.MATCHES: ("matches", "does not match"),
                Aspect.RULE: ("matches", "does not match"),
            }[dimension.aspect]
            lines.append(f"{dimension.field} {verbs[mask != YES]} {dimension.key}")
    return tuple(lines)


def is_opaque(space: Space, point: Mapping[int, int]) -> bool:
    """Whether the point restricts an opaque dimension."""
    return any(space.dimensions[number].aspect in OPAQUE for number in point)


def _value(space: Space, dimension: Dimension, cell: int) -> Value:
    value = dimension.cells[cell.bit_length() - 1].value
    if value is MISSING:
        return None
    assert not isinstance(value, Missing | Wrong)
    kind = space.vocabulary[dimension.field].type
    if kind is FieldType.INSTANT:
        return from_micros(int(value)).isoformat().replace("+00:00", "Z")
    if kind is FieldType.DURATION:
        return f"{'-' if float(value) < 0 else ''}PT{_seconds(abs(float(value)))}S"
    return value


def _seconds(seconds: float) -> str:
    return str(int(seconds)) if seconds.is_integer() else f"{seconds:.6f}".rstrip("0")


def _value_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return SOME_TEXT if value in PLAIN else str(value)
