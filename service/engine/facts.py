"""Facts first: every event becomes one total, typed record before any rule is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from service.domain.decision import Flag
from service.domain.errors import FieldViolation, InvalidInput
from service.domain.event import Value
from service.engine.characters import clean
from service.engine.coercion import Coercer, Refused, Typed, coercer
from service.engine.lexicons import LexiconIndex
from service.engine.predicates import Evaluator, compile_atom
from service.rules.condition import Atom, Op, atoms
from service.rules.folding import fold, normalize_width
from service.rules.model import Rulebook
from service.rules.vocabulary import Field, FieldType

UNKNOWN_FIELD = "UNKNOWN_FIELD"
DERIVED_FIELD = "DERIVED_FIELD"
FLAG_LIMIT = 50
"""Flags kept of one record, so that a hostile event cannot swell its decision."""


UNLIKE_WIRE = frozenset({FieldType.INSTANT, FieldType.SET})
"""Types whose values look different in a record and as they travel."""


class FactError(NamedTuple):
    """A value that the vocabulary refuses, or a condition on the field that cannot be evaluated."""

    field: str
    message: str


class Unset(Enum):
    """The type of UNSET: an atom that nobody has asked for yet."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class TextView:
    """One text in the forms that conditions ask for, each made once, when it is first needed."""

    __slots__ = ("_folded", "_index", "_lexicons", "_plain", "raw")

    def __init__(self, raw: str, index: LexiconIndex) -> None:
        self.raw = raw
        self._index = index
        self._folded: str | None = None
        self._plain: str | None = None
        self._lexicons: frozenset[str] | None = None

    @property
    def folded(self) -> str:
        """What lexicons, starts_with and equals see."""
        if self._folded is None:
            self._folded = fold(self.raw)
        return self._folded

    @property
    def plain(self) -> str:
        """What patterns see: full and half width made one, case and white space kept."""
        if self._plain is None:
            self._plain = normalize_width(self.raw)
        return self._plain

    @property
    def lexicons(self) -> frozenset[str]:
        """Ids of the lexicons that the text mentions."""
        if self._lexicons is None:
            self._lexicons = self._index.mentioned(self.folded)
        return self._lexicons

    def terms(self, lexicons: Iterable[str]) -> list[str]:
        """The terms of these lexicons that the text holds."""
        return self._index.terms(self.folded, lexicons)


