"""What a stage has come to before: a stage that is asked the same again says the same, so nothing is matched again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.decision import Flag, RuleReference, ShadowMatch, StageOutcome
from answerby.domain.event import Value
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.stages.shadow_rules import ShownTrial
from answerby.rules.model.rulebook import Output, Stage
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.sla.scene import ClockTarget

MATCH_SETS = 4096
"""Match sets of one stage whose outcome is kept; real traffic has some hundreds."""
ANSWERS = 2048
"""Answers of one stage that are kept; each takes about half a kilobyte."""

Key = tuple[object, ...]
_EXACT = frozenset({FieldType.DECIMAL, FieldType.DURATION})
"""Of these, 1 and 1.0 are equal and look different."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a match set comes to under the hit policies: everything of a stage's result that no fact changes."""

    outputs: Mapping[str, Output]
    derived: tuple[tuple[str, Typed | None], ...]
    """The facts for the next stages, in order, as records hold them; None where that has to be seen each time."""
    goals: Mapping[str, ClockTarget]
    """By clock."""
    reasons: tuple[str, ...]
    """The words of the rules that won, with their ids."""
    outcome: StageOutcome
    won: list[RuleReference]
    lost: list[RuleReference]
    failed: list[RuleReference]
    facts: tuple[str, ...]
    """The fields that these rules look at, in order."""
    unlike_wire: tuple[str, ...]
    """Those of them whose values look different in a record and as they travel."""
    shown: Mapping[str, Value]
    flags: tuple[Flag, ...]
    trials: tuple[ShownTrial, ...] = ()
    """Rules on trial that matched or failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stage comes to, with the facts that its explanation shows. Shared: nobody may change it."""

    settled: Settled
    facts: dict[str, Value]
    shadow: list[ShadowMatch]
    key: Key | None
    """To be remembered by; None where it is not."""


class StageMemory:
    """Of one stage of one rulebook. Bounded; any number of threads may use it."""

    def __init__(self, stage: Stage, plan: FactPlan) -> None:
        """`recalls` nothing where rules are in force for a time, or look at a moment: it seldom comes again."""
        looks = _Looks(stage, plan)
        self.recalls = looks.fit and not any(rule.enabled_from or rule.until for rule in stage.rules)
        self._looks = looks.values, looks.exact, looks.presences, looks.texts, looks.atoms
        self._values = tuple(looks.values)
        self._exact = tuple(looks.exact)
        self._presences = tuple(looks.presences)
        self._texts = tuple(looks.texts)
        self._truths = tuple(plan.numbers[atom] for atom in looks.atoms)
        self._settled: dict[MatchSet, Settled] = {}
        self._answers: dict[Key, Answer] = {}

    def settled(self, matches: MatchSet) -> Settled | None:
        return self._settled.get(matches)

    def settle(self, matches: MatchSet, settled: Settled) -> None:
        if len(self._settled) >= MATCH_SETS:
            self._settled.clear()
        self._settled[matches] = settled

    def key(self, record: Record) -> Key | None:
        """All that the stage looks at. None when that cannot be told, or something of it is an error."""
        if not self.recalls or record.failures:
            return None
        values = record.values
        key: list[object] = list(map(values.get, self._values))
        for name in self._exact:
            value = values.get(name)
            key.append(value)
            key.append(value.__class__)
        for name in self._presences:
            key.append(name in values)  # noqa: PERF401 - quicker when compiled
        for name in self._texts:
            text = record.text(name)
            key.append(text.lexicons if text is not None else None)
        for number in self._truths:
            key.append(record.truth_of(number))  # noqa: PERF401
        return tuple(key)

    def answer(self, key: Key) -> Answer | None:
        """What the stage said of this key."""
        return self._answers.get(key)

    def keep(self, answer: Answer) -> None:
        if answer.key is None:
            return
        if len(self._answers) >= ANSWERS:
            self._answers.clear()
        self._answers[answer.key] = answer

    def same_keys(self, other: StageMemory) -> bool:
        """Whether a key of the other one says what its own would."""
        return self.recalls and other.recalls and self._looks == other._looks


class _Looks:
    """What a stage looks at, by how its key tells it: what explanations show by value, personal facts by truth."""

    def __init__(self, stage: Stage, plan: FactPlan) -> None:
        self.values: list[str] = []
        self.exact: list[str] = []
        self.presences: list[str] = []
        self.texts: list[str] = []
        self.atoms: list[Atom] = []
        self.fit = True
        asked = {atom for rule in stage.rules for atom in atoms(rule.when)}
        vocabulary = plan.rulebook.vocabulary
        for name in sorted({atom.field for atom in asked}):
            field = vocabulary[name]
            of_field = sorted((atom for atom in asked if atom.field == name), key=plan.numbers.__getitem__)
            if field.personal:
                self._privately(field, of_field)
            elif field.type in {FieldType.TEXT, FieldType.INSTANT}:
                self.fit = False
            else:
                (self.exact if field.type in _EXACT else self.values).append(name)

    def _privately(self, field: Field, asked: list[Atom]) -> None:
        for atom in asked:
            if atom.op is Op.MISSING:
                self.presences.append(field.name)
            elif atom.op is Op.MENTIONS:
                if field.name not in self.texts:
                    self.texts.append(field.name)
            elif atom.op is Op.INSIDE:
                self.fit = False
            else:
                self.atoms.append(atom)
