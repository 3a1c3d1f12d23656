"""The questions about one decision besides its explanation. They are checked first and answered together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.counterfactual.nearest import Alternative, nearest
from answerby.workbench.counterfactual.rule_standing import RuleStanding, rule_standing
from answerby.workbench.counterfactual.search import MOST_CHANGES, Answer, Search, why_not
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.counterfactual.wanted_outcome import WantedOutcome, parse_wanted_outcome

MOST_OUTCOMES = 10
HIGHEST_CHANGES = 6


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The questions. Raises InvalidInput from `wanted_outcomes` for a name that the rulebook does not have."""

    why_not: tuple[str, ...] = ()
    alternatives: bool = False
    keep: tuple[str, ...] = ()
    """Facts that no change may touch."""
    most_changes: int = MOST_CHANGES

    def __bool__(self) -> bool:
        return bool(self.why_not) or self.alternatives

    def wanted_outcomes(self, rulebook: Rulebook) -> list[WantedOutcome]:
        violations = []
        if len(self.why_not) > MOST_OUTCOMES:
            violations.append(FieldViolation("why_not", f"holds {len(self.why_not)} outcomes; at most {MOST_OUTCOMES}"))
        if not 1 <= self.most_changes <= HIGHEST_CHANGES:
            violations.append(FieldViolation("max_changes", f"must be between 1 and {HIGHEST_CHANGES}"))
        for name in self.keep:
            if name not in rulebook.vocabulary:
                near = difflib.get_close_matches(name, list(rulebook.vocabulary.fields), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                violations.append(FieldViolation("keep", f"{name[:100]!r} is no field of the vocabulary{hint}"))
        if violations:
            raise InvalidInput(violations)
        return [parse_wanted_outcome(rulebook, text) for text in self.why_not]


@dataclass(frozen=True, slots=True)
class Findings:
    situation: Situation
    answers: list[tuple[Answer, RuleStanding | None]]
    """The answers in the order of the questions, with the standing of a rule where a rule was wanted."""
    alternatives: list[Alternative]


def inquire(situation: Situation, wanted_outcomes: list[WantedOutcome], inquiry: Inquiry) -> Search[Findings]:
    """Answers all questions. Equal questions have equal answers."""
    answers = []
    for wanted_outcome in wanted_outcomes:
        answer = yield from why_not(situation, wanted_outcome, inquiry.keep, most_changes=inquiry.most_changes)
        answers.append((answer, rule_standing(situation, wanted_outcome.rule) if wanted_outcome.rule else None))
    alternatives: list[Alternative] = []
    if inquiry.alternatives:
        alternatives = yield from nearest(situation, inquiry.keep)
    return Findings(situation, answers, alternatives)
