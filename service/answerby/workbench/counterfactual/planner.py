"""Plans from a wanted outcome back to facts: changes that may let a rule with this outcome win.

A false condition on a given fact needs another value. A false condition on a derived fact needs a rule of an earlier
stage that derives it. A matching rule needs all rules that outrank it to stop matching. A plan is only a guess: each
one is tried by `decide()`, and a failed one is planned on from its decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not
from answerby.domain.decision import Decision
from answerby.domain.event import OVERRIDE_PREFIX
from answerby.engine.compiled.rulebook import plain
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.record import Record
from answerby.rules.model.rulebook import HitPolicy, Output, Rule, Stage
from answerby.rules.model.vocabulary import FieldType
from answerby.workbench.counterfactual.changes import Change, ChangeKind, ChangeSet, combine, cost, hashable
from answerby.workbench.counterfactual.options import Options
from answerby.workbench.counterfactual.wanted_outcome import WantedOutcome, live_rules

MOST_KEPT = 48
"""The number of plans kept for each condition, the cheapest first."""
DEPTH = 8
"""The maximum depth of derived facts. There are six stages."""
DONE: list[ChangeSet] = [()]
MISSING_FACTS = frozenset({"complete", "missing", "missing_count"})
"""The outputs that completeness derives from the fields that rules require."""

Wanted = Callable[[Output], bool]


class Planner:
    """Plans from one point: the facts of `record` and the decision on them."""

    def __init__(self, options: Options, record: Record, decision: Decision, most: int, made: ChangeSet = ()) -> None:
        """`made` are the changes that led to the record."""
        self._options = options
        self._compiled = options.situation.compiled
        self._record = record
        self._decision = decision
        self._most = most
        self._made = {change.field for change in made}
        self._at = options.situation.event.time
        self._known: dict[tuple[Condition, bool], list[ChangeSet]] = {}
        self._depth = 0
        self.stuck: set[str] = set()
        """The obstacles found: facts that must not change, and conditions that no change can make true."""

    def plan(self, wanted_outcome: WantedOutcome) -> list[ChangeSet]:
        """The changes to try, the cheapest first."""
        found = self._by_hand(wanted_outcome.name)
        if found:
            return found
        if wanted_outcome.name in MISSING_FACTS:
            return self._complete()
        found += self._by_score(wanted_outcome.name)
        for stage in self._stages(wanted_outcome.stages):
            for rule in live_rules(self._compiled.rulebook, stage.name, self._at):
                if rule.id == wanted_outcome.rule or (
                    not wanted_outcome.rule
                    and wanted_outcome.name in rule.then
                    and wanted_outcome.is_wanted(rule.then[wanted_outcome.name])
                ):
                    found += self._win(stage, rule, wanted_outcome.name, wanted_outcome.is_wanted)
            default = stage.default.get(wanted_outcome.name)
            if not wanted_outcome.rule and (
                wanted_outcome.wants_none or (default is not None and wanted_outcome.is_wanted(default))
            ):
                found += self._avoid(stage, wanted_outcome.name, lambda output: not wanted_outcome.is_wanted(output))
        return self._best(found)

    def _by_hand(self, name: str) -> list[ChangeSet]:
        """A value set by a person wins over all rules, so no other change helps."""
        given = OVERRIDE_PREFIX + name
        in_force = given in self._options.situation.given and given not in self._made
        return [(Change(given, ChangeKind.CLEAR),)] if in_force else []

    def _stages(self, names: Iterable[str]) -> list[Stage]:
        return [stage for stage in self._compiled.rulebook.stages if stage.name in names]

    def _truth(self, condition: Condition) -> bool | None:
        return compile_condition(condition, self._compiled.plan)(self._record)

    def _win(self, stage: Stage, rule: Rule, name: str, wanted: Wanted) -> list[ChangeSet]:
        """The changes that make the rule match, or that stop the rules outranking a rule that matches."""
        if self._truth(rule.when) is not True:
            return self._make(rule.when, want=True)
        rivals = self._rivals(stage, rule, name, wanted)
        return self._all(self._make(rival.when, want=False) for rival in rivals) if rivals else []

    def _rivals(self, stage: Stage, rule: Rule, name: str, wanted: Wanted) -> list[Rule]:
        """The matching rules that outrank this one, which matches, too."""
        block = next(b for b in stage.blocks if b.id == rule.block)
        live = {r.id for r in live_rules(self._compiled.rulebook, stage.name, self._at)}
        if block.hit in {HitPolicy.FIRST, HitPolicy.UNIQUE}:
            matching = [r for r in block.rules if r.id in live and r is not rule and self._truth(r.when) is not False]
            inner = [r for r in matching if block.hit is HitPolicy.UNIQUE or r.order < rule.order]
            if inner:
                return inner
        won = {r.id for s in self._decision.explanation if s.stage == stage.name for r in s.won}
        setters = [r for r in stage.rules if name in r.then and r is not rule and r.id in live]
        if stage.hit is HitPolicy.UNIQUE:
            return [r for r in setters if self._truth(r.when) is not False]
        return [r for r in setters if r.id in won and not wanted(r.then[name])]

    def _avoid(self, stage: Stage, name: str, bad: Wanted) -> list[ChangeSet]:
        """The changes after which no rule that sets such a value matches."""
        setters = [
            rule
            for rule in live_rules(self._compiled.rulebook, stage.name, self._at)
            if name in rule.then and bad(rule.then[name]) and self._truth(rule.when) is not False
        ]
        return self._all(self._make(rule.when, want=False) for rule in setters) if setters else []

    def _make(self, condition: Condition, *, want: bool) -> list[ChangeSet]:
        """The changes that give the condition this truth; `DONE` if it already has it."""
        key = (condition, want)
        if key not in self._known:
            self._known[key] = []
            self._known[key] = self._best(self._ways(condition, want=want))
        return self._known[key]

    def _ways(self, condition: Condition, *, want: bool) -> list[ChangeSet]:
        if self._truth(condition) is want:
            return DONE
        match condition:
            case Atom():
                return self._derive(condition, want) if self._derived(condition) else self._given(condition, want)
            case Not(child):
                return self._make(child, want=not want)
            case All(children) if want:
                return self._all(self._make(child, want=True) for child in children)
            case AnyOf(children) if not want:
                return self._all(self._make(child, want=False) for child in children)
            case All(children) | AnyOf(children):
                return [way for child in children for way in self._make(child, want=want)]

    def _given(self, atom: Atom, want: bool) -> list[ChangeSet]:
        ways = self._options.satisfying(atom, want, self._record)
        if not ways:
            changeable = self._options.changeable(atom.field)
            self.stuck.add(f"{atom.field} {atom.op}" if changeable else atom.field)
        return ways

    def _derived(self, atom: Atom) -> bool:
        return bool(self._options.fields[atom.field].derived_by)

    def _derive(self, atom: Atom, want: bool) -> list[ChangeSet]:
        name = atom.field
        if name in MISSING_FACTS:
            return self._complete()
        by_hand = self._by_hand(name)
        if by_hand or self._depth >= DEPTH:
            return by_hand
        self._depth += 1
        try:
            return self._from_rules(atom, want)
        finally:
            self._depth -= 1

    def _from_rules(self, atom: Atom, want: bool) -> list[ChangeSet]:
        name, field = atom.field, self._options.fields[atom.field]
        is_set = field.type is FieldType.SET

        def good(output: Output) -> bool:
            return self._options.truth_of_value(atom, hashable(plain(output))) is want

        found = self._by_score(name)
        for stage in self._stages(field.derived_by):
            # Rules only add to a set, so an unwanted member must be added by no rule.
            if not (is_set and not want):
                for rule in live_rules(self._compiled.rulebook, stage.name, self._at):
                    if name in rule.then and good(rule.then[name]):
                        found += self._win(stage, rule, name, good)
            default = stage.default.get(name)
            absent = self._options.truth_of_value(atom, None) is want if default is None else good(default)
            if absent:
                found += self._avoid(stage, name, lambda output: not good(output))
        return found

    def _by_score(self, name: str) -> list[ChangeSet]:
        """Other factors of the scores that give the fact. Only a decision shows which of them suffice."""
        found: list[ChangeSet] = []
        for stage in self._compiled.rulebook.stages:
            for score in stage.scores:
                if name in score.outputs:
                    tie = [score.tie_break.field] if score.tie_break is not None else []
                    fields = [*(factor.field for factor in score.factors), *tie]
                    changes: list[ChangeSet] = [
                        (change,) for field in fields for change in self._options.of_field(field)
                    ]
                    found += self._all([self._make(score.when, want=True), changes])
        return found

    def _complete(self) -> list[ChangeSet]:
        """The changes that give all missing fields or, for the opposite truth, take a required one away."""
        missing = self._decision.facts.get("missing") or []
        assert isinstance(missing, list)
        if missing:
            ways = [[c for c in self._options.of_field(name) if c.kind is not ChangeKind.CLEAR] for name in missing]
            return self._all([[(change,) for change in changes[:1]] for changes in ways])
        required = next((s.outputs.get("require") for s in self._decision.explanation if "require" in s.outputs), [])
        names = required if isinstance(required, list) else []
        return [
            (change,)
            for name in names
            if name in self._options.fields
            for change in self._options.of_field(name)
            if change.kind is ChangeKind.CLEAR
        ]

    def _all(self, conditions: Iterable[list[ChangeSet]]) -> list[ChangeSet]:
        """The combinations of one plan from each list."""
        found: list[ChangeSet] = DONE
        for ways in conditions:
            joined = (combine(one, other) for one in found for other in ways)
            found = self._best(changes for changes in joined if changes is not None)
            if not found:
                return []
        return found

    def _best(self, ways: Iterable[ChangeSet]) -> list[ChangeSet]:
        few = {changes for changes in ways if len(changes) <= self._most}
        return sorted(few, key=cost)[:MOST_KEPT]
