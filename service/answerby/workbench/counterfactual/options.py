"""The other possible values of a given fact: one for each way in which the rules distinguish values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from answerby.domain.condition import Atom, Op
from answerby.domain.event import Value
from answerby.engine.facts.coercion import Typed, spellings
from answerby.engine.facts.record import Record
from answerby.rules.model.score import Factor
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.workbench.counterfactual.changes import Change, ChangeKind, ChangeSet, Plain, combine, hashable
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.texts import example_term

BUILT_IN = ("event.", "request.")
"""Facts about the event and the course of the request. They say what happened, so they cannot be changed."""
STAND_IN = "given"
"""The placeholder for a value of which only its presence matters."""
ORDERED = frozenset({Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQ, Op.IN})
MULTIPLES = (0.0, 0.5, 2.0, 5.0, 10.0, 100.0)
"""Other values to try for a number that a score takes unchanged."""
CALENDAR_DAYS = 21
"""The number of days around an instant in which the search looks for one inside or outside a calendar."""
COUNT, GIVE, CLEAR, WORDS, MENTION, UNMENTION = 1.5, 1.2, 2.5, 1.6, 2.0, 3.0
"""Sizes of changes. Another value has size 1. Smaller sizes are easier to imagine and come first."""


class Options:
    """The changes that a search may make. `keep` names facts that must not change."""

    def __init__(self, situation: Situation, keep: Iterable[str] = ()) -> None:
        self.situation = situation
        self.fields = situation.compiled.rulebook.vocabulary.fields
        self._plan = situation.compiled.plan
        self._windows = dict(situation.compiled.windows)
        self._keep = frozenset(keep)
        self._identities = {window.by for window in self._windows.values()}
        self._atoms: dict[str, list[Atom]] = {}
        for atom in self._plan.atoms:
            self._atoms.setdefault(atom.field, []).append(atom)
        self._required = required_fields(situation)
        self._factors = factors_by_field(situation)
        self._of_field: dict[str, list[Change]] = {}
        self._records: dict[tuple[str, Plain], Record] = {}
        self._examples: dict[str, str] = {}

    def changeable(self, name: str) -> bool:
        """Whether the fact is given and may change.

        Identities, kept facts, and facts of the event and its course may not.
        """
        field = self.fields[name]
        if field.derived_by or name.startswith(BUILT_IN) or name in self._identities:
            return False
        if self._keep & {name, *field.parts}:
            return False
        window = self._windows.get(name)
        return window is None or self.situation.given.get(window.by) is not None or name in self._counts

    @property
    def _counts(self) -> Iterable[str]:
        return self.situation.context.windows

    def fields_asked(self) -> list[str]:
        """The changeable fields that some rule reads, in order."""
        return sorted(name for name in {*self._atoms, *self._required, *self._factors} if self.changeable(name))

    def lexicons_asked(self, name: str) -> list[str]:
        """The lexicons that some rule looks for in the text."""
        return sorted({str(o) for atom in self._atoms.get(name, ()) if atom.op is Op.MENTIONS for o in atom.operands})

    def of_field(self, name: str) -> list[Change]:
        """The changes of the fact, one for each truth of the rules' conditions on it. Text mentions are left out."""
        if name not in self._of_field:
            self._of_field[name] = list(self._changes(name)) if self.changeable(name) else []
        return self._of_field[name]

    def of_lexicon(self, name: str, lexicon: str) -> list[Change]:
        """The change that makes the text mention the lexicon, or no longer mention it."""
        if not self.changeable(name):
            return []
        text = self.situation.record.text(name)
        if text is not None and lexicon in text.lexicons:
            return [Change(name, ChangeKind.UNMENTION, lexicon=lexicon, size=UNMENTION)]
        term = self._example(lexicon)
        return [Change(name, ChangeKind.MENTION, lexicon=lexicon, example=term, size=MENTION)] if term else []

    def satisfying(self, atom: Atom, want: bool, record: Record) -> list[ChangeSet]:
        """The changes that give an atom on a given fact this truth. The atom has the opposite truth in the record."""
        if atom.op is not Op.MENTIONS:
            return [(c,) for c in self.of_field(atom.field) if self.truth(atom, c) is want]
        if want:
            return [(change,) for o in atom.operands for change in self.of_lexicon(atom.field, str(o))]
        text = record.text(atom.field)
        mentioned = sorted(text.lexicons & {str(o) for o in atom.operands}) if text is not None else []
        together: ChangeSet | None = ()
        for lexicon in mentioned:
            changes = tuple(self.of_lexicon(atom.field, lexicon))
            together = combine(together, changes) if together is not None and changes else None
        return [together] if together else []

    def truth(self, atom: Atom, change: Change) -> bool | None:
        """The truth of an atom on the field after the change."""
        return self.truth_of_value(atom, change.to)

    def truth_of_value(self, atom: Atom, value: Plain) -> bool | None:
        """The truth of an atom on its field with a transmitted value. None stands for a missing value."""
        key = (atom.field, value)
        record = self._records.get(key)
        if record is None:
            plain_value = list(value) if isinstance(value, tuple) else value
            given = self.fields[atom.field].derived_by == () and atom.field not in self._windows
            record = (
                self._plan.record({atom.field: plain_value})
                if given
                else self._plan.record({}, {atom.field: plain_value})
            )
            self._records[key] = record
        return record.truth(atom)

    def _example(self, lexicon: str) -> str:
        if lexicon not in self._examples:
            found = self.situation.compiled.rulebook.lexicons.get(lexicon)
            self._examples[lexicon] = example_term(self._plan.lexicons, found) if found is not None else ""
        return self._examples[lexicon]

    def _changes(self, name: str) -> Iterator[Change]:
        atoms = [atom for atom in self._atoms.get(name, ()) if atom.op is not Op.MENTIONS]
        now = self._signature(name, atoms, hashable(self._current(name)))
        best: dict[tuple[object, ...], Change] = {}
        for change in self._candidates(self.fields[name], atoms):
            signature = self._signature(name, atoms, change.to)
            if signature != now and (signature not in best or change.size < best[signature].size):
                best[signature] = change
        yield from sorted(best.values(), key=lambda c: (c.size, repr(c.to)))

    def _signature(self, name: str, atoms: list[Atom], value: Plain) -> tuple[object, ...]:
        """The rules' view of the value.

        The truths of their conditions, its presence if that counts, and the score inputs.
        """
        counts = name in self._required and self.fields[name].default is None
        truths = (self.truth_of_value(atom, value) for atom in atoms)
        return (counts and value is not None, *truths, *(as_factor(f, value) for f in self._factors.get(name, ())))

    def _current(self, name: str) -> Value:
        return self.situation.record.value(name) if name in self._windows else self.situation.given.get(name)

    def _candidates(self, field: Field, atoms: list[Atom]) -> Iterator[Change]:
        current = self.situation.record.get(field.name)
        is_given = self.situation.given.get(field.name) is not None
        if is_given and field.window is None and not field.always:
            yield Change(field.name, ChangeKind.CLEAR, size=CLEAR)
        operands = [o for atom in atoms for o in atom.operands]
        match field.type:
            case FieldType.ENUM:
                yield from _enum(field, current)
            case FieldType.BOOLEAN:
                yield from (_set(field, value) for value in (True, False) if value is not current)
            case FieldType.SET:
                yield from _sets(field, current, operands)
            case FieldType.INTEGER | FieldType.DECIMAL | FieldType.DURATION:
                yield from _numbers(field, current, atoms, self._factors.get(field.name, ()))
            case FieldType.INSTANT:
                yield from self._instants(field, current, atoms)
            case FieldType.TEXT | FieldType.STRING:
                yield from _words(field, atoms)
        if not is_given and field.default is None and field.window is None:
            yield from self._stand_in(field, atoms)

    def _stand_in(self, field: Field, atoms: list[Atom]) -> Iterator[Change]:
        """Some value for a fact of which only its presence matters."""
        if field.type in {FieldType.TEXT, FieldType.STRING}:
            yield Change(field.name, ChangeKind.GIVE, STAND_IN, size=GIVE)
        elif field.name not in self._factors and all(atom.op is Op.MISSING for atom in atoms):
            values: dict[FieldType, Plain] = {
                FieldType.INTEGER: _some_number(field),
                FieldType.DECIMAL: _some_number(field),
                FieldType.DURATION: "PT1H",
                FieldType.INSTANT: self.situation.event.time.isoformat(),
                FieldType.BOOLEAN: True,
            }
            first = field.values[0] if field.values else STAND_IN
            yield Change(field.name, ChangeKind.GIVE, values.get(field.type, first), size=GIVE - 0.5)

    def _instants(self, field: Field, current: Typed | None, atoms: list[Atom]) -> Iterator[Change]:
        start = current if isinstance(current, datetime) else self.situation.event.time
        edges = [datetime.fromisoformat(str(o)) for a in atoms if a.op in ORDERED for o in a.operands]
        moments = [edge + timedelta(seconds=s) for edge in edges for s in (-1, 0, 1)]
        moments += [one + (two - one) / 2 for one, two in pairwise(sorted(set(edges)))]
        if any(atom.op is Op.INSIDE for atom in atoms):
            whole = start.replace(minute=0, second=0, microsecond=0)
            moments += [whole + timedelta(hours=h * sign) for h in range(1, 24 * CALENDAR_DAYS) for sign in (1, -1)]
        for moment in moments:
            away = abs((moment - start).total_seconds())
            yield _set(field, moment.isoformat(), 1 + away / (away + 86_400))


