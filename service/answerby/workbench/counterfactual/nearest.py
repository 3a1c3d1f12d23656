"""The nearest other outcomes: those that a single change of a fact would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.event import Value
from answerby.workbench.counterfactual.changes import Change, cost, hashable
from answerby.workbench.counterfactual.options import Options
from answerby.workbench.counterfactual.search import Counterfactual, Search, counterfactual, every_single
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.wanted_outcome import value_of

BUDGET = 400
PER_STAGE = 4
QUIET = frozenset({"missing", "missing_count", "require", "notify"})
"""Outputs that would fill the list with variations of the same answer."""


class Alternative(NamedTuple):
    stage: str
    name: str
    counterfactual: Counterfactual


def nearest(situation: Situation, keep: Iterable[str] = (), budget: int = BUDGET) -> Search[list[Alternative]]:
    """The outcomes of single changes, each with its smallest change. Each stage has a few of each output."""
    options = Options(situation, keep)
    limit = situation.evaluations + budget
    best: dict[tuple[str, str, object], Change] = {}
    for change in sorted(every_single(options), key=lambda c: cost((c,))):
        if situation.evaluations >= limit:
            break
        decision = situation.decide((change,))
        yield
        for stage, name, value in differences(situation.base, decision):
            best.setdefault((stage, name, hashable(value)), change)
    found: list[Alternative] = []
    for explained in situation.base.explanation:
        ranks: Counter[str] = Counter()
        of_stage = [(name, change) for (where, name, _), change in best.items() if where == explained.stage]
        ranked = []
        for name, change in sorted(of_stage, key=lambda item: (cost((item[1],)), item[0])):
            ranks[name] += 1
            ranked.append((ranks[name], name, change))
        # The nearest outcome of each output comes first, then the second of each.
        for _, name, change in sorted(ranked, key=lambda item: item[0])[:PER_STAGE]:
            decision = situation.decide((change,))
            found.append(Alternative(explained.stage, name, counterfactual(situation, (change,), [name], decision)))
    return found


def differences(base: Decision, other: Decision) -> list[tuple[str, str, Value]]:
    """Stage, output and new value of each single-valued output that differs."""
    found = []
    for before, after in zip(base.explanation, other.explanation, strict=True):
        for name in sorted({*before.outputs, *after.outputs} - QUIET):
            value = value_of(other, name)
            if value != value_of(base, name):
                found.append((after.stage, name, value))
    return found
