"""The memory of a stage: a stage with the same inputs gives the same answer, without matching again."""

from __future__ import annotations

from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.decision import ShadowMatch
from answerby.domain.event import Value
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.stages.answer import Settlement, StageAnswer
from answerby.rules.model.rulebook import Stage
from answerby.rules.model.vocabulary import Field, FieldType

MATCH_SETS = 4096
"""Match sets of one stage whose settlement is kept; real traffic has some hundreds."""
ANSWERS = 2048
"""Answers of one stage that are kept; each takes about half a kilobyte."""

Key = tuple[object, ...]
_EXACT = frozenset({FieldType.DECIMAL, FieldType.DURATION})
"""Types where equal values (1 and 1.0) differ in explanations."""


class RememberedAnswer(StageAnswer):
    """An answer with its key; None: the answer is not remembered."""

    def __init__(
        self, settlement: Settlement, facts: dict[str, Value], shadow: list[ShadowMatch], key: Key | None
    ) -> None:
        super().__init__(settlement, facts, shadow)
        self.key = key


class StageMemory:
    """Memory of one stage of one rulebook. Bounded; any number of threads may use it."""

    def __init__(self, stage: Stage, plan: FactPlan) -> None:
        """Remembers no answers where rules are in force for a time or read an instant, as no instant comes again."""
        self._fields = _KeyFields(stage, plan)
        self.recalls = self._fields.fit and not any(rule.enabled_from or rule.until for rule in stage.rules)
        self._settlements: dict[MatchSet, Settlement] = {}
        self._answers: dict[Key, RememberedAnswer] = {}

    def settlement(self, match_set: MatchSet) -> Settlement | None:
        """The settlement of the match set, if it is remembered."""
        return self._settlements.get(match_set)

    def keep_settlement(self, match_set: MatchSet, settlement: Settlement) -> None:
        if len(self._settlements) >= MATCH_SETS:
            self._settlements.clear()
        self._settlements[match_set] = settlement

    def key(self, record: Record) -> Key | None:
        """All inputs of the stage. None when the stage has no key, or an input is an error."""
        if not self.recalls or record.failures:
            return None
        values, fields = record.values, self._fields
        key: list[object] = list(map(values.get, fields.values))
        for name in fields.exact:
            value = values.get(name)
            key.append(value)
            key.append(value.__class__)
        for name in fields.presences:
            key.append(name in values)  # noqa: PERF401 - quicker when compiled
        for name in fields.texts:
            text = record.text(name)
            key.append(text.lexicons if text is not None else None)
        for number in fields.truths:
            key.append(record.truth_of(number))  # noqa: PERF401
        return tuple(key)

    def answer(self, key: Key) -> RememberedAnswer | None:
        """The answer with the key, if it is remembered."""
        return self._answers.get(key)

    def keep(self, answer: RememberedAnswer) -> None:
        if answer.key is None:
            return
        if len(self._answers) >= ANSWERS:
            self._answers.clear()
        self._answers[answer.key] = answer

    def same_keys(self, other: StageMemory) -> bool:
        """Whether keys of both memories have the same meaning."""
        return self.recalls and other.recalls and self._fields.same(other._fields)


class _KeyFields:
    """The fields in a stage's key, by the way they enter it.

    Facts that explanations show enter by value. Personal facts enter by the truth of conditions on them.
    """

    def __init__(self, stage: Stage, plan: FactPlan) -> None:
        self.values: list[str] = []
        self.exact: list[str] = []
        self.presences: list[str] = []
        self.texts: list[str] = []
        self.fit = True
        self._atoms: list[Atom] = []
        used = {atom for rule in stage.rules for atom in atoms(rule.when)}
        vocabulary = plan.rulebook.vocabulary
        for name in sorted({atom.field for atom in used}):
            field = vocabulary[name]
            of_field = sorted((atom for atom in used if atom.field == name), key=plan.numbers.__getitem__)
            if field.personal:
                self._add_private(field, of_field)
            elif field.type in {FieldType.TEXT, FieldType.INSTANT}:
                self.fit = False
            else:
                (self.exact if field.type in _EXACT else self.values).append(name)
        self.truths = [plan.numbers[atom] for atom in self._atoms]
        """The numbers of the atoms that enter the key by their truth."""

    def _add_private(self, field: Field, used: list[Atom]) -> None:
        for atom in used:
            if atom.op is Op.MISSING:
                self.presences.append(field.name)
            elif atom.op is Op.MENTIONS:
                if field.name not in self.texts:
                    self.texts.append(field.name)
            elif atom.op is Op.INSIDE:
                self.fit = False
            else:
                self._atoms.append(atom)

    def same(self, other: _KeyFields) -> bool:
        """Whether both have the same fields. Numbers of atoms differ between rulebooks, so atoms are compared."""
        own = (self.values, self.exact, self.presences, self.texts, self._atoms)
        return own == (other.values, other.exact, other.presences, other.texts, other._atoms)