def factors_by_field(situation: Situation) -> dict[str, list[Factor]]:
    """The factors of scores by the field that they read."""
    found: dict[str, list[Factor]] = {}
    for stage in situation.compiled.rulebook.stages:
        for score in stage.scores:
            for factor in score.factors:
                found.setdefault(factor.field, []).append(factor)
    return found


def as_factor(factor: Factor, value: Plain) -> object:
    """The score's view of the value. It is equal for values that the score does not distinguish."""
    if factor.bands and isinstance(value, (int, float)):
        return next((n for n, band in enumerate(factor.bands) if band.below is None or value < band.below), None)
    if factor.numbers and isinstance(value, (str, bool)):
        return factor.numbers.get(value)
    return value


def required_fields(situation: Situation) -> frozenset[str]:
    """The fields that completeness rules require."""
    rules = (rule for stage in situation.compiled.rulebook.stages for rule in stage.rules)
    lists = (rule.then.get("require") for rule in rules)
    found = {str(name) for names in lists if isinstance(names, (list, tuple)) for name in names}
    return frozenset(found & set(situation.compiled.rulebook.vocabulary.fields))


def _set(field: Field, value: Plain, size: float = 1.0) -> Change:
    return Change(field.name, ChangeKind.SET, value, size=size)


def _enum(field: Field, current: Typed | None) -> Iterator[Change]:
    at = field.values.index(str(current)) if current in field.values else -1
    for index, value in enumerate(field.values):
        if index != at:
            yield _set(field, value, 1 + abs(index - at) / 100)


