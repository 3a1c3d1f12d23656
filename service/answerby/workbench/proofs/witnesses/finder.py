"""Finds witnesses: from facts to a request that can be decided.

Derived facts come about through the rules of earlier stages. Those that only ladders give come about on a request that
a step of a ladder raised or gave to another before. Where that fails they are set by hand, as a person may
(`override.<field>`). Every request is decided; it counts only if the stage then sees the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import msgspec

from answerby.domain.decision import Decision, StageExplanation
from answerby.domain.event import OVERRIDE_PREFIX, Event, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import Matcher, MatchSet
from answerby.engine.matching.reference import ReferenceMatcher
from answerby.engine.stages.ladder_values import PRIORITY
from answerby.rules.model.vocabulary import FieldType
from answerby.workbench.proofs.space.backchain import Backchain
from answerby.workbench.proofs.space.cells import MISSING
from answerby.workbench.proofs.space.dimensions import NO, OTHER_MEMBER, YES, Aspect
from answerby.workbench.proofs.space.facts import Facts, facts_at
from answerby.workbench.proofs.space.ladder_gifts import reassignments
from answerby.workbench.proofs.space.space import Space
from answerby.workbench.proofs.witnesses.request_builder import CandidateRequest, Impossible, RequestBuilder

MOST_WAYS = 6
"""The ways through earlier stages that are decided before values are set by hand."""


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """A request with the facts, and its decision at the time of the event."""

    event: Event
    state: RequestState | None
    context: Context
    decision: Decision
    by_hand: tuple[str, ...] = ()
    """Derived fields that are set by hand, because no way through the rules was found."""

    def stage(self, name: str) -> StageExplanation:
        return next(explanation for explanation in self.decision.explanation if explanation.stage == name)


class _RecordingMatcher:
    """A matcher that records the facts of every stage it is asked about."""

    def __init__(self, matcher: Matcher) -> None:
        self.name, self.fallback_reason = matcher.name, matcher.fallback_reason
        self.faults, self.last_fault = matcher.faults, matcher.last_fault
        self.recalls = False
        self._matcher = matcher
        self.inputs: dict[str, tuple[Mapping[str, object], Mapping[str, frozenset[str]], frozenset[str]]] = {}

    def match(self, stage: str, record: Record) -> MatchSet:
        found = self._matcher.match(stage, record)
        texts = {
            name: view.lexicons
            for name, field in record.plan.rulebook.vocabulary.fields.items()
            if field.type in {FieldType.TEXT, FieldType.STRING} and (view := record.text(name)) is not None
        }
        self.inputs[stage] = dict(record.values), texts, frozenset(record.failures)
        return found

    def close(self) -> None:
        self._matcher.close()


class WitnessFinder:
    """Makes requests for one rulebook. Reuse it for many facts."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self._recorder = _RecordingMatcher(ReferenceMatcher(compiled.rulebook, compiled.plan))
        self._compiled = replace(compiled, matcher=self._recorder)
        self._fields = compiled.rulebook.vocabulary.fields
        self._space = Space([compiled.rulebook])
        self._back = Backchain(self._space, compiled.rulebook)
        self._builder = RequestBuilder(compiled)
        self._reassignments = reassignments(compiled.rulebook)

    def find(self, stage: str, facts: Facts) -> WitnessRequest | None:
        """A request for which the stage sees these facts; None when none was found.

        Patterns of `matches` are not made on purpose. A text may still match by chance.
        """
        derived = {name for name in facts.fields if name in self._fields and self._fields[name].derived_by}
        last: Facts | None = None
        for given in islice(self._ways(stage, facts), MOST_WAYS) if derived else [facts]:
            last = last or given
            found = self._try(stage, facts, given)
            if found is not None:
                return found
        if facts.by_ladder:
            found = self._after_ladder(stage, facts, derived)
            if found is not None:
                return found
        for given in [facts] if last is None else [last, facts]:
            found = self._by_hand(stage, facts, given, derived)
            if found is not None:
                return found
        return None

    # ---- ways

    def _after_ladder(self, stage: str, facts: Facts, derived: set[str]) -> WitnessRequest | None:
        """A request that a step of a ladder raised or gave to another before the event."""
        values = {name: value for name, value in facts.values.items() if name not in facts.by_ladder}
        by_rules = replace(facts, values=values, by_ladder=frozenset())
        ways = islice(self._ways(stage, by_rules), MOST_WAYS) if derived - facts.by_ladder else [by_rules]
        wanted = {(name, str(facts.values[name])) for name in facts.by_ladder if name in facts.values}
        raised = {(name, value) for name, value in wanted if name == PRIORITY}
        gifts = [{**owner, **dict(raised)} for owner in self._reassignments if wanted - raised <= owner.items()]
        tries = ((way, gift) for way in ways for gift in gifts)
        return next((found for way, gift in tries if (found := self._try(stage, facts, way, by_ladder=gift))), None)

    def _ways(self, stage: str, facts: Facts) -> Iterator[Facts]:
        """The facts together with given facts that lead to the derived ones."""
        region = self._region(facts)
        if region is None:
            return
        view = self._back.views[stage]
        for box in self._back.ways(stage, region):
            point = {number: view.preferred[number] & mask or mask & -mask for number, mask in box}
            yield _merged(facts_at(self._space, point), facts)

    def _region(self, facts: Facts) -> dict[int, int] | None:
        """The facts as a region of the space, as far as conditions ask about them; None when no cell holds a value."""
        region: dict[int, int] = {}
        for name, value in facts.values.items():
            number = self._space.number(name)
            if number is not None:
                cell = self._cell(name, value)
                if not cell:
                    return None
                region[number] = cell
        for aspect, truths in (
            (Aspect.MENTIONS, facts.mentions),
            (Aspect.HAS, facts.holds),
            (Aspect.INSIDE, facts.inside),
        ):
            for name, keys in truths.items():
                for key, holds in keys.items():
                    number = self._space.number(name, aspect, key)
                    if number is not None:
                        region[number] = YES if holds else NO
        return region

    def _cell(self, name: str, value: Value) -> int:
        if value is None:
            return self._space.holding(name, MISSING)
        typed = self._compiled.plan.typed(name, value)
        return 0 if typed is None or isinstance(typed, frozenset) else self._space.holding(name, typed)

    # ---- trying

    def _try(
        self,
        stage: str,
        facts: Facts,
        given: Facts,
        by_hand: Mapping[str, Value] | None = None,
        by_ladder: Mapping[str, str] | None = None,
    ) -> WitnessRequest | None:
        try:
            candidate = self._builder.build(given, by_ladder)
        except Impossible:
            return None
        for attempt in _with_counts(candidate):
            if by_hand:
                data = {**attempt.event.data, **{OVERRIDE_PREFIX + name: value for name, value in by_hand.items()}}
                attempt = replace(attempt, event=msgspec.structs.replace(attempt.event, data=data))  # noqa: PLW2901
            decision = self._decide(attempt)
            if not self._differs(stage, facts):
                names = tuple(sorted(by_hand or ()))
                return WitnessRequest(attempt.event, attempt.state, attempt.context, decision, names)
        return None

    def _by_hand(self, stage: str, facts: Facts, given: Facts, derived: set[str]) -> WitnessRequest | None:
        """Sets the derived facts by hand that do not come about by themselves."""
        try:
            candidate = self._builder.build(given)
        except Impossible:
            return None
        self._decide(candidate)
        wrong = self._differs(stage, facts) & derived
        overrides: dict[str, Value] = {}
        for name in sorted(wrong):
            value = facts.values.get(name)
            if name in facts.holds:
                members = [key for key, holds in facts.holds[name].items() if holds]
                value = ["another" if key == OTHER_MEMBER else key for key in members]
            if value in (None, []):
                return None
            overrides[name] = value
        return self._try(stage, facts, given, overrides) if overrides else None

    def _decide(self, candidate: CandidateRequest) -> Decision:
        time: datetime = candidate.event.time
        return decide(self._compiled, candidate.state, candidate.event, candidate.context, time)

    def _differs(self, stage: str, facts: Facts) -> set[str]:
        """The fields that the stage saw with another value than `facts` gives."""
        inputs, texts, failures = self._recorder.inputs[stage]
        fields = set()
        for name, value in facts.values.items():
            actual = inputs.get(name)
            if value is None or actual is None:
                if not (value is None and actual is None):
                    fields.add(name)
            elif name in facts.mentions or self._fields[name].type is FieldType.TEXT:
                continue
            elif self._compiled.plan.typed(name, value) != actual and not self._same_cell(name, actual, value):
                fields.add(name)
        for name, truths in facts.mentions.items():
            mentioned = texts.get(name, frozenset())
            fields |= {name for key, holds in truths.items() if (key in mentioned) is not holds}
        for name, truths in facts.holds.items():
            members = inputs.get(name) or frozenset()
            assert isinstance(members, frozenset)
            dimensions = {d.key for d in self._space.of_field(name)}
            for key, holds in truths.items():
                is_member = bool(members - dimensions) if key == OTHER_MEMBER else key in members
                if is_member is not holds:
                    fields.add(name)
        wrong = {name for name in facts.wrong if not name.startswith(("event.", "request."))}
        return fields | (wrong - failures)

    def _same_cell(self, name: str, actual: object, value: Value) -> bool:
        """Whether no condition tells the two values apart."""
        if self._space.number(name) is None or isinstance(actual, frozenset):
            return False
        return self._cell(name, value) == self._space.holding(name, actual)  # type: ignore[arg-type]


def find_witness(compiled: CompiledRulebook, stage: str, facts: Facts) -> WitnessRequest | None:
    """A request for which the stage sees these facts; None if none was found. See `WitnessFinder` for many facts."""
    return WitnessFinder(compiled).find(stage, facts)


def _merged(given: Facts, facts: Facts) -> Facts:
    """The facts and the given facts that lead to them. `facts` win."""

    def both(
        one: Mapping[str, Mapping[str, bool]], two: Mapping[str, Mapping[str, bool]]
    ) -> dict[str, dict[str, bool]]:
        return {name: {**one.get(name, {}), **two.get(name, {})} for name in {**one, **two}}

    return Facts(
        {**given.values, **facts.values},
        both(given.mentions, facts.mentions),
        both(given.holds, facts.holds),
        both(given.inside, facts.inside),
        both(given.matches, facts.matches),
        facts.wrong,
        facts.by_ladder,
    )


def _with_counts(candidate: CandidateRequest) -> Iterator[CandidateRequest]:
    """The request, and the request with lower counts: a window may count the request itself too."""
    yield candidate
    fewer = {name: count - 1 for name, count in candidate.windows.items() if count > 0}
    if fewer:
        yield replace(candidate, windows={**candidate.windows, **fewer})
