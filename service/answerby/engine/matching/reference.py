"""The reference matcher: evaluates condition trees in plain Python. It is the executable specification."""

from __future__ import annotations

from answerby.domain.condition import Atom, atoms
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.predicates import may_fail
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.rules.model.rulebook import Rulebook, RuleMode, Stage


class ReferenceMatcher:
    """Evaluates every rule. It has no state, so any number of threads may use it."""

    name = "reference"
    recalls = True
    faults = 0
    last_fault = ""

    def __init__(self, rulebook: Rulebook, plan: FactPlan | None = None, *, fallback_reason: str = "") -> None:
        """Raises InvalidInput when a condition does not fit the vocabulary."""
        self.fallback_reason = fallback_reason
        plan = plan or FactPlan(rulebook)
        self._conditions = {
            stage.name: tuple(compile_condition(rule.when, plan) for rule in stage.rules) for stage in rulebook.stages
        }
        self._suspects = {stage.name: Suspects(stage) for stage in rulebook.stages}

    def match(self, stage: str, record: Record) -> MatchSet:
        conditions = self._conditions[stage]
        matched = tuple([index for index, condition in enumerate(conditions) if condition(record)])
        return MatchSet(matched, self.failed(stage, record))

    def failed(self, stage: str, record: Record) -> tuple[int, ...]:
        """The rules whose condition is an error, ascending; the record notes why."""
        suspects = self._suspects[stage]
        if not record.failures and not suspects.by_themselves:
            return ()
        possible = suspects.of(record)
        if not possible:
            return ()
        conditions = self._conditions[stage]
        failed = tuple(index for index in sorted(possible) if conditions[index](record) is None)
        suspects.note(failed, record)
        return failed

    def close(self) -> None:
        """Nothing to free."""


class Suspects:
    """The rules of a stage that can be errors: those with an atom whose field was refused, or that fails by itself."""

    def __init__(self, stage: Stage) -> None:
        self._by_field: dict[str, set[int]] = {}
        self._by_atom: dict[Atom, set[int]] = {}
        self._shadow_rules = frozenset(n for n, rule in enumerate(stage.rules) if rule.mode is RuleMode.SHADOW)
        for index, rule in enumerate(stage.rules):
            for atom in atoms(rule.when):
                self._by_field.setdefault(atom.field, set()).add(index)
                if may_fail(atom):
                    self._by_atom.setdefault(atom, set()).add(index)
        self.by_themselves = bool(self._by_atom)
        """Whether some rule can be an error although no field was refused."""

    def of(self, record: Record) -> set[int]:
        """Indexes of the rules with an atom that could not be evaluated."""
        found: set[int] = set()
        for field in record.failures:
            found |= self._by_field.get(field, set())
        for atom, rules in self._by_atom.items():
            if record.truth(atom) is None:
                found |= rules
        return found

    def note(self, failed: tuple[int, ...], record: Record) -> None:
        """Adds to the record's errors why atoms of these rules failed by themselves. Shadow rules add nothing."""
        if self._shadow_rules:
            failed = tuple(n for n in failed if n not in self._shadow_rules)
        for atom, rules in self._by_atom.items():
            if atom in record.troubles and record.truth(atom) is None and not rules.isdisjoint(failed):
                record.note(record.troubles[atom])
