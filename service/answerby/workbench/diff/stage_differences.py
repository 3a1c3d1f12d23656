"""The requests that changed rules decide otherwise, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, product

from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby.domain.ladder import Notification
from answerby.engine.compiled.rulebook import plain
from answerby.rules.model.rulebook import HitPolicy, Lexicon, Output, Rulebook, Stage
from answerby.rules.model.vocabulary import Vocabulary
from answerby.workbench.diff.model import Difference, Witness
from answerby.workbench.diff.pair import Trial, side
from answerby.workbench.diff.regions import Region, Search, Slot, Version
from answerby.workbench.diff.rules import Pair
from answerby.workbench.proofs.space.budget import Budget, OverBudget
from answerby.workbench.proofs.space.derived import domains_of
from answerby.workbench.proofs.space.facts import Facts, describe, facts_at
from answerby.workbench.proofs.space.space import NO, Aspect, Space

OPERATIONS = 400_000
"""Of the search for one output's differences."""
MOST_REGIONS = 400
"""Regions of one output that are told apart."""
MORE_POINTS, MORE_CELLS = 24, 3
"""Points of a region, and other cells of a fact, that are tried when its usual point leads nowhere."""
TRIES = 12
"""Regions of one kind of difference that are tried for witnesses."""
NOTIFY = "notify"
STANDS_FOR = "\ue000"
"""Begins the term that stands for a lexicon whose terms differ: it says nothing of other lexicons."""

Make = Callable[[str, Facts], Iterator[Witness]]


def find_differences(trial: Trial, changed: Sequence[Pair], settings: Iterable[str]) -> None:
    """Adds to the trial a witness of every kind of difference that the changed rules and stage settings make."""
    concerned = {*settings, *(pair.rule.stage for pair in changed)}
    names = [stage.name for book in (trial.old, trial.new) for stage in book.stages if stage.name in concerned]
    if not names:
        return
    space = Space(shared(trial.old, trial.new))
    for name in dict.fromkeys(names):
        pairs = [pair for pair in changed if pair.rule.stage == name]
        _Stage(trial, space, name, pairs, settings_changed=name in set(settings)).run()


def shared(old: Rulebook, new: Rulebook) -> list[Rulebook]:
    """The two with one vocabulary, and with lexicons that say the same in both."""
    fields = {**old.vocabulary.fields, **new.vocabulary.fields}
    for name, known in old.vocabulary.fields.items():
        twin = new.vocabulary.fields.get(name)
        if twin is not None and twin.values != known.values:
            more = tuple(value for value in known.values if value not in twin.values)
            fields[name] = replace(twin, values=(*twin.values, *more))
    lexicons = {**old.lexicons, **new.lexicons}
    for name in lexicons:
        if old.lexicons.get(name) != new.lexicons.get(name):
            lexicons[name] = Lexicon(name, (STANDS_FOR + name,))
    return [replace(book, vocabulary=Vocabulary(fields), lexicons=lexicons) for book in (old, new)]


