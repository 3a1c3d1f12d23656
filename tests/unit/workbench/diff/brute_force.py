"""What two rulebooks decide otherwise, found by deciding requests; and whether a comparison said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from answerby.domain.clock import ClockState
from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.decision import Decision, StageExplanation
from answerby.domain.event import OVERRIDE_PREFIX, Event, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.model.rulebook import EVALUATION_ORDER, Rule, Rulebook
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.workbench.diff.model import FLAGS, Comparison, Effect
from tests.unit.workbench.plays import Play

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
TIMES = [MONDAY, MONDAY + timedelta(hours=9), MONDAY + timedelta(days=5), datetime(2026, 7, 1, 2, tzinfo=UTC)]
TYPES = ["request.received", "request.updated", "request.on_hold", "request.replied", "request.progress_reported"]


@dataclass(frozen=True)
class Apart:
    """Two decisions of one event that differ, and the first place where they do.

    `stage` is the first stage, in the order asked, with an output or a conflict that differs; empty: what follows from
    equal results differs, such as flags, clocks or effects.
    """

    events: tuple[Event, ...]
    windows: dict[str, int]
    stage: str
    outputs: dict[str, tuple[object, object]]
    parts: tuple[str, ...]
    refused: bool

    @property
    def by_hand(self) -> bool:
        return any(name.startswith(OVERRIDE_PREFIX) for event in self.events for name in event.data)


@dataclass
class Requests:
    """Requests drawn from the values that either rulebook tells apart, many of them aimed at what differs."""

    old: Rulebook
    new: Rulebook
    chance: Random
    fields: dict[str, Field] = field(init=False)
    _asked: dict[str, list[Atom]] = field(init=False, default_factory=dict)
    _changed: list[Rule] = field(init=False)
    _terms: list[str] = field(init=False)
    _changed_terms: list[str] = field(init=False)

    def __post_init__(self) -> None:
        books = (self.old, self.new)
        self.fields = {**self.old.vocabulary.fields, **self.new.vocabulary.fields}
        rules = [{r.id: r for stage in book.stages for r in stage.rules} for book in books]
        self._changed = [
            rule
            for mine, others in (rules, reversed(rules))
            for name, rule in mine.items()
            if name not in others or (others[name].when, others[name].then) != (rule.when, rule.then)
        ]
        for rule in [*rules[0].values(), *rules[1].values()]:
            for atom in atoms(rule.when):
                self._asked.setdefault(atom.field, []).append(atom)
        terms = [{(n, t) for n, lexicon in book.lexicons.items() for t in lexicon.terms} for book in books]
        self._terms = sorted({t for _, t in terms[0] | terms[1]})
        self._changed_terms = sorted({t for _, t in terms[0] ^ terms[1]})

    def draw(self) -> tuple[tuple[Event, ...], dict[str, int], bool]:
        """Events of one request, counts over windows, and whether a fact is one that the vocabularies refuse."""
        chance = self.chance
        share = chance.choice([0.2, 0.5, 0.8])
        data = {name: self.value(known) for name, known in self.fields.items() if chance.random() < share}
        if self._changed and chance.random() < 0.6:
            self.aim(chance.choice(self._changed), data)
        data = {name: value for name, value in data.items() if self.is_given(name)} | self.by_hand(data)
        refused = chance.random() < 0.04
        if refused:
            data[chance.choice(["devices", "weight", "tier"])] = "no such value"
        if chance.random() < 0.04:
            data["unheard.of"] = "x"
        windows = {n: chance.choice([0, 1, 2, 3, 5]) for n, known in self.fields.items() if known.window is not None}
        at = chance.choice(TIMES)
        types = ["request.received"] if chance.random() < 0.6 else chance.sample(TYPES, chance.choice([1, 2, 3]))
        events = []
        for number, kind in enumerate(types):
            given = data if number == 0 else {n: v for n, v in data.items() if chance.random() < 0.3}
            when = at + timedelta(hours=3 * number)
            events.append(Event(source="t", id=f"e{number}", type=kind, time=when, request_id="r", data=given))
        return tuple(events), windows, refused

    def is_given(self, name: str) -> bool:
        known = self.fields[name]
        return not known.derived_by and known.window is None and not name.startswith(("event.", "request."))

    def by_hand(self, data: dict[str, Value]) -> dict[str, Value]:
        derived = {n: v for n, v in data.items() if self.fields[n].derived_by}
        return {OVERRIDE_PREFIX + n: v for n, v in derived.items() if self.chance.random() < 0.12}

    def aim(self, rule: Rule, data: dict[str, Value]) -> None:
        """Facts at which the parts of the rule's condition hold, or just do not."""
        for atom in atoms(rule.when):
            if self.chance.random() < 0.9:
                data[atom.field] = self.near(atom)

    def near(self, atom: Atom) -> Value:
        chance, known = self.chance, self.fields[atom.field]
        if atom.op is Op.MISSING or known.type is FieldType.TEXT:
            return self.value(known)
        operand = chance.choice(atom.operands)
        if known.type in {FieldType.INTEGER, FieldType.DECIMAL}:
            return (
                float(operand) + chance.choice([-1, 0, 1])
                if known.type is FieldType.DECIMAL
                else int(float(operand)) + chance.choice([-1, 0, 1])
            )
        if known.type is FieldType.SET:
            return [str(operand)]
        if known.type is FieldType.DURATION:
            return chance.choice(["PT1H", "PT2H", "PT3H"])
        return operand if not isinstance(operand, datetime) else operand.isoformat()

    def value(self, known: Field) -> Value:
        chance = self.chance
        asked = [atom for atom in self._asked.get(known.name, ()) if atom.op is not Op.MISSING]
        match known.type:
            case FieldType.ENUM:
                return chance.choice([*known.values, *known.aliases, *(["never heard"] if known.other else [])])
            case FieldType.TEXT:
                words = chance.choice([self._changed_terms, self._terms, []]) or self._terms
                return " · ".join(chance.choice(words) for _ in range(chance.choice([1, 1, 2, 3])))
            case FieldType.SET:
                return chance.sample(list(known.values) or ["safety", "angry", "late"], chance.choice([1, 2]))
            case FieldType.BOOLEAN:
                return chance.choice([True, False])
            case FieldType.INSTANT:
                return chance.choice(["2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"])
            case FieldType.DURATION:
                return chance.choice(["PT1H", "PT3H"])
            case FieldType.INTEGER | FieldType.DECIMAL:
                return self.near(chance.choice(asked)) if asked and chance.random() < 0.8 else chance.choice([0, 1, 7])
        return chance.choice(["ann", "bob"])