def _sets(field: Field, current: Typed | None, operands: list[str | int | bool]) -> Iterator[Change]:
    held = current if isinstance(current, frozenset) else frozenset()
    known = spellings(field) if field.values else {}
    asked = sorted({known.get(str(o), str(o)) for o in operands})
    for value in asked:
        after = held - {value} if value in held else held | {value}
        yield _set(field, tuple(sorted(after)), 1.2)


def _numbers(field: Field, current: Typed | None, atoms: list[Atom], factors: Sequence[Factor]) -> Iterator[Change]:
    edges = sorted({float(o) for a in atoms if a.op in ORDERED for o in a.operands if not isinstance(o, str)})
    edges += [float(o) for a in atoms if a.op in ORDERED for o in a.operands if isinstance(o, str) and _is_number(o)]
    edges += [float(band.below) for factor in factors for band in factor.bands if band.below is not None]
    values = {edge + step for edge in edges for step in (-1, 0, 1)} | {(a + b) / 2 for a, b in pairwise(sorted(edges))}
    here = float(current) if isinstance(current, (int, float)) else 0.0
    if any(not factor.bands for factor in factors):
        values |= {here * times for times in MULTIPLES} | {1.0, 10.0, 100.0}
    lowest = min([0.0, here, *edges])
    base = COUNT if field.window is not None else 1.0
    for value in sorted(values):
        whole = value.is_integer()
        if value < lowest or (not whole and field.type is FieldType.INTEGER) or not field.has_room_for(value):
            continue
        away = abs(value - here)
        yield _set(field, _number(field, int(value) if whole else value), base + away / (away + 100))


def _some_number(field: Field) -> Plain:
    """1, or the number next to it in the range of the field."""
    bound = 1 if field.has_room_for(1) else field.most if field.least is None or field.least < 1 else field.least
    number = Decimal(1) if bound is None else Decimal(bound)
    return int(number) if number == int(number) else float(number)


def _number(field: Field, value: float) -> Plain:
    return f"{'-' if value < 0 else ''}PT{abs(value)}S" if field.type is FieldType.DURATION else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(field: Field, atoms: list[Atom]) -> Iterator[Change]:
    """Values that rules name. A personal identity is never invented, but its presence may be supposed."""
    if field.personal and field.type is FieldType.STRING:
        return
    for atom in atoms:
        if atom.op in {Op.EQ, Op.IN, Op.EQUALS, Op.STARTS_WITH}:
            yield from (_set(field, str(operand), WORDS) for operand in atom.operands)
