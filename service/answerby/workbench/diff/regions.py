"""Where two versions of a stage come to different outputs: every region of facts, or the proof that there is none.

Each output is asked for by itself, of a set each member by itself. Regions are split until it is settled in each which
rules matter and whether they match; those where no changed rule matters are left at once. Complete within the budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from answerby.rules.model.rulebook import HitPolicy, Output, Stage
from answerby.workbench.proofs.space.boxes import Box, Domains, find
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.policies import Contest, Outcome, members
from answerby.workbench.proofs.space.space import Space

ALIKE = frozenset({HitPolicy.COLLECT})
"""Policies under which rules of a block do not stand in each other's way."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One output, or one member of an output that is a set."""

    name: str
    member: object = None


@dataclass(frozen=True, slots=True)
class Region:
    """Facts for which the slot differs: every point of `domains` does, but for what the space forbids."""

    slot: Slot
    domains: tuple[int, ...]
    old: Output
    new: Output
    old_rules: frozenset[str]
    new_rules: frozenset[str]
    """The rules that decide."""
    changed: frozenset[str]
    """The changed rules that match there."""


@dataclass(slots=True)
class Version:
    """One of the two: its contest, where its rules match, and which of its rules are not as in the other."""

    contest: Contest
    boxes: list[tuple[Box, ...]]
    changed: frozenset[int]
    truths: list[bool | None] = field(default_factory=list)

    @classmethod
    def of(cls, space: Space, stage: Stage, changed: frozenset[str]) -> Version:
        contest = Contest(space.vocabulary, stage)
        boxes = [space.boxes_of(rule) for rule in contest.rules]
        return cls(contest, boxes, frozenset(n for n, rule in enumerate(contest.rules) if rule.id in changed))


class Search:
    """The two versions of one stage in one space."""

    def __init__(
        self, space: Space, old: Version, new: Version, domains: Sequence[int], *, settings_changed: bool
    ) -> None:
        self._space = space
        self._versions = (old, new)
        self._start = list(domains)
        self._settings_changed = settings_changed
        stages = (old.contest.stage, new.contest.stage)
        self._filled = {name for stage in stages for filled in (stage.default, stage.on_error) for name in filled}

    def slots(self) -> list[Slot]:
        """The outputs that could differ: some changed rule sets them, or stands in the way of one that does."""
        names: set[Slot] = set()
        for version in self._versions:
            contest = version.contest
            concerned = set(version.changed)
            for number in version.changed:
                if contest.hit[number] not in ALIKE:
                    concerned.update(contest.of_block[contest.rules[number].block])
            if self._settings_changed:
                concerned = set(range(len(contest.rules)))
                names.update(
                    Slot(name) for outputs in (contest.stage.default, contest.stage.on_error) for name in outputs
                )
            for number in concerned:
                for name, value in contest.rules[number].then.items():
                    if contest.is_united(name) and name not in self._filled:
                        names.update(Slot(name, member) for member in members(value))
                    else:
                        names.add(Slot(name))
        return sorted(names, key=repr)

    def differences(self, slot: Slot, budget: Budget) -> Iterator[Region]:
        """The regions in which the slot differs; they do not overlap. Raises OverBudget when there are too many."""
        relevant = [_Relevant(version, slot) for version in self._versions]
        open_states: list[Domains] = [list(self._start)]
        while open_states:
            domains = open_states.pop()
            budget.spend(1 + sum(len(r.numbers) for r in relevant))
            for side in relevant:
                side.look(domains)
            if not self._settings_changed and not any(side.changed_may_matter() for side in relevant):
                continue
            undecided = next((u for side in relevant if (u := side.undecided()) is not None), None)
            if undecided is not None:
                open_states.extend(_split(domains, undecided))
                continue
            old, new = (side.outcome() for side in relevant)
            if old[0] == new[0]:
                continue
            allowed = find(domains, self._space.forbidden, [], budget)
            if allowed is not None:
                changed = frozenset(name for side in relevant for name in side.changed_and_true())
                yield Region(slot, tuple(domains), old[0], new[0], old[1], new[1], changed)


def _split(domains: Domains, box: Box) -> list[Domains]:
    """Inside and outside of a box that the domains meet and do not lie in, by its narrowest restriction."""
    dimension, mask = min(
        ((d, m) for d, m in box if domains[d] & ~m),
        key=lambda pair: ((domains[pair[0]] & pair[1]).bit_count(), pair[0]),
    )
    inside, outside = domains.copy(), domains.copy()
    inside[dimension] &= mask
    outside[dimension] &= ~mask
    return [outside, inside]


