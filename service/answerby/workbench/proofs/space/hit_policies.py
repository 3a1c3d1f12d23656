"""Hit policies as demands on the rules that match. The meaning is that of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from answerby.domain.ladder import Notification
from answerby.rules.model.rulebook import Block, HitPolicy, Output, Rule, RuleMode, Stage
from answerby.rules.model.vocabulary import FieldType, Vocabulary

Key = tuple[int, tuple[int, int, str, int]]
"""Sorts competing rules, the best first: severity (negated, where it counts), then order."""


class Unless(NamedTuple):
    """The rule `loser` must not match, unless one of `saviours` (a mask) matches too."""

    loser: int
    saviours: int = 0


class Demands(NamedTuple):
    """Demands on further rules: none of `avoid` (a mask) matches, and every `unless` holds."""

    avoid: int = 0
    unless: tuple[Unless, ...] = ()

    def also(self, *others: Demands) -> Demands:
        """These demands and the others together."""
        avoid, unless = self
        for other in others:
            avoid |= other.avoid
            unless += other.unless
        return Demands(avoid, unless)

    def among(self, together: int) -> Demands:
        """The demands when only these rules (a mask) can match. A rule that must not match saves nobody."""
        avoid = self.avoid & together
        unless = self.unless
        while True:
            before = avoid
            reduced = []
            for loser, saviours in unless:
                if together >> loser & 1:
                    saved = saviours & together & ~avoid
                    if saved:
                        reduced.append(Unless(loser, saved))
                    else:
                        avoid |= 1 << loser
            unless = tuple(reduced)
            if avoid == before:
                return Demands(avoid, unless)

    @property
    def losers(self) -> int:
        """The mask of the rules that must not match, or only with a saviour."""
        return self.avoid | mask_of(demand.loser for demand in self.unless)


NOTHING = Demands()


@dataclass(slots=True)
class Outcome:
    """The result of a set of matching rules, before defaults."""

    winner: dict[str, int]
    """The rule that won each output that is not united."""
    united: dict[str, tuple[int, ...]]
    conflicts: set[str]

    def won(self) -> set[int]:
        return {*self.winner.values(), *(rule for rules in self.united.values() for rule in rules)}


class Contest:
    """The live rules of one stage, by number, and how they compete."""

    def __init__(self, vocabulary: Vocabulary, stage: Stage) -> None:
        self.vocabulary = vocabulary
        self.stage = stage
        self.blocks: tuple[Block, ...] = tuple(b for b in stage.blocks if any(_is_live(r) for r in b.rules))
        self.rules: tuple[Rule, ...] = tuple(
            rule for block in self.blocks for rule in sorted(block.rules, key=lambda r: r.order) if _is_live(rule)
        )
        self.of_block: dict[str, tuple[int, ...]] = {
            block.id: tuple(n for n, rule in enumerate(self.rules) if rule.block == block.id) for block in self.blocks
        }
        self.hit: tuple[HitPolicy, ...] = tuple(
            next(block.hit for block in self.blocks if block.id == rule.block) for rule in self.rules
        )
        names = sorted({name for rule in self.rules for name in rule.then})
        self.setters: dict[str, tuple[int, ...]] = {
            name: tuple(n for n, rule in enumerate(self.rules) if name in rule.then) for name in names
        }
        self.setter_masks: dict[str, int] = {name: mask_of(setters) for name, setters in self.setters.items()}
        self._collecting = mask_of(n for n, hit in enumerate(self.hit) if hit is HitPolicy.COLLECT)
        self._ways: dict[tuple[int, str], int] = {}
        self._beaten_by: dict[tuple[int, str], int] = {}

    @cached_property
    def ranked(self) -> dict[str, tuple[int, ...]]:
        """The rules that set each output, the best first under the policy of the stage."""
        severe = self.stage.hit is HitPolicy.MOST_SEVERE
        return {
            name: tuple(sorted(setters, key=lambda n: self.key(n, name, severe=severe)))
            for name, setters in self.setters.items()
        }

    def key(self, number: int, name: str, *, severe: bool) -> Key:
        rule = self.rules[number]
        return (-severity(self.vocabulary, name, rule.then[name]) if severe else 0, rule.order)

    def is_united(self, name: str) -> bool:
        return is_united(self.vocabulary, name)

    # ---- as demands

    def stands(self, number: int, name: str, without: int | None = None, among: int = -1) -> Demands:
        """Demands for the rule, which matches, to bring the output out of its block.

        `without` is a rule that is taken away. `among` is the mask of the rules that can match; there are no demands on
        others.
        """
        return Demands(self.in_its_way(number, name) & among & _all_but(without))

    def in_its_way(self, number: int, name: str) -> int:
        """The mask of the rules of the same block of which none may match, if the rule is to bring the output out."""
        known = self._ways.get((number, name))
        if known is None:
            known = self._ways[number, name] = mask_of(self._in_its_way(number, name))
        return known

    def _in_its_way(self, number: int, name: str) -> Iterable[int]:
        fellows = self.of_block[self.rules[number].block]
        match self.hit[number]:
            case HitPolicy.FIRST:
                return fellows[: fellows.index(number)]
            case HitPolicy.UNIQUE:
                return [n for n in fellows if n != number]
            case HitPolicy.MOST_SEVERE if not self.is_united(name):
                mine = self.key(number, name, severe=True)
                return [n for n in fellows if name in self.rules[n].then and self.key(n, name, severe=True) < mine]
        return ()

    def fail(self, numbers: int, name: str, without: int | None = None, among: int = -1) -> Demands:
        """Demands for none of the rules (a mask) to bring the output out: none matches, or one in its way does."""
        avoid = numbers & among & _all_but(without)
        unless = []
        for number in bits(avoid & ~self._collecting):
            saviours = self.in_its_way(number, name) & among & _all_but(without)
            if saviours:
                unless.append(Unless(number, saviours))
                avoid ^= 1 << number
        return Demands(avoid, tuple(unless))

    def wins(self, number: int, name: str, without: int | None = None, among: int = -1) -> Demands:
        """Demands for the rule, which matches, to win the output or, if it is united, to take part in it."""
        stands = self.stands(number, name, without, among)
        if self.is_united(name):
            return stands
        return stands.also(self.fail(self._rivals(number, name), name, without, among))

    def _rivals(self, number: int, name: str) -> int:
        """The mask of the rules that take the output from this rule if both bring it out of their blocks."""
        known = self._beaten_by.get((number, name))
        if known is None:
            ranked = self.ranked[name]
            rivals = ranked if self.stage.hit is HitPolicy.UNIQUE else ranked[: ranked.index(number)]
            known = mask_of(rivals) & ~(1 << number)
            if self.hit[number] in {HitPolicy.FIRST, HitPolicy.UNIQUE}:
                # Two rules of such a block never both come out of it.
                known &= ~mask_of(self.of_block[self.rules[number].block])
            self._beaten_by[number, name] = known
        return known

    def nobody(self, name: str, without: int | None = None, among: int = -1) -> Demands:
        """Demands for no rule to bring the output out of its block."""
        return self.fail(self.setter_masks.get(name, 0), name, without, among)

    # ---- for a given set of matches

    def settle(self, matched: Iterable[int]) -> Outcome:
        """The outcome when exactly these rules match."""
        by_block: dict[str, list[int]] = {}
        for number in matched:
            by_block.setdefault(self.rules[number].block, []).append(number)
        conflicts: set[str] = set()
        setters_by_output: dict[str, list[int]] = {}
        for numbers in by_block.values():
            hit = self.hit[numbers[0]]
            if hit is HitPolicy.FIRST:
                numbers = [min(numbers)]  # noqa: PLW2901 - numbers are in the order of the block
            elif hit is HitPolicy.UNIQUE and len(numbers) > 1:
                conflicts.update(name for n in numbers for name in self.rules[n].then)
                continue
            self._add_setters(hit, numbers, setters_by_output)
        winner: dict[str, int] = {}
        united: dict[str, tuple[int, ...]] = {}
        severe = self.stage.hit is HitPolicy.MOST_SEVERE
        for name, setters in setters_by_output.items():
            if self.is_united(name):
                united[name] = tuple(setters)
            elif self.stage.hit is HitPolicy.UNIQUE and len(setters) > 1:
                conflicts.add(name)
            elif len(setters) == 1:
                winner[name] = setters[0]
            else:
                winner[name] = min(setters, key=lambda n: self.key(n, name, severe=severe))
        return Outcome(winner, united, conflicts)

    def _add_setters(self, hit: HitPolicy, numbers: list[int], setters_by_output: dict[str, list[int]]) -> None:
        best: dict[str, int] = {}
        for number in numbers:
            for name in self.rules[number].then:
                if hit is HitPolicy.MOST_SEVERE and not self.is_united(name):
                    known = best.get(name)
                    if known is None or self.key(number, name, severe=True) < self.key(known, name, severe=True):
                        best[name] = number
                else:
                    setters_by_output.setdefault(name, []).append(number)
        for name, number in best.items():
            setters_by_output.setdefault(name, []).append(number)


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits of the mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(numbers: Iterable[int]) -> int:
    """The mask with one bit for each number."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _all_but(number: int | None) -> int:
    return -1 if number is None else ~(1 << number)


def members(value: Output) -> tuple[Notification | str, ...]:
    """The items of a united output."""
    if isinstance(value, list | tuple):
        return tuple(item if isinstance(item, Notification) else str(item) for item in value)
    return (str(value),)


def is_united(vocabulary: Vocabulary, name: str) -> bool:
    """Whether the values of several rules are united in this output. Otherwise they compete."""
    if name in {"notify", "require"}:
        return True
    return name in vocabulary and vocabulary[name].type is FieldType.SET


def severity(vocabulary: Vocabulary, name: str, value: Output) -> int:
    """The severity of a value, higher is more severe. Outputs without an order have the severity 0."""
    known = vocabulary.fields.get(name)
    if known is not None and known.type is FieldType.ENUM and isinstance(value, str) and value in known.values:
        return known.values.index(value)
    return 0


def _is_live(rule: Rule) -> bool:
    return rule.mode is RuleMode.LIVE
