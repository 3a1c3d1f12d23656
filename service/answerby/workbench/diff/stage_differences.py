"""The requests that changed rules decide otherwise, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, product

from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.ladder import Notification
from answerby.engine.compiled.rulebook import plain
from answerby.rules.model.rulebook import HitPolicy, Lexicon, Rulebook, Stage
from answerby.rules.model.vocabulary import Vocabulary
from answerby.workbench.diff.model import Difference, OutputResult, Witness
from answerby.workbench.diff.regions import Region, RegionSearch, Result, Slot, StageVersion
from answerby.workbench.diff.rule_pairs import RulePair
from answerby.workbench.diff.rulebook_pair import RulebookPair, output_result
from answerby.workbench.proofs.space.budget import Budget, OverBudget
from answerby.workbench.proofs.space.derived_facts import domains_by_hand
from answerby.workbench.proofs.space.dimensions import NO, Aspect
from answerby.workbench.proofs.space.facts import Facts, describe, facts_at
from answerby.workbench.proofs.space.space import Space

OPERATIONS = 400_000
"""The operations for the differences of one output."""
MOST_REGIONS = 400
"""The most regions of one output."""
MORE_POINTS, MORE_CELLS = 24, 3
"""The points of a region, and the further cells of each fact, tried when the usual point shows nothing."""
TRIES = 12
"""The most regions of one kind of difference that are tried for witnesses."""
NOTIFY = "notify"
STANDS_FOR = "\ue000"
"""The beginning of the term that stands for a lexicon with changed terms. No other lexicon has it."""

Make = Callable[[str, Facts], Iterator[Witness]]


def find_differences(rulebooks: RulebookPair, changed: Sequence[RulePair], settings: Iterable[str]) -> None:
    """Adds a witness for every kind of difference that the changed rules and stage settings make."""
    concerned = {*settings, *(pair.rule.stage for pair in changed)}
    names = [stage.name for book in (rulebooks.old, rulebooks.new) for stage in book.stages if stage.name in concerned]
    if not names:
        return
    space = Space(with_shared_words(rulebooks.old, rulebooks.new))
    for name in dict.fromkeys(names):
        pairs = [pair for pair in changed if pair.rule.stage == name]
        _StageComparison(rulebooks, space, name, pairs, settings_changed=name in set(settings)).run()


def with_shared_words(old: Rulebook, new: Rulebook) -> list[Rulebook]:
    """Both rulebooks with one vocabulary, and with one stand-in term for each lexicon that differs."""
    fields = {**old.vocabulary.fields, **new.vocabulary.fields}
    for name, known in old.vocabulary.fields.items():
        counterpart = new.vocabulary.fields.get(name)
        if counterpart is not None and counterpart.values != known.values:
            more = tuple(value for value in known.values if value not in counterpart.values)
            fields[name] = replace(counterpart, values=(*counterpart.values, *more))
    lexicons = {**old.lexicons, **new.lexicons}
    for name in lexicons:
        if old.lexicons.get(name) != new.lexicons.get(name):
            lexicons[name] = Lexicon(name, (STANDS_FOR + name,))
    return [replace(book, vocabulary=Vocabulary(fields), lexicons=lexicons) for book in (old, new)]


class _StageComparison:
    def __init__(
        self, rulebooks: RulebookPair, space: Space, name: str, pairs: Sequence[RulePair], *, settings_changed: bool
    ) -> None:
        self._rulebooks = rulebooks
        self._space = space
        self._name = name
        old = StageVersion.of(
            space, _stage_of(rulebooks.old, name), frozenset(p.old.id for p in pairs if p.old is not None)
        )
        new = StageVersion.of(
            space, _stage_of(rulebooks.new, name), frozenset(p.new.id for p in pairs if p.new is not None)
        )
        self._names = {p.old.id: p.rule.id for p in pairs if p.old is not None}
        """The ids by which changes are reported, by id in the old rulebook."""
        self._concerned = {pair.rule.id for pair in pairs} or {name}
        self._domains = _domains(space, [book for book in (rulebooks.old, rulebooks.new) if _has(book, name)], name)
        self._search = RegionSearch(space, old, new, self._domains, settings_changed=settings_changed)

    def run(self) -> None:
        for slot in self._search.slots():
            regions, complete = self._regions(slot)
            if not complete:
                self._rulebooks.add_open(f"{self._name}: {slot.name} differs in more ways than were looked at")
                self._rulebooks.unproved |= self._concerned
            groups: dict[tuple[str, str], list[Region]] = {}
            for region in regions:
                groups.setdefault((repr(region.old), repr(region.new)), []).append(region)
            for group in groups.values():
                self._group(slot, group)

    def _regions(self, slot: Slot) -> tuple[list[Region], bool]:
        """The regions found, and whether they are all."""
        found: list[Region] = []
        try:
            for region in self._search.differences(slot, Budget(OPERATIONS)):
                found.append(region)
                if len(found) == MOST_REGIONS:
                    return found, False
        except OverBudget:
            return found, False
        return found, True

    def _group(self, slot: Slot, group: Sequence[Region]) -> None:
        """Adds a witness for the group, and further ones for changed rules that the first does not show."""
        rulebooks = self._rulebooks
        ordered = sorted(group, key=lambda region: (len(self._restricted(region)), region.domains))
        found_any = (
            self._add_witnesses(slot, ordered, rulebooks.maker.make)
            or self._add_sampled(slot, group)
            or self._add_witnesses(slot, ordered, rulebooks.maker.make, points=MORE_POINTS)
        )
        if not found_any or not self._all_witnessed(group):
            found_any |= self._add_witnesses(slot, ordered, rulebooks.maker.make_by_hand, more=found_any)
        unwitnessed = frozenset[str]().union(*(self._changed(region) for region in group)) - rulebooks.shown_by_witness
        if unwitnessed or not found_any:
            where = "; ".join(describe(self._space, self._restricted(ordered[0]))) or "nothing is known"
            rulebooks.add_open(
                f"{self._name}: {slot.name} differs where {where}, but no request that gets there was found"
            )
            rulebooks.unproved |= unwitnessed or self._concerned

    def _all_witnessed(self, group: Iterable[Region]) -> bool:
        return all(self._changed(region) <= self._rulebooks.shown_by_witness for region in group)

    def _add_witnesses(
        self, slot: Slot, ordered: Sequence[Region], make: Make, *, points: int = 1, more: bool = False
    ) -> bool:
        """Adds a witness for the group and for changed rules without one. With `more` only the latter."""
        rulebooks = self._rulebooks
        found = False
        for region in ordered[:TRIES]:
            rules = self._changed(region)
            if (found or more) and rules <= rulebooks.shown_by_witness:
                continue
            difference = self._show(slot, region, len(ordered), make, points)
            if difference is not None:
                found = True
                rulebooks.shown_by_witness |= rules or {self._name}
                rulebooks.add(difference)
        return found

    def _add_sampled(self, slot: Slot, group: Sequence[Region]) -> bool:
        """Adds a random request that is decided otherwise in just this way."""
        rulebooks = self._rulebooks
        for sample in rulebooks.samples():
            old, new = (output_result(decision, self._name, slot.name) for decision in sample.decisions)
            if old.result == new.result:
                continue
            same = [region for region in group if _agrees(slot, region.old, old) and _agrees(slot, region.new, new)]
            if same:
                rules = self._changed(same[0])
                rulebooks.shown_by_witness |= rules or {self._name}
                difference = Difference(self._name, slot.name, old, new, sample.witness, (), len(group), rules)
                rulebooks.add(difference)
                return True
        return False

    def _show(self, slot: Slot, region: Region, regions: int, make: Make, points: int) -> Difference | None:
        restricted = self._restricted(region)
        facts = (facts_at(self._space, point) for point in islice(_points(self._space, restricted), points))
        for witness in chain.from_iterable(make(self._name, found) for found in facts):
            sides = self._rulebooks.decide(witness)
            if sides is None:
                continue
            old, new = (output_result(decision, self._name, slot.name) for decision in sides)
            if (
                _full_value(sides[0], self._name, slot.name) != _full_value(sides[1], self._name, slot.name)
                and _agrees(slot, region.old, old)
                and _agrees(slot, region.new, new)
            ):
                lines = describe(self._space, restricted)
                rules = self._changed(region)
                return Difference(self._name, slot.name, old, new, witness, lines, regions, rules)
        return None

    def _changed(self, region: Region) -> frozenset[str]:
        return frozenset(self._names.get(name, name) for name in region.changed)

    def _restricted(self, region: Region) -> dict[int, int]:
        """The restrictions of the region beyond what always holds."""
        pairs = zip(region.domains, self._domains, strict=False)
        return {number: mask for number, (mask, usual) in enumerate(pairs) if mask != usual}


def _agrees(slot: Slot, region: Result, found: OutputResult) -> bool:
    """Whether the output of a request agrees with the region."""
    expected, value = region.value, found.value
    if found.conflict is not region.conflict:
        return False
    if slot.member is None:
        plain_value = None if expected is None else plain(expected)
        return plain_value == value or (
            isinstance(plain_value, list) and isinstance(value, list) and set(plain_value) == set(value)
        )
    if isinstance(slot.member, Notification):
        return True  # A decision shows only the roles, and another notification may name the same roles.
    return (isinstance(value, list) and str(slot.member) in value) is bool(expected)


def _full_value(decision: Decision, stage: str, name: str) -> object:
    """The result of the stage for the output, with messages in full."""
    found = output_result(decision, stage, name)
    if name == NOTIFY:
        return [effect for effect in decision.effects if effect.kind is EffectKind.NOTIFY], found.conflict
    return found.result


def _domains(space: Space, books: Sequence[Rulebook], stage: str) -> list[int]:
    """The masks of the cells that facts can have when either rulebook asks the stage."""
    united = [0] * len(space.dimensions)
    for book in books:
        for number, mask in enumerate(domains_by_hand(space, book, stage)):
            united[number] |= mask
    return united


def _has(book: Rulebook, name: str) -> bool:
    return any(stage.name == name for stage in book.stages)


def _stage_of(book: Rulebook, name: str) -> Stage:
    return next((stage for stage in book.stages if stage.name == name), Stage(name, HitPolicy.COLLECT, ()))


def _points(space: Space, restricted: Mapping[int, int]) -> Iterator[dict[int, int]]:
    """The points of a region, the most usual first."""
    choices = []
    for number, mask in restricted.items():
        usual = _usual(space, number, mask)
        others = [1 << cell for cell in range(mask.bit_length()) if mask >> cell & 1 and 1 << cell != usual]
        choices.append([usual, *others[:MORE_CELLS]])
    return (dict(zip(restricted, chosen, strict=True)) for chosen in product(*choices))


def _usual(space: Space, number: int, mask: int) -> int:
    """One of the cells allowed: the default of the field, `no` of a truth, else the first."""
    dimension = space.dimensions[number]
    if dimension.aspect is not Aspect.VALUE:
        return NO if mask & NO else mask & -mask
    default = space.vocabulary[dimension.field].default
    if default is not None:
        usual = space.holding(dimension.field, default) & mask
        if usual:
            return usual & -usual
    return mask & -mask
