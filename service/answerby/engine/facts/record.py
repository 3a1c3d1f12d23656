"""Records: the typed facts of one event, and the truth of each atom once it was evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

from answerby.domain.condition import Atom
from answerby.domain.decision import Flag
from answerby.domain.event import Value
from answerby.engine.facts.coercion import Coercer, Refused, Typed
from answerby.engine.facts.lexicons import LexiconIndex
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.text.folding import fold, normalize_width

UNLIKE_WIRE = frozenset({FieldType.INSTANT, FieldType.SET})
"""Types whose values differ between a record and the wire."""


class FactError(NamedTuple):
    """A value that the vocabulary refuses, or a condition on the field that cannot be evaluated."""

    field: str
    message: str


class Unset(Enum):
    """The type of UNSET, the truth of an atom that was not evaluated yet."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class TextView:
    """One text in the forms that conditions need, each made once, on first use."""

    __slots__ = ("_folded", "_index", "_lexicons", "_plain", "raw")

    def __init__(self, raw: str, index: LexiconIndex) -> None:
        self.raw = raw
        self._index = index
        self._folded: str | None = None
        self._plain: str | None = None
        self._lexicons: frozenset[str] | None = None

    @property
    def folded(self) -> str:
        """The text for lexicons, `starts_with` and `equals`."""
        if self._folded is None:
            self._folded = fold(self.raw)
        return self._folded

    @property
    def plain(self) -> str:
        """The text for patterns: one width for all characters, case and white space kept."""
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


Evaluator = Callable[["Record"], bool | None]
"""An atom as a function of a record: True, False, or None when it cannot be evaluated."""


class Mentions(NamedTuple):
    """The `mentions` atoms of one text field."""

    numbers: list[int]
    of_lexicon: dict[str, list[int]]


class RecordLayout:
    """The part of a rulebook that records use. `FactPlan` fills it in, once per rulebook."""

    rulebook: Rulebook
    lexicons: LexiconIndex
    coercers: Mapping[str, Coercer]
    parts: Mapping[str, tuple[str, ...]]
    """The parts of each composite text."""
    composites_of: Mapping[str, tuple[str, ...]]
    """The composite texts that each field is a part of."""
    numbers: Mapping[Atom, int]
    """The atoms of the rulebook, numbered."""
    mentions: Mapping[str, Mentions]
    mentioning: Mapping[int, str]
    """The text field of each `mentions` atom, by the atom's number."""
    evaluators: tuple[Evaluator, ...]
    dependents: Mapping[str, tuple[int, ...]]
    """The numbers of the atoms whose truth depends on each field."""

    def compile(self, atom: Atom) -> Evaluator:
        """The atom as a function. Raises InvalidInput when it does not fit the vocabulary."""
        raise NotImplementedError


class Record:
    """The typed facts of one event. One thread owns it; stages set derived facts on it."""

    __slots__ = ("_texts", "errors", "failures", "flags", "plan", "troubles", "truths", "values")

    def __init__(self, plan: RecordLayout, values: dict[str, Typed], truths: list[bool | Unset | None]) -> None:
        self.plan = plan
        self.values = values
        """The fields with a value. Read only; `set`, `put` and `refuse` change it."""
        self.failures: dict[str, FactError] = {}
        """Fields whose value was refused, and composite texts with such a part. Conditions on them are errors."""
        self.errors: list[FactError] = []
        """All refusals, in order. Complete after matching, which adds the errors of conditions."""
        self.flags: list[Flag] = []
        self.troubles: dict[Atom, FactError] = {}
        """Why atoms failed although their field has a value."""
        self.truths = truths
        """Truth of each atom by its number in the plan, UNSET until asked."""
        self._texts: dict[str, TextView] = {}

    def fork(self) -> Record:
        """A copy that changes independently."""
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
        """The value for the wire: instants as ISO-8601 text, durations in seconds, sets as sorted lists."""
        typed = self.values.get(field)
        if isinstance(typed, datetime):
            return typed.isoformat().replace("+00:00", "Z")
        return sorted(typed) if isinstance(typed, frozenset) else typed

    def shown(self, fields: tuple[str, ...], unlike_wire: tuple[str, ...]) -> dict[str, Value]:
        """`value` of each of the fields; `unlike_wire` are those of them in `FactPlan.unlike_wire`."""
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
        """Sets a derived fact (None: missing), and forgets the truth of the conditions on it.

        A value that the vocabulary refuses becomes an error of the field. Raises KeyError for a field not in it.
        """
        plan = self.plan
        self._assign(field, value, plan.coercers[field])
        self._forget(field)

    def refuse(self, field: str, message: str) -> None:
        """Makes a derived fact an error: conditions on it are errors until it is set."""
        self.failures[field] = FactError(field, message)
        self.values.pop(field, None)
        self._forget(field)

    def put(self, field: str, typed: Typed) -> None:
        """`set` for a value from `FactPlan.typed`."""
        if self.failures:
            self.failures.pop(field, None)
        self.values[field] = typed
        self._forget(field)

    def _forget(self, field: str) -> None:
        truths, texts = self.truths, self._texts
        if field in self.plan.composites_of:
            for name in self.plan.composites_of[field]:
                self.compose(name)
                texts.pop(name, None)
        if field in texts:
            del texts[field]
        for number in self.plan.dependents.get(field, ()):
            truths[number] = UNSET

    def compose(self, name: str) -> None:
        """Sets a composite text from its parts, if any is given. The text is refused when a part is."""
        parts = self.plan.parts[name]
        for part in parts:
            if part in self.failures:
                self.values.pop(name, None)
                self.failures[name] = self.failures[part]
                return
        self.failures.pop(name, None)
        values = [str(self.values[part]) for part in parts if part in self.values]
        if values:
            self.values[name] = "\n".join(values)

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
        """Sets the truth of all `mentions` atoms of a text at once: one search serves the dozens of a rule set."""
        text = self.text(field)
        truths, mentions = self.truths, self.plan.mentions[field]
        unless_found = None if text is None and field in self.failures else False
        for number in mentions.numbers:
            truths[number] = unless_found
        for lexicon in text.lexicons if text is not None else ():
            for number in mentions.of_lexicon.get(lexicon, ()):
                truths[number] = True

    def fail(self, atom: Atom, message: str) -> None:
        """Records why the atom is an error although its field has a value. Evaluators call it."""
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