class _Stage:
    def __init__(self, trial: Trial, space: Space, name: str, pairs: Sequence[Pair], *, settings_changed: bool) -> None:
        self._trial = trial
        self._space = space
        self._name = name
        old = Version.of(space, _stage_of(trial.old, name), frozenset(p.old.id for p in pairs if p.old is not None))
        new = Version.of(space, _stage_of(trial.new, name), frozenset(p.new.id for p in pairs if p.new is not None))
        self._names = {p.old.id: p.rule.id for p in pairs if p.old is not None}
        """The ids that changes are told by, of ids in the old rulebook."""
        self._concerned = {pair.rule.id for pair in pairs} or {name}
        self._domains = _domains(space, [book for book in (trial.old, trial.new) if _has(book, name)], name)
        self._search = Search(space, old, new, self._domains, settings_changed=settings_changed)

    def run(self) -> None:
        for slot in self._search.slots():
            regions, complete = self._regions(slot)
            if not complete:
                self._trial.leave_open(f"{self._name}: {slot.name} differs in more ways than were looked at")
                self._trial.unproved |= self._concerned
            groups: dict[tuple[str, str], list[Region]] = {}
            for region in regions:
                groups.setdefault((repr(region.old), repr(region.new)), []).append(region)
            for group in groups.values():
                self._group(slot, group)

    def _regions(self, slot: Slot) -> tuple[list[Region], bool]:
        """The regions found, and whether these are all."""
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
        """One witness for the group, and more for changed rules that it does not show."""
        trial = self._trial
        ordered = sorted(group, key=lambda region: (len(self._restricted(region)), region.domains))
        found_any = (
            self._try(slot, ordered, trial.maker.make)
            or self._sampled(slot, group)
            or self._try(slot, ordered, trial.maker.make, points=MORE_POINTS)
        )
        if not found_any or not self._all_shown(group):
            found_any |= self._try(slot, ordered, trial.maker.make_by_hand, more=found_any)
        unseen = frozenset[str]().union(*(self._changed(region) for region in group)) - trial.shown
        if unseen or not found_any:
            where = "; ".join(describe(self._space, self._restricted(ordered[0]))) or "nothing is known"
            trial.leave_open(
                f"{self._name}: {slot.name} differs where {where}, but no request that gets there was found"
            )
            trial.unproved |= unseen or self._concerned

    def _all_shown(self, group: Iterable[Region]) -> bool:
        return all(self._changed(region) <= self._trial.shown for region in group)

    def _try(self, slot: Slot, ordered: Sequence[Region], make: Make, *, points: int = 1, more: bool = False) -> bool:
        """Adds a witness for the group; further ones (`more`: only such) for changed rules that none has shown yet."""
        trial = self._trial
        found = False
        for region in ordered[:TRIES]:
            rules = self._changed(region)
            if (found or more) and rules <= trial.shown:
                continue
            difference = self._show(slot, region, len(ordered), make, points)
            if difference is not None:
                found = True
                trial.shown |= rules or {self._name}
                trial.add(difference)
        return found

    def _sampled(self, slot: Slot, group: Sequence[Region]) -> bool:
        """A request out of many made at random that is decided otherwise in just this way."""
        trial = self._trial
        for sample in trial.samples():
            old, new = (side(decision, self._name, slot.name) for decision in sample.decisions)
            if old.value == new.value:
                continue
            same = [region for region in group if _is(slot, region.old, old.value) and _is(slot, region.new, new.value)]
            if same:
                rules = self._changed(same[0])
                trial.shown |= rules or {self._name}
                difference = Difference(self._name, slot.name, old, new, sample.witness, (), len(group), rules)
                trial.add(difference)
                return True
        return False

    def _show(self, slot: Slot, region: Region, regions: int, make: Make, points: int) -> Difference | None:
        restricted = self._restricted(region)
        facts = (facts_at(self._space, point) for point in islice(_points(self._space, restricted), points))
        for witness in chain.from_iterable(make(self._name, found) for found in facts):
            sides = self._trial.decide(witness)
            if sides is None:
                continue
            old, new = (side(decision, self._name, slot.name) for decision in sides)
            if (
                _told(sides[0], self._name, slot.name) != _told(sides[1], self._name, slot.name)
                and _is(slot, region.old, old.value)
                and _is(slot, region.new, new.value)
            ):
                lines = describe(self._space, restricted)
                rules = self._changed(region)
                return Difference(self._name, slot.name, old, new, witness, lines, regions, rules)
        return None

    def _differ(self, slot: Slot, sides: tuple[Decision, Decision]) -> bool:
        one, two = (_told(decision, self._name, slot.name) for decision in sides)
        return one != two

    def _changed(self, region: Region) -> frozenset[str]:
        return frozenset(self._names.get(name, name) for name in region.changed)

    def _restricted(self, region: Region) -> dict[int, int]:
        """What the region says beyond what always holds."""
        pairs = zip(region.domains, self._domains, strict=False)
        return {number: mask for number, (mask, usual) in enumerate(pairs) if mask != usual}


def _is(slot: Slot, wanted: Output, value: Value) -> bool:
    """Whether the output of a request is what a region says of the slot."""
    if slot.member is None:
        told = None if wanted is None else plain(wanted)
        return told == value or (isinstance(told, list) and isinstance(value, list) and set(told) == set(value))
    if isinstance(slot.member, Notification):
        return True  # Decisions show the roles only, and another notification may name the same ones.
    return (isinstance(value, list) and str(slot.member) in value) is bool(wanted)


def _told(decision: Decision, stage: str, name: str) -> object:
    """What the stage came to, in full."""
    if name == NOTIFY:
        return [effect for effect in decision.effects if effect.kind is EffectKind.NOTIFY]
    return side(decision, stage, name).value


def _domains(space: Space, books: Sequence[Rulebook], stage: str) -> list[int]:
    """The cells that facts can lie in when one or the other asks the stage."""
    united = [0] * len(space.dimensions)
    for book in books:
        for number, mask in enumerate(domains_of(space, book, stage)):
            united[number] |= mask
    return united


def _has(book: Rulebook, name: str) -> bool:
    return any(stage.name == name for stage in book.stages)


def _stage_of(book: Rulebook, name: str) -> Stage:
    return next((stage for stage in book.stages if stage.name == name), Stage(name, HitPolicy.COLLECT, ()))


def _points(space: Space, restricted: Mapping[int, int]) -> Iterator[dict[int, int]]:
    """Points of a region, the most usual one first."""
    choices = []
    for number, mask in restricted.items():
        usual = _usual(space, number, mask)
        others = [1 << cell for cell in range(mask.bit_length()) if mask >> cell & 1 and 1 << cell != usual]
        choices.append([usual, *others[:MORE_CELLS]])
    return (dict(zip(restricted, chosen, strict=True)) for chosen in product(*choices))


def _usual(space: Space, number: int, mask: int) -> int:
    """One cell of those allowed: the default of the field, `no` of what is true or false, else the first."""
    dimension = space.dimensions[number]
    if dimension.aspect is not Aspect.VALUE:
        return NO if mask & NO else mask & -mask
    default = space.vocabulary[dimension.field].default
    if default is not None:
        usual = space.holding(dimension.field, default) & mask
        if usual:
            return usual & -usual
    return mask & -mask