class Record:
    """The typed facts of one event. Not shared between threads; stages set on it what they derive."""

    __slots__ = ("_texts", "errors", "failures", "flags", "plan", "troubles", "truths", "values")

    def __init__(self, plan: FactPlan, values: dict[str, Typed], truths: list[bool | Unset | None]) -> None:
        self.plan = plan
        self.values = values
        """Every field that has a value. Read it; change it by `set` only."""
        self.failures: dict[str, FactError] = {}
        """Fields whose value was refused, and texts put together of such; conditions on them are errors."""
        self.errors: list[FactError] = []
        """All refusals in the order found. Matching adds why conditions failed by themselves, so read it afterwards."""
        self.flags: list[Flag] = []
        self.troubles: dict[Atom, FactError] = {}
        """Why atoms failed although their field has a value."""
        self.truths = truths
        """Truth of each atom by its number in the plan, UNSET until asked."""
        self._texts: dict[str, TextView] = {}

    def fork(self) -> Record:
        """The record as it is, to go its own way from here."""
        forked = Record(self.plan, dict(self.values), list(self.truths))
        forked.failures.update(self.failures)
        forked.errors.extend(self.errors)
        forked.flags.extend(self.flags)
        forked.troubles.update(self.troubles)
        forked._texts.update(self._texts)
        return forked

    def get(self, field: str) -> Typed | None:
        """The typed value; None when it is missing, refused or unknown."""
        return self.values.get(field)

    def error(self, field: str) -> FactError | None:
        """Why the field's value was refused, if it was."""
        return self.failures.get(field)

    def value(self, field: str) -> Value:
        """The value as it travels: instants as ISO-8601 text, durations in seconds, sets as sorted lists."""
        typed = self.values.get(field)
        if isinstance(typed, datetime):
            return typed.isoformat().replace("+00:00", "Z")
        return sorted(typed) if isinstance(typed, frozenset) else typed

    def shown(self, fields: tuple[str, ...], unlike_wire: tuple[str, ...]) -> dict[str, Value]:
        """`value` of each of the fields; `unlike_wire` are those that `FactPlan.unlike_wire` holds."""
        shown: dict[str, Value] = dict(zip(fields, map(self.values.get, fields)))  # type: ignore[arg-type] # noqa: B905
        for field in unlike_wire:
            shown[field] = self.value(field)
        return shown

    def text(self, field: str) -> TextView | None:
        """The text of a text or string field in its folded forms; None when missing."""
        view = self._texts.get(field)
        if view is None:
            raw = self.values.get(field)
            if raw is None:
                return None
            view = self._texts[field] = TextView(str(raw), self.plan.lexicons)
        return view

    def set(self, field: str, value: object) -> None:
        """Sets a derived fact (None: missing) and forgets what was known of conditions on it.

        A value that the vocabulary refuses becomes an error of the field. Raises KeyError for a field not in it.
        """
        plan = self.plan
        self._assign(field, value, plan.coercers[field])
        self._forget(field)

    def refuse(self, field: str, message: str) -> None:
        """Makes a derived fact an error: conditions on it are errors from now on, until it is set."""
        self.failures[field] = FactError(field, message)
        self.values.pop(field, None)
        self._forget(field)

    def put(self, field: str, typed: Typed) -> None:
        """`set` for a value that `FactPlan.typed` gave."""
        if self.failures:
            self.failures.pop(field, None)
        self.values[field] = typed
        self._forget(field)

    def _forget(self, field: str) -> None:
        truths, texts = self.truths, self._texts
        if field in self.plan.composites_of:
            for name in self.plan.composites_of[field]:
                self.plan.compose(self, name)
                texts.pop(name, None)
        if field in texts:
            del texts[field]
        for number in self.plan.dependents.get(field, ()):
            truths[number] = UNSET

    def truth(self, atom: Atom) -> bool | None:
        """Whether the atom holds; None when it cannot be evaluated. Raises InvalidInput for one that fits no field."""
        number = self.plan.numbers.get(atom)
        return self.plan.compile(atom)(self) if number is None else self.truth_of(number)

    def truth_of(self, number: int) -> bool | None:
        """`truth` of the atom with this number in the plan."""
        known = self.truths[number]
        if known is UNSET:
            field = self.plan.mentioning.get(number)
            if field is None:
                known = self.truths[number] = self.plan.evaluators[number](self)
            else:
                self._settle_mentions(field)
                known = self.truths[number]
                assert known is not UNSET
        return known

    def _settle_mentions(self, field: str) -> None:
        """One look at a text settles every `mentions` of it: rule sets ask dozens."""
        text = self.text(field)
        truths, mentions = self.truths, self.plan.mentions[field]
        unless_found = None if text is None and field in self.failures else False
        for number in mentions.numbers:
            truths[number] = unless_found
        for lexicon in text.lexicons if text is not None else ():
            for number in mentions.of_lexicon.get(lexicon, ()):
                truths[number] = True

    def fail(self, atom: Atom, message: str) -> None:
        """Called by an evaluator to say why the atom is an error although its field has a value."""
        self.troubles[atom] = FactError(atom.field, message)

    def note(self, error: FactError) -> None:
        """Adds an error once."""
        if error not in self.errors:
            self.errors.append(error)

    def _assign(self, field: str, value: object, coerce: Coercer) -> None:
        self.failures.pop(field, None)
        try:
            typed = coerce(value, self.flags) if value is not None else None
        except Refused as refusal:
            error = FactError(field, str(refusal))
            self.failures[field] = error
            self.errors.append(error)
            typed = None
        if typed is None:
            self.values.pop(field, None)
        else:
            self.values[field] = typed


