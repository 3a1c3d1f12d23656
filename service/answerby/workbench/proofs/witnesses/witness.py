"""From facts to a real request: what a proof speaks of, as something that can be decided.

Derived facts are reached through the rules of earlier stages; where that does not succeed they are set by hand, as a
person may (`override.<field>`). Every request is decided, and counts only if the stage then sees the facts.
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
from answerby.rules.model.vocabulary import FieldType
from answerby.workbench.proofs.space.backchain import Backchain
from answerby.workbench.proofs.space.cells import MISSING
from answerby.workbench.proofs.space.facts import Facts, facts_at
from answerby.workbench.proofs.space.space import NO, OTHER_MEMBER, YES, Aspect, Space
from answerby.workbench.proofs.witnesses.request import Draft, Drafter, Impossible

MOST_WAYS = 6
"""Ways through earlier stages that are decided before values are set by hand."""


@dataclass(frozen=True, slots=True)
class Realised:
    """A request that has the facts, and how it was decided as of its own time."""

    event: Event
    state: RequestState | None
    context: Context
    decision: Decision
    by_hand: tuple[str, ...] = ()
    """Derived fields that a person had to set, as no way through the rules was found."""

    def stage(self, name: str) -> StageExplanation:
        return next(explanation for explanation in self.decision.explanation if explanation.stage == name)


class _Spy:
    """A matcher that notes the facts which a stage was asked about."""

    def __init__(self, matcher: Matcher) -> None:
        self.name, self.fallback_reason = matcher.name, matcher.fallback_reason
        self.faults, self.last_fault = matcher.faults, matcher.last_fault
        self.recalls = False
        self._matcher = matcher
        self.seen: dict[str, tuple[Mapping[str, object], Mapping[str, frozenset[str]], frozenset[str]]] = {}

    def match(self, stage: str, record: Record) -> MatchSet:
        found = self._matcher.match(stage, record)
        texts = {
            name: view.lexicons
            for name, field in record.plan.rulebook.vocabulary.fields.items()
            if field.type in {FieldType.TEXT, FieldType.STRING} and (view := record.text(name)) is not None
        }
        self.seen[stage] = dict(record.values), texts, frozenset(record.failures)
        return found

    def close(self) -> None:
        self._matcher.close()


class Realiser:
    """Makes requests for one rulebook. Build it once for many facts."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self._spy = _Spy(ReferenceMatcher(compiled.rulebook, compiled.plan))
        self._compiled = replace(compiled, matcher=self._spy)
        self._fields = compiled.rulebook.vocabulary.fields
        self._space = Space([compiled.rulebook])
        self._back = Backchain(self._space, compiled.rulebook)
        self._drafter = Drafter(compiled)

    def realise(self, stage: str, facts: Facts) -> Realised | None:
        """A request of which the stage sees these facts; None when none was found.

        Patterns of `matches` are not made on purpose; a text may still happen to match.
        """
        derived = {name for name in facts.fields if name in self._fields and self._fields[name].derived_by}
        last: Facts | None = None
        for given in islice(self._ways(stage, facts), MOST_WAYS) if derived else [facts]:
            last = last or given
            found = self._try(stage, facts, given)
            if found is not None:
                return found
        for given in [facts] if last is None else [last, facts]:
            found = self._by_hand(stage, facts, given, derived)
            if found is not None:
                return found
        return None

    # ---- ways

    def _ways(self, stage: str, facts: Facts) -> Iterator[Facts]:
        """The facts together with given ones that lead to those that are derived."""
        region = self._region(facts)
        if region is None:
            return
        view = self._back.views[stage]
        for box in self._back.ways(stage, region):
            point = {number: view.preferred[number] & mask or mask & -mask for number, mask in box}
            yield _merged(facts_at(self._space, point), facts)

    def _region(self, facts: Facts) -> dict[int, int] | None:
        """The facts in the space, as far as conditions ask for them."""
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
        self, stage: str, facts: Facts, given: Facts, by_hand: Mapping[str, Value] | None = None
    ) -> Realised | None:
        try:
            draft = self._drafter.draft(given)
        except Impossible:
            return None
        for attempt in _with_counts(draft):
            if by_hand:
                data = {**attempt.event.data, **{OVERRIDE_PREFIX + name: value for name, value in by_hand.items()}}
                attempt = replace(attempt, event=msgspec.structs.replace(attempt.event, data=data))  # noqa: PLW2901
            decision = self._decide(attempt)
            if not self._differs(stage, facts):
                names = tuple(sorted(by_hand or ()))
                return Realised(attempt.event, attempt.state, attempt.context, decision, names)
        return None

    def _by_hand(self, stage: str, facts: Facts, given: Facts, derived: set[str]) -> Realised | None:
        """The derived facts that do not come about by themselves are set by hand."""
        try:
            draft = self._drafter.draft(given)
        except Impossible:
            return None
        self._decide(draft)
        wrong = self._differs(stage, facts) & derived
        overrides: dict[str, Value] = {}
        for name in sorted(wrong):
            value = facts.values.get(name)
            if name in facts.holds:
                held = [key for key, holds in facts.holds[name].items() if holds]
                value = ["another" if key == OTHER_MEMBER else key for key in held]
            if value in (None, []):
                return None
            overrides[name] = value
        return self._try(stage, facts, given, overrides) if overrides else None

    def _decide(self, draft: Draft) -> Decision:
        time: datetime = draft.event.time
        return decide(self._compiled, draft.state, draft.event, draft.context, time)

    def _differs(self, stage: str, facts: Facts) -> set[str]:
        """The fields that the stage has seen otherwise."""
        values, texts, failures = self._spy.seen[stage]
        found = set()
        for name, value in facts.values.items():
            seen = values.get(name)
            if value is None or seen is None:
                if not (value is None and seen is None):
                    found.add(name)
            elif name in facts.mentions or self._fields[name].type is FieldType.TEXT:
                continue
            elif self._compiled.plan.typed(name, value) != seen and not self._same_cell(name, seen, value):
                found.add(name)
        for name, truths in facts.mentions.items():
            mentioned = texts.get(name, frozenset())
            found |= {name for key, holds in truths.items() if (key in mentioned) is not holds}
        for name, truths in facts.holds.items():
            members = values.get(name) or frozenset()
            assert isinstance(members, frozenset)
            asked = {d.key for d in self._space.of_field(name)}
            for key, holds in truths.items():
                held = bool(members - asked) if key == OTHER_MEMBER else key in members
                if held is not holds:
                    found.add(name)
        asked = {name for name in facts.wrong if not name.startswith(("event.", "request."))}
        return found | (asked - failures)

    def _same_cell(self, name: str, seen: object, value: Value) -> bool:
        """Whether no condition tells the two values apart."""
        if self._space.number(name) is None or isinstance(seen, frozenset):
            return False
        return self._cell(name, value) == self._space.holding(name, seen)  # type: ignore[arg-type]


def realise(compiled: CompiledRulebook, stage: str, facts: Facts) -> Realised | None:
    """A request of which the stage sees these facts, decided; None when none was found. See `Realiser` for many."""
    return Realiser(compiled).realise(stage, facts)


def _merged(given: Facts, facts: Facts) -> Facts:
    """What leads to the derived facts, and the facts themselves, which win."""

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
    )


def _with_counts(draft: Draft) -> Iterator[Draft]:
    """A window counts this request too once it is known to be one of those counted: one less may be right."""
    yield draft
    fewer = {name: count - 1 for name, count in draft.windows.items() if count > 0}
    if fewer:
        yield replace(draft, windows={**draft.windows, **fewer})
