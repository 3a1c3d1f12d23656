"""The inputs of a stored decision, rebuilt from the events and decisions of its request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.workbench.counterfactual.search import Search
from answerby.workbench.counterfactual.situation import Situation


class Rebuilt(NamedTuple):
    situation: Situation
    same: bool
    """Whether the rebuilt inputs give the stored decision.

    If not, the rules have changed, and the new decision counts.
    """


def rebuild(
    compiled: CompiledRulebook, events: Sequence[Event], decisions: Sequence[Decision], counts: Mapping[str, int]
) -> Search[Rebuilt]:
    """`events` and `decisions` of one request up to this one, oldest first. `counts` are the counts as stored."""
    context = Context(dict(counts))
    state: RequestState | None = None
    for place, (event, decision) in enumerate(zip(events[:-1], decisions[:-1], strict=True)):
        state = decide(compiled, state, event, context._replace(history=events[:place]), decision.decided).state
        yield
    situation = Situation(compiled, state, events[-1], context, decisions[-1].decided)
    return Rebuilt(situation, same_outcome(situation.base, decisions[-1]))


def same_outcome(one: Decision, other: Decision) -> bool:
    """Whether facts, status, clocks and winning rules are equal. Everything else is ignored."""
    return (
        one.facts == other.facts
        and one.status == other.status
        and one.clocks == other.clocks
        and [[r.id for r in s.won] for s in one.explanation] == [[r.id for r in s.won] for s in other.explanation]
    )
