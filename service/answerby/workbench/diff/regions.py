"""Regions of facts in which two versions of a stage have different outputs, or the proof that there are none.

Each output is searched by itself, and each member of an output that is a set. Regions are split until it is settled
which rules matter and whether they match. Regions without a changed rule that matters are left at once. The search is
complete within its budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from answerby.rules.model.rulebook import HitPolicy, Output, Stage
from answerby.workbench.proofs.space.boxes import Box, Domains, find
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.hit_policies import Contest, Outcome, bits, members
from answerby.workbench.proofs.space.space import Space

ALIKE = frozenset({HitPolicy.COLLECT})
"""Policies under which the rules of a block do not compete."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One output, or one member of an output that is a set."""

    name: str
    member: object = None


class Result(NamedTuple):
    """The result of a slot: its value, and whether rules that exclude each other are flagged over its output."""

    value: Output
    conflict: bool


@dataclass(frozen=True, slots=True)
class Region:
    """Facts for which the slot differs: all points of `domains` except those that the space forbids."""

    slot: Slot
    domains: tuple[int, ...]
    old: Result
    new: Result
    old_rules: frozenset[str]
    new_rules: frozenset[str]
    """The rules that decide."""
    changed: frozenset[str]
    """The changed rules that match in the region."""


@dataclass(slots=True)
class StageVersion:
    """One version of the stage: its contest, the boxes of its rules, and the numbers of the rules that differ."""

    contest: Contest
    boxes: list[tuple[Box, ...]]
    changed: frozenset[int]
    truths: list[bool | None] = field(default_factory=list)

    @classmethod
    def of(cls, space: Space, stage: Stage, changed: frozenset[str]) -> StageVersion:
        contest = Contest(space.vocabulary, stage)
        boxes = [space.boxes_of(rule) for rule in contest.rules]
        return cls(contest, boxes, frozenset(n for n, rule in enumerate(contest.rules) if rule.id in changed))


class RegionSearch:
    """The search through two versions of one stage in one space."""

    def __init__(
        self, space: Space, old: StageVersion, new: StageVersion, domains: Sequence[int], *, settings_changed: bool
    ) -> None:
        self._space = space
        self._versions = (old, new)
        self._start = list(domains)
        self._settings_changed = settings_changed
        stages = (old.contest.stage, new.contest.stage)
        self._filled = {name for stage in stages for filled in (stage.default, stage.on_error) for name in filled}

    def slots(self) -> list[Slot]:
        """The outputs that may differ: a changed rule sets them, or competes with a rule that does."""
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
        """The regions in which the slot differs. They do not overlap. Raises OverBudget."""
        relevant = [_RelevantRules(version, slot) for version in self._versions]
        open_states: list[Domains] = [list(self._start)]
        while open_states:
            domains = open_states.pop()
            budget.spend(1 + sum(len(r.numbers) for r in relevant))
            for rules in relevant:
                rules.look(domains)
            if not self._settings_changed and not any(rules.changed_may_matter() for rules in relevant):
                continue
            undecided = next((u for rules in relevant if (u := rules.undecided()) is not None), None)
            if undecided is not None:
                open_states.extend(_split(domains, undecided))
                continue
            old, new = (rules.outcome() for rules in relevant)
            if old[0] == new[0]:
                continue
            allowed = find(domains, self._space.forbidden, [], budget)
            if allowed is not None:
                changed = frozenset(name for rules in relevant for name in rules.changed_and_true())
                yield Region(slot, tuple(domains), old[0], new[0], old[1], new[1], changed)


def _split(domains: Domains, box: Box) -> list[Domains]:
    """The domains outside and inside the box, split at its narrowest restriction."""
    dimension, mask = min(
        ((d, m) for d, m in box if domains[d] & ~m),
        key=lambda pair: ((domains[pair[0]] & pair[1]).bit_count(), pair[0]),
    )
    inside, outside = domains.copy(), domains.copy()
    inside[dimension] &= mask
    outside[dimension] &= ~mask
    return [outside, inside]


class _RelevantRules:
    """The rules of one version that concern a slot, and whether they match in some domains."""

    def __init__(self, version: StageVersion, slot: Slot) -> None:
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
        """Sets whether each rule matches everywhere in the domains, nowhere, or somewhere."""
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
        """A box of a rule that may matter and matches somewhere only; changed rules first. None when all is settled."""
        unknown = [n for n in self.numbers if self._truth[n] is None and self._matters(n)]
        if not unknown:
            return None
        return self._meeting[min(unknown, key=lambda n: (n not in self._version.changed, n))]

    def _matters(self, number: int) -> bool:
        """Whether a match of the rule could make a difference. False is certain."""
        contest = self._contest
        block = contest.of_block[contest.rules[number].block]
        if contest.hit[number] is HitPolicy.FIRST and any(self._truth.get(n) for n in block if n < number):
            return False
        rivals = {number} if contest.hit[number] in ALIKE else set(block)
        affected = rivals & self._setters
        if contest.hit[number] is HitPolicy.UNIQUE:
            return bool(affected)  # A second match is a conflict, whatever other blocks bring.
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
        """Whether the rule surely matches and nothing in its block can stand in its way."""
        if self._truth[number] is not True:
            return False
        in_its_way = bits(self._contest.in_its_way(number, self._slot.name))
        return all(self._truth.get(n) is False for n in in_its_way)

    def outcome(self) -> tuple[Result, frozenset[str]]:
        """The result of the slot and the rules that decide it."""
        contest, slot = self._contest, self._slot
        outcome = contest.settle(n for n in self.numbers if self._truth[n] is True)
        ids = contest.rules
        conflict = slot.name in outcome.conflicts
        if slot.member is not None:
            adding = [n for n in outcome.united.get(slot.name, ()) if slot.member in members(ids[n].then[slot.name])]
            return Result(bool(adding), conflict), frozenset(ids[n].id for n in adding)
        winner = outcome.winner.get(slot.name)
        decided = frozenset[str]() if winner is None else frozenset({ids[winner].id})
        return Result(self._whole(outcome), conflict), decided

    def _whole(self, outcome: Outcome) -> Output:
        """The output: the safe side of a conflict, the winning or united value, else the default."""
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
