"""Who wins: the hit policies of a stage as demands on which rules match. The meaning is that of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from answerby.domain.ladder import Notification
from answerby.rules.model.rulebook import Block, HitPolicy, Output, Rule, RuleMode, Stage
from answerby.rules.model.vocabulary import FieldType, Vocabulary

Key = tuple[int, tuple[int, int, str, int]]
"""Sorts competitors, the best first: severity (negative, where it counts), then order."""


class Unless(NamedTuple):
    """The rule `loser` must not match, unless one of `saviours` (a bit each) matches too."""

    loser: int
    saviours: int = 0


class Demands(NamedTuple):
    """What must be so besides the rules that match: none of `avoid` (a bit each) matches, and every `unless` holds."""

    avoid: int = 0
    unless: tuple[Unless, ...] = ()

    def also(self, *others: Demands) -> Demands:
        """All of them together."""
        avoid, unless = self
        for other in others:
            avoid |= other.avoid
            unless += other.unless
        return Demands(avoid, unless)

    def among(self, together: int) -> Demands:
        """What they come to when only these rules (a bit each) can match: who must not match itself saves nobody."""
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
        """The rules (a bit each) of which something is demanded."""
        return self.avoid | mask_of(demand.loser for demand in self.unless)


NOTHING = Demands()


@dataclass(slots=True)
class Outcome:
    """What a set of matching rules comes to, before defaults."""

    winner: dict[str, int]
    """By output that cannot be united, the rule that won it."""
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
        """By output, the rules that set it, the best first under the stage's policy."""
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

    # ---- symbolically

    def stands(self, number: int, name: str, without: int | None = None, among: int = -1) -> Demands:
        """The rule, which matches, brings the output out of its block. `without` is a rule taken away.

        `among` are the rules (a bit each) that can match besides; demands on others say nothing.
        """
        return Demands(self.in_its_way(number, name) & among & _all_but(without))

    def in_its_way(self, number: int, name: str) -> int:
        """The rules (a bit each) of the same block of which none may match, if this one is to bring the output out."""
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
        """None of the rules (a bit each) brings the output out of its block: none matches, or one in its way does."""
        asked = numbers & among & _all_but(without)
        unless = []
        for number in bits(asked & ~self._collecting):
            saviours = self.in_its_way(number, name) & among & _all_but(without)
            if saviours:
                unless.append(Unless(number, saviours))
                asked ^= 1 << number
        return Demands(asked, tuple(unless))

    def wins(self, number: int, name: str, without: int | None = None, among: int = -1) -> Demands:
        """The rule, which matches, decides the output (of one that is united: has a part in it)."""
        stands = self.stands(number, name, without, among)
        if self.is_united(name):
            return stands
        return stands.also(self.fail(self._rivals(number, name), name, without, among))

    def _rivals(self, number: int, name: str) -> int:
        """The rules (a bit each) that take the output from this one where both bring it out of their blocks."""
        known = self._beaten_by.get((number, name))
        if known is None:
            ranked = self.ranked[name]
            rivals = ranked if self.stage.hit is HitPolicy.UNIQUE else ranked[: ranked.index(number)]
            known = mask_of(rivals) & ~(1 << number)
            if self.hit[number] in {HitPolicy.FIRST, HitPolicy.UNIQUE}:
                # Two of such a block never both come out of it.
                known &= ~mask_of(self.of_block[self.rules[number].block])
            self._beaten_by[number, name] = known
        return known

    def nobody(self, name: str, without: int | None = None, among: int = -1) -> Demands:
        """No rule brings the output out of its block."""
        return self.fail(self.setter_masks.get(name, 0), name, without, among)

    # ---- of a given set of matches

    def settle(self, matched: Iterable[int]) -> Outcome:
        """The outcome when exactly these rules match."""
        by_block: dict[str, list[int]] = {}
        for number in matched:
            by_block.setdefault(self.rules[number].block, []).append(number)
        conflicts: set[str] = set()
        brought: dict[str, list[int]] = {}
        for numbers in by_block.values():
            hit = self.hit[numbers[0]]
            if hit is HitPolicy.FIRST:
                numbers = [min(numbers)]  # noqa: PLW2901 - numbers are in the order of the block
            elif hit is HitPolicy.UNIQUE and len(numbers) > 1:
                conflicts.update(name for n in numbers for name in self.rules[n].then)
                continue
            self._bring(hit, numbers, brought)
        winner: dict[str, int] = {}
        united: dict[str, tuple[int, ...]] = {}
        severe = self.stage.hit is HitPolicy.MOST_SEVERE
        for name, setters in brought.items():
            if self.is_united(name):
                united[name] = tuple(setters)
            elif self.stage.hit is HitPolicy.UNIQUE and len(setters) > 1:
                conflicts.add(name)
            elif len(setters) == 1:
                winner[name] = setters[0]
            else:
                winner[name] = min(setters, key=lambda n: self.key(n, name, severe=severe))
        return Outcome(winner, united, conflicts)

    def _bring(self, hit: HitPolicy, numbers: list[int], brought: dict[str, list[int]]) -> None:
        best: dict[str, int] = {}
        for number in numbers:
            for name in self.rules[number].then:
                if hit is HitPolicy.MOST_SEVERE and not self.is_united(name):
                    known = best.get(name)
                    if known is None or self.key(number, name, severe=True) < self.key(known, name, severe=True):
                        best[name] = number
                else:
                    brought.setdefault(name, []).append(number)
        for name, number in best.items():
            brought.setdefault(name, []).append(number)


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(numbers: Iterable[int]) -> int:
    """One bit for each of the numbers."""
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
    """Whether several rules' values of this output are united instead of competing."""
    if name in {"notify", "require"}:
        return True
    return name in vocabulary and vocabulary[name].type is FieldType.SET


def severity(vocabulary: Vocabulary, name: str, value: Output) -> int:
    """Higher is more severe; outputs without an order are all alike."""
    known = vocabulary.fields.get(name)
    if known is not None and known.type is FieldType.ENUM and isinstance(value, str) and value in known.values:
        return known.values.index(value)
    return 0


def _is_live(rule: Rule) -> bool:
    return rule.mode is RuleMode.LIVE