def apart(old: Rulebook, new: Rulebook, chance: Random, requests: int) -> list[Apart]:
    """The first difference of each of so many requests that are decided otherwise, past their timers."""
    compiled = [compile_rulebook(book, "reference") for book in (old, new)]
    drawn = Requests(old, new, chance)
    found = []
    for _ in range(requests):
        events, windows, refused = drawn.draw()
        states: list[RequestState | None] = [None, None]
        course, decided = Play(events), []
        while (following := course.next(states[0])) is not None:
            event, moment = following
            decided.append(event)
            sides = [
                decide(book, state, event, Context(windows), moment, words=False)
                for book, state in zip(compiled, states, strict=True)
            ]
            difference = difference_of(sides[0], sides[1])
            if difference is not None:
                found.append(Apart(tuple(decided), windows, *difference, refused))
                break
            states = [decision.state for decision in sides]
    return found


def difference_of(old: Decision, new: Decision) -> tuple[str, dict[str, tuple[object, object]], tuple[str, ...]] | None:
    """The first stage that differs with its outputs, and the other parts of the decision that differ."""
    parts = tuple(name for name, one, two in zip(PARTS, rest_of(old), rest_of(new), strict=True) if one != two)
    sides = zip(stages_of(old), stages_of(new), strict=True)
    for one, two in sides:
        names = sorted({*one.outputs, *two.outputs})
        pairs = {n: (unordered(one.outputs.get(n)), unordered(two.outputs.get(n))) for n in names}
        apart = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if apart:
            return one.stage, apart, parts
    return ("", {}, parts) if parts else None


PARTS = ("flags", "facts", "status", "number", "clocks", "timers", "cancelled", "effects", "follow-ups")


def unordered(value: Value) -> Value:
    """The value; of a set its members in one order, as the order of notices means nothing."""
    return sorted(value) if isinstance(value, list) else value


def rest_of(decision: Decision) -> tuple[object, ...]:
    return (
        sorted(f.code if f.code == "CONDITION_ERROR" else f"{f.code} {f.message}" for f in decision.flags),
        {name: unordered(value) for name, value in decision.facts.items()},
        decision.status,
        decision.number_prefix,
        [without_names(clock) for clock in decision.clocks],
        decision.arm,
        decision.cancel,
        sorted(map(repr, decision.effects)),
        decision.follow_ups,
    )


def without_names(clock: ClockState) -> ClockState:
    """The clock without the names of the rulebook and the rule that set it."""
    return msgspec.structs.replace(clock, revision="", rule="")


def stages_of(decision: Decision) -> list[StageExplanation]:
    return sorted(decision.explanation, key=lambda stage: EVALUATION_ORDER.index(stage.stage))


# ---- what the comparison said


def is_declared(found: Apart, comparison: Comparison) -> bool:
    """Whether the comparison shows the difference, or says that what leads to it is not proved."""
    if found.refused and not any(a.name == "on_error" for change in comparison.changes for a in change.aspects):
        return True  # A proof is about facts that the vocabulary takes. A changed safe side is another matter.
    if all(change.effect in {Effect.NONE, Effect.WORDS} for change in comparison.changes):
        return False  # Of each change it says that nothing follows from it.
    if comparison.open:
        return True
    shown = comparison.differences
    if found.stage:
        if any(_is_shown(found.stage, name, pair, comparison) for name, pair in found.outputs.items()):
            return True
        # Completeness comes before what a person sets: it may read what hands then replace.
        return found.stage == "completeness" and found.by_hand and any(d.stage == "classification" for d in shown)
    flagged = any(d.output == FLAGS or d.old.conflict is not d.new.conflict for d in shown)
    told = any(d.output == "notify" for d in shown)  # Results name roles only; another notice may name the same.
    return flagged if "flags" in found.parts else told and found.parts == ("effects",)


def _is_shown(stage: str, name: str, pair: tuple[object, object], comparison: Comparison) -> bool:
    same = [d for d in comparison.differences if d.stage == stage and d.output == name]
    if any(isinstance(value, list) for value in pair):
        return bool(same)  # Members of a set are compared one by one.
    return any((d.old.value, d.new.value) == pair for d in same)
