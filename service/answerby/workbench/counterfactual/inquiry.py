"""Everything that can be asked of one decision besides its explanation, checked first and answered together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.counterfactual.goals import Goal, parse_goal
from answerby.workbench.counterfactual.nearest import Alternative, nearest
from answerby.workbench.counterfactual.search import MOST_CHANGES, Answer, Search, why_not
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.standing import RuleStanding, standing_of

MOST_GOALS = 10
HIGHEST_CHANGES = 6


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked. Raises InvalidInput from `goals` for what the rulebook does not know."""

    why_not: tuple[str, ...] = ()
    alternatives: bool = False
    keep: tuple[str, ...] = ()
    """Facts that are not to be thought otherwise."""
    most_changes: int = MOST_CHANGES

    def __bool__(self) -> bool:
        return bool(self.why_not) or self.alternatives

    def goals(self, rulebook: Rulebook) -> list[Goal]:
        violations = []
        if len(self.why_not) > MOST_GOALS:
            violations.append(FieldViolation("why_not", f"holds {len(self.why_not)} outcomes; at most {MOST_GOALS}"))
        if not 1 <= self.most_changes <= HIGHEST_CHANGES:
            violations.append(FieldViolation("max_changes", f"must be between 1 and {HIGHEST_CHANGES}"))
        for name in self.keep:
            if name not in rulebook.vocabulary:
                near = difflib.get_close_matches(name, list(rulebook.vocabulary.fields), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                violations.append(FieldViolation("keep", f"{name[:100]!r} is no field of the vocabulary{hint}"))
        if violations:
            raise InvalidInput(violations)
        return [parse_goal(rulebook, text) for text in self.why_not]


@dataclass(frozen=True, slots=True)
class Findings:
    situation: Situation
    answers: list[tuple[Answer, RuleStanding | None]]
    """In the order asked; how the rule stood where one was asked for."""
    alternatives: list[Alternative]


def inquire(situation: Situation, goals: list[Goal], inquiry: Inquiry) -> Search[Findings]:
    """Answers everything; deterministic."""
    answers = []
    for goal in goals:
        answer = yield from why_not(situation, goal, inquiry.keep, most_changes=inquiry.most_changes)
        answers.append((answer, standing_of(situation, goal.rule) if goal.rule else None))
    alternatives: list[Alternative] = []
    if inquiry.alternatives:
        alternatives = yield from nearest(situation, inquiry.keep)
    return Findings(situation, answers, alternatives)
