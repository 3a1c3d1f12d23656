"""Fact plans: how the facts of an event become one total, typed record."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.decision import Flag
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.engine.facts.characters import clean
from answerby.engine.facts.coercion import Coercer, Refused, Typed, coercer
from answerby.engine.facts.lexicons import LexiconIndex
from answerby.engine.facts.predicates import compile_atom
from answerby.engine.facts.record import UNLIKE_WIRE, UNSET, Evaluator, FactError, Mentions, Record, RecordLayout, Unset
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.model.vocabulary import Field

UNKNOWN_FIELD = "UNKNOWN_FIELD"
DERIVED_FIELD = "DERIVED_FIELD"
MISSING_FACT = "MISSING_FACT"
FLAG_LIMIT = 50
"""Flags kept of one record, so that a hostile event cannot swell its decision."""


class FactPlan(RecordLayout):
    """Makes records for one rulebook. Immutable; equal rulebooks give equal numbers to atoms."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Raises InvalidInput when a condition or a default does not fit the vocabulary."""
        fields = rulebook.vocabulary.fields
        self.rulebook = rulebook
        self.lexicons = LexiconIndex(rulebook.lexicons)
        self.coercers: Mapping[str, Coercer] = {name: coercer(field) for name, field in fields.items()}
        self._given = {name: self.coercers[name] for name, field in fields.items() if not field.derived_by}
        self._always = tuple(name for name, field in fields.items() if field.always)
        self._defaults = _defaults(fields, self.coercers)
        self.parts = {name: field.parts for name, field in fields.items() if field.parts}
        self.composites_of = _composites_of(self.parts)
        self.atoms = _distinct_atoms(rulebook)
        self.numbers: Mapping[Atom, int] = {atom: number for number, atom in enumerate(self.atoms)}
        self.mentions = _mentions(self.atoms)
        self.mentioning = {number: field for field, group in self.mentions.items() for number in group.numbers}
        self.unlike_wire = frozenset(name for name, field in fields.items() if field.type in UNLIKE_WIRE)
        self.evaluators: tuple[Evaluator, ...] = tuple(self.compile(atom) for atom in self.atoms)
        self.dependents = _dependents(self.atoms, self.composites_of)
        self._unset: tuple[Unset, ...] = (UNSET,) * len(self.atoms)

    def compile(self, atom: Atom) -> Evaluator:
        """The atom as a function. Raises InvalidInput when it does not fit the vocabulary."""
        return compile_atom(atom, self.rulebook.vocabulary, self.rulebook.calendars)

    def typed(self, name: str, value: object) -> Typed | None:
        """The value as records hold it; None for a missing, refused or flagged value."""
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
        """The total record of the given facts and of `extra`, which wins. Never raises.

        Given facts that the vocabulary does not know, or that rules derive, are left out with a flag. A field that was
        not given has its default; one that is `always` given is flagged. `extra` may hold datetimes, timedeltas and
        sets, and derived fields; names that the vocabulary does not know are left out. `known` wins over both: values
        as records hold them, of fields of the vocabulary.
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
        for name in self._always:
            if name not in values and name not in record.failures:
                flags.append(Flag(MISSING_FACT, f"{name} is declared as always given, and is missing"))
        for name, fact in extra.items():
            coerce = self.coercers.get(name)
            if coerce is not None and fact is not None:
                self._take(record, name, fact, coerce)
        record.values.update(known)
        if record.failures:
            for name in known:
                record.failures.pop(name, None)
        for name in self.parts:
            record.compose(name)
        if len(record.flags) > FLAG_LIMIT:
            record.flags[FLAG_LIMIT:] = [Flag("MORE_FLAGS", f"and {len(record.flags) - FLAG_LIMIT} more")]
        return record

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