def in_its_way(contest: Contest, number: int, name: str) -> list[int]:
    """The rules of the same block of which none may match, if this one is to bring the output out of it."""
    fellows = contest.of_block[contest.rules[number].block]
    match contest.hit[number]:
        case HitPolicy.FIRST:
            return [n for n in fellows if n < number]
        case HitPolicy.UNIQUE:
            return [n for n in fellows if n != number]
        case HitPolicy.MOST_SEVERE if not contest.is_united(name):
            mine = contest.key(number, name, severe=True)
            setters = [n for n in fellows if name in contest.rules[n].then]
            return [n for n in setters if contest.key(n, name, severe=True) < mine]
    return []


class _Relevant:
    """The rules of one version that have to do with a slot, and what is known of them in some domains."""

    def __init__(self, version: Version, slot: Slot) -> None:
        self._version = version
        self._slot = slot
        self._contest = version.contest
        contest = self._contest
        setters = {
            n
            for n in contest.setters.get(slot.name, ())
            if slot.member is None or slot.member in members(contest.rules[n].then[slot.name])
        }
        self._setters = setters
        blocks = {contest.rules[n].block for n in setters if contest.hit[n] not in ALIKE}
        self.numbers = sorted(setters | {n for block in blocks for n in contest.of_block[block]})
        self._truth: dict[int, bool | None] = {}
        self._meeting: dict[int, Box] = {}

    def look(self, domains: Domains) -> None:
        """Whether each rule matches everywhere in the domains, nowhere, or somewhere."""
        for number in self.numbers:
            self._truth[number] = False
            for box in self._version.boxes[number]:
                if any(not domains[d] & m for d, m in box):
                    continue
                if all(not domains[d] & ~m for d, m in box):
                    self._truth[number] = True
                    break
                if self._truth[number] is False:
                    self._truth[number] = None
                    self._meeting[number] = box

    def changed_may_matter(self) -> bool:
        return any(self._truth[n] is not False and self._matters(n) for n in self.numbers if n in self._version.changed)

    def changed_and_true(self) -> Iterator[str]:
        return (self._contest.rules[n].id for n in self.numbers if n in self._version.changed and self._truth[n])

    def undecided(self) -> Box | None:
        """A box of a rule that may matter and of which it is open whether it matches; changed rules first."""
        unknown = [n for n in self.numbers if self._truth[n] is None and self._matters(n)]
        if not unknown:
            return None
        return self._meeting[min(unknown, key=lambda n: (n not in self._version.changed, n))]

    def _matters(self, number: int) -> bool:
        """Whether it could make a difference that the rule matches, for all that is known. False is certain."""
        contest = self._contest
        block = contest.of_block[contest.rules[number].block]
        if contest.hit[number] is HitPolicy.FIRST and any(self._truth.get(n) for n in block if n < number):
            return False
        rivals = {number} if contest.hit[number] in ALIKE else set(block)
        affected = rivals & self._setters
        sure = [n for n in self._setters if n not in rivals and self._stands(n)]
        if contest.is_united(self._slot.name) and self._slot.member is None:
            return bool(affected)
        if not sure or (contest.stage.hit is HitPolicy.UNIQUE and not contest.is_united(self._slot.name)):
            return bool(affected)
        if contest.is_united(self._slot.name):
            return False
        ranked = contest.ranked[self._slot.name]
        best = min(ranked.index(n) for n in sure)
        return any(ranked.index(n) < best for n in affected)

    def _stands(self, number: int) -> bool:
        """The rule matches for sure, and nothing in its block may stand in its way."""
        if self._truth[number] is not True:
            return False
        return all(self._truth.get(n) is False for n in in_its_way(self._contest, number, self._slot.name))

    def outcome(self) -> tuple[Output, frozenset[str]]:
        """The slot's value, and the rules that decide it."""
        contest, slot = self._contest, self._slot
        outcome = contest.settle(n for n in self.numbers if self._truth[n] is True)
        ids = contest.rules
        if slot.member is not None and slot.name not in outcome.conflicts:
            adding = [n for n in outcome.united.get(slot.name, ()) if slot.member in members(ids[n].then[slot.name])]
            return bool(adding), frozenset(ids[n].id for n in adding)
        winner = outcome.winner.get(slot.name)
        decided = frozenset[str]() if winner is None else frozenset({ids[winner].id})
        return self._whole(outcome), decided

    def _whole(self, outcome: Outcome) -> Output:
        """The output: the safe side of a conflict, what was won or put together, else the default."""
        contest, name = self._contest, self._slot.name
        stage = contest.stage
        if name in outcome.conflicts and name in stage.on_error:
            return stage.on_error[name]
        if name in outcome.winner:
            return contest.rules[outcome.winner[name]].then[name]
        if outcome.united.get(name):
            items: set[Any] = {item for n in outcome.united[name] for item in members(contest.rules[n].then[name])}
            return tuple(sorted(items, key=repr))
        return stage.default.get(name)
