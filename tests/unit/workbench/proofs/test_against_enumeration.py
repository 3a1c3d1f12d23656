"""The findings against an enumeration of all facts, decided by the engine: not one may be missing or too much."""

from itertools import combinations
from random import Random

from hypothesis import given, note

from answerby.rules.model.rulebook import HitPolicy, Rule, RuleMode
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs import Analysis, analyse
from tests.kit.examples import chances, examples
from tests.unit.workbench.proofs.small_rulebooks import VOCABULARY, World, make_rulebook, make_stage


def about(analysis: Analysis, code: Code) -> set[str]:
    return {finding.rules[0] for finding in analysis.of(code)}


class Expected:
    """The definitions of the findings, word by word, over all match sets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sets = world.match_sets
        self.rules = world.stage.rules
        self.live = [n for n, rule in enumerate(self.rules) if rule.mode is RuleMode.LIVE]
        self.hit = {block.id: block.hit for block in world.stage.blocks}
        matched = {n for found in self.sets for n in found}
        won = {rule.id for found in self.sets for rule in world.resolution(found).won}
        self.unreachable = {self.rules[n].id for n in self.live if n not in matched}
        self.dead = {self.rules[n].id for n in matched if self.rules[n].id not in won}

    def overlaps(self) -> set[str]:
        found = set()
        for matched in self.sets:
            for one, two in combinations(matched, 2):
                a, b = self.rules[one], self.rules[two]
                if (a.block == b.block and self.hit[a.block] is HitPolicy.UNIQUE) or self._compete(a, b, matched):
                    found.add(a.id)
        return found

    def _compete(self, a: Rule, b: Rule, matched: tuple[int, ...]) -> bool:
        if self.world.stage.hit is not HitPolicy.UNIQUE:
            return False
        both = [n for n in set(a.then) & set(b.then) if VOCABULARY.fields.get(n, None) and n != "tags"]
        return any(self._stands(a, n, matched) and self._stands(b, n, matched) for n in both)

    def _stands(self, rule: Rule, name: str, matched: tuple[int, ...]) -> bool:
        """Whether the rule is what its block brings out for the output."""
        fellows = tuple(n for n in matched if self.rules[n].block == rule.block)
        alone = self.world.resolution(fellows)
        if name in alone.conflicts and self.hit[rule.block] is HitPolicy.UNIQUE:
            return False
        if self.hit[rule.block] is HitPolicy.COLLECT:
            return True
        return alone.setter.get(name) is rule

    def conflicts(self) -> set[str]:
        found = set()
        if self.world.stage.hit is HitPolicy.UNIQUE:
            return found
        for matched in self.sets:
            resolution = self.world.resolution(matched)
            for name, one in resolution.setter.items():
                if name in {"tags", "notify"} or self.hit[one.block] is HitPolicy.UNIQUE:
                    continue
                rest = tuple(n for n in matched if self.rules[n] is not one)
                two = self.world.resolution(rest).setter.get(name)
                if two is None or two.then[name] == one.then[name]:
                    continue
                if (
                    one.order[:2] == two.order[:2]
                    and one.order[2] != two.order[2]
                    and not self._by_severity(one, two, name)
                ):
                    found.add(one.id)
        return found

    def _by_severity(self, one: Rule, two: Rule, name: str) -> bool:
        severe = self.world.stage.hit is HitPolicy.MOST_SEVERE
        severe |= one.block == two.block and self.hit[one.block] is HitPolicy.MOST_SEVERE
        return severe and name == "priority"

    def redundant(self) -> set[str]:
        overlapping = {
            n
            for matched in self.sets
            for one, two in combinations(matched, 2)
            for n in (one, two)
            if (self.rules[one].block == self.rules[two].block and self.hit[self.rules[one].block] is HitPolicy.UNIQUE)
            or self._compete(self.rules[one], self.rules[two], matched)
        }
        found = set()
        for number in self.live:
            rule = self.rules[number]
            if rule.id in self.unreachable | self.dead or number in overlapping:
                continue
            with_rule = [m for m in self.sets if number in m]
            if all(self._same(m, tuple(n for n in m if n != number)) for m in with_rule):
                found.add(rule.id)
        return found

    def _same(self, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
        one, two = self.world.resolution(before), self.world.resolution(after)
        values = [
            {n: frozenset(map(repr, v)) if isinstance(v, list | tuple) else v for n, v in found.outputs.items()}
            for found in (one, two)
        ]
        return values[0] == values[1]

    def gaps(self) -> set[str]:
        found = set()
        for block in self.world.stage.blocks:
            rows = [n for n in self.live if self.rules[n].block == block.id]
            if not rows or (block.id.startswith("file:") and len(rows) < 2):
                continue
            names = sorted(set.intersection(*(set(self.rules[n].then) for n in rows)))
            names = [n for n in names if n not in self.world.stage.default and n not in {"tags", "notify"}][:1]
            for name in names:
                others = [n for n in self.live if name in self.rules[n].then and n not in rows]
                if any(
                    not set(rows) & set(m) and not any(n in m and self._stands(self.rules[n], name, m) for n in others)
                    for m in self.sets
                ):
                    found.add(block.id)
        return found


@examples(500, deep=30_000)
@given(chance=chances)
def test_findings_are_exactly_those_of_the_enumeration(chance: Random) -> None:
    stage, fields = make_stage(chance)
    note(stage)
    analysis = analyse(make_rulebook(stage))
    world = World(stage, fields)
    assert not [f for f in analysis.not_analysable if "stays open" in f.message]
    expected = Expected(world)
    assert about(analysis, Code.UNREACHABLE_RULE) == expected.unreachable
    assert about(analysis, Code.SHADOWED_RULE) | about(analysis, Code.NEVER_WINS) == expected.dead
    assert about(analysis, Code.OVERLAP) == expected.overlaps()
    assert about(analysis, Code.CONFLICT) == expected.conflicts()
    assert about(analysis, Code.REDUNDANT_ROW) == expected.redundant()
    assert {f.block for f in analysis.of(Code.GAP)} == expected.gaps()