class FactPlan:
    """How to make records for one rulebook. Immutable; the same rulebook always gives the same numbers to atoms."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Raises InvalidInput when a condition or a default does not fit the vocabulary."""
        fields = rulebook.vocabulary.fields
        self.rulebook = rulebook
        self.lexicons = LexiconIndex(rulebook.lexicons)
        self.coercers: Mapping[str, Coercer] = {name: coercer(field) for name, field in fields.items()}
        self._given = {name: self.coercers[name] for name, field in fields.items() if not field.derived_by}
        self._defaults = _defaults(fields, self.coercers)
        self._parts = {name: field.parts for name, field in fields.items() if field.parts}
        self.composites_of = _composites_of(self._parts)
        self.atoms = _distinct_atoms(rulebook)
        self.numbers: Mapping[Atom, int] = {atom: number for number, atom in enumerate(self.atoms)}
        self.mentions = _mentions(self.atoms)
        self.mentioning = {number: field for field, group in self.mentions.items() for number in group.numbers}
        self.unlike_wire = frozenset(name for name, field in fields.items() if field.type in UNLIKE_WIRE)
        self.evaluators: tuple[Evaluator, ...] = tuple(self.compile(atom) for atom in self.atoms)
        self.dependents = _dependents(self.atoms, self.composites_of)
        self._unset: tuple[Unset, ...] = (UNSET,) * len(self.atoms)

    def compile(self, atom: Atom) -> Evaluator:
        """Raises InvalidInput when the atom does not fit the vocabulary."""
        return compile_atom(atom, self.rulebook.vocabulary, self.rulebook.calendars)

    def typed(self, name: str, value: object) -> Typed | None:
        """The value as records hold it; None when it is none, or when it is refused or flagged."""
        flags: list[Flag] = []
        try:
            typed = self.coercers[name](value, flags) if value is not None else None
        except Refused:
            return None
        return typed if not flags else None

    def record(
        self,
        given: Mapping[str, object],
        extra: Mapping[str, object] = MappingProxyType({}),
        known: Mapping[str, Typed] = MappingProxyType({}),
    ) -> Record:
        """The total record of what an event gave and what we know besides (`extra`, which wins). Never raises.

        Given fields that the vocabulary does not know, or that rules derive, are left out with a flag; a field
        that was not given has its default. `extra` may also hold datetimes, timedeltas and sets, and may name derived
        fields; what the vocabulary does not know of it is left out. `known` are like `extra`, but typed as records
        hold them, and of fields that the vocabulary has.
        """
        record = Record(self, dict(self._defaults), list(self._unset))
        values, flags = record.values, record.flags
        for name, value in given.items():
            coerce = self._given.get(name)
            if coerce is None:
                flags.append(self._unusable(name))
            elif value is not None:
                try:
                    typed = coerce(value, flags)
                except Refused as refusal:
                    _refuse(record, name, refusal)
                else:
                    if typed is not None:
                        values[name] = typed
        for name, fact in extra.items():
            coerce = self.coercers.get(name)
            if coerce is not None and fact is not None:
                self._take(record, name, fact, coerce)
        record.values.update(known)
        if record.failures:
            for name in known:
                record.failures.pop(name, None)
        for name in self._parts:
            self.compose(record, name)
        if len(record.flags) > FLAG_LIMIT:
            record.flags[FLAG_LIMIT:] = [Flag("MORE_FLAGS", f"and {len(record.flags) - FLAG_LIMIT} more")]
        return record

    def compose(self, record: Record, name: str) -> None:
        """Puts a composite text together, unless it was given as such; refused when one of its parts is."""
        parts = self._parts[name]
        for part in parts:
            if part in record.failures:
                record.values.pop(name, None)
                record.failures[name] = record.failures[part]
                return
        record.failures.pop(name, None)
        values = [str(record.values[part]) for part in parts if part in record.values]
        if values:
            record.values[name] = "\n".join(values)

    def _take(self, record: Record, name: str, value: object, coerce: Coercer) -> None:
        try:
            typed = coerce(value, record.flags)
        except Refused as refusal:
            _refuse(record, name, refusal)
        else:
            if typed is not None:
                record.failures.pop(name, None)
                record.values[name] = typed

    def _unusable(self, name: str) -> Flag:
        shown = clean(name[:100])
        if name in self.coercers:
            return Flag(DERIVED_FIELD, f"{shown} is what rules derive; the given value was ignored")
        return Flag(UNKNOWN_FIELD, f"{shown} is not in the vocabulary and was ignored")


def _refuse(record: Record, name: str, refusal: Refused) -> None:
    error = FactError(name, str(refusal))
    record.failures[name] = error
    record.errors.append(error)
    record.values.pop(name, None)


def _defaults(fields: Mapping[str, Field], coercers: Mapping[str, Coercer]) -> dict[str, Typed]:
    defaults: dict[str, Typed] = {}
    for name, field in fields.items():
        if field.default is None:
            continue
        try:
            typed = coercers[name](field.default, [])
        except Refused as refusal:
            raise InvalidInput([FieldViolation(name, f"its default {refusal}")]) from None
        if typed is not None:
            defaults[name] = typed
    return defaults


def _composites_of(parts: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {part: tuple(n for n, of in parts.items() if part in of) for of in parts.values() for part in of}


def _distinct_atoms(rulebook: Rulebook) -> tuple[Atom, ...]:
    found: dict[Atom, None] = {}
    for stage in rulebook.stages:
        for rule in stage.rules:
            found.update(dict.fromkeys(atoms(rule.when)))
        for score in stage.scores:
            found.update(dict.fromkeys(atoms(score.when)))
    for clock in rulebook.clocks.values():
        for condition in clock.conditions:
            found.update(dict.fromkeys(atoms(condition)))
    for schedule in rulebook.schedules.values():
        found.update(dict.fromkeys(atoms(schedule.when)))
    return tuple(found)


class Mentions(NamedTuple):
    """The `mentions` atoms of one text field."""

    numbers: list[int]
    of_lexicon: dict[str, list[int]]


def _mentions(known: tuple[Atom, ...]) -> dict[str, Mentions]:
    groups: dict[str, Mentions] = {}
    for number, atom in enumerate(known):
        if atom.op is Op.MENTIONS:
            group = groups.setdefault(atom.field, Mentions([], {}))
            group.numbers.append(number)
            for lexicon in atom.operands:
                group.of_lexicon.setdefault(str(lexicon), []).append(number)
    return groups


def _dependents(known: tuple[Atom, ...], composites_of: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    by_field: dict[str, list[int]] = {}
    for number, atom in enumerate(known):
        by_field.setdefault(atom.field, []).append(number)
    names = set(by_field) | set(composites_of)
    return {name: tuple(n for f in (name, *composites_of.get(name, ())) for n in by_field.get(f, ())) for name in names}
