"""Both rulebooks of a comparison, ready to decide the same request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.diff.model import Difference, Side, Witness
from answerby.workbench.diff.random_requests import random_requests
from answerby.workbench.diff.requests import Maker


class Sample(NamedTuple):
    """A request that the two decide otherwise."""

    witness: Witness
    decisions: tuple[Decision, Decision]


@dataclass(slots=True)
class Trial:
    """The two, and what trying them has shown so far."""

    old: Rulebook
    new: Rulebook
    compiled: tuple[CompiledRulebook, CompiledRulebook] = field(init=False)
    maker: Maker = field(init=False)
    differences: list[Difference] = field(init=False, default_factory=list)
    shown: set[str] = field(init=False, default_factory=set)
    """What is shown by a witness: ids of rules, names of stages, `lexicon <id>`, `field <id>`."""
    unproved: set[str] = field(init=False, default_factory=set)
    """Ids of changed rules, and names of stages, of which something stays open."""
    open: dict[str, None] = field(init=False, default_factory=dict)
    """Why something stays open, in the order found."""
    tried: int = field(init=False, default=0)
    _steps: tuple[RememberingSteps, RememberingSteps] = field(init=False)
    _samples: list[Sample] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.compiled = (compile_rulebook(self.old, "reference"), compile_rulebook(self.new, "reference"))
        self._steps = (RememberingSteps(self.compiled[0]), RememberingSteps(self.compiled[1]))
        self.maker = Maker(self.compiled)

    def decide(self, witness: Witness) -> tuple[Decision, Decision] | None:
        """What each makes of it; None when one cannot decide it at all."""
        self.tried += 1
        event, context = witness.event, Context(witness.windows)
        try:
            one, two = (decide(s.compiled, witness.state, event, context, event.time, s) for s in self._steps)
        except AnswerbyError:
            return None
        return one, two

    def samples(self) -> list[Sample]:
        """Requests made at random of what the rules can tell apart, that the two decide otherwise; made once."""
        if self._samples is None:
            self._samples = [sample for witness in random_requests(self.compiled) if (sample := self._sample(witness))]
        return self._samples

    def _sample(self, witness: Witness) -> Sample | None:
        decisions = self.decide(witness)
        if decisions is None:
            return None
        old, new = ([stage.outputs for stage in decision.explanation] for decision in decisions)
        return Sample(witness, decisions) if old != new else None

    def add(self, difference: Difference) -> None:
        """Adds a difference, but for one that the same request shows already: members of a set come one by one."""
        one = (difference.stage, difference.output, difference.old.value, difference.new.value)
        for known in self.differences:
            same = (known.stage, known.output, known.old.value, known.new.value) == one
            if same and known.witness.event == difference.witness.event:
                return
        self.differences.append(difference)

    def leave_open(self, why: str) -> None:
        self.open[why] = None


def side(decision: Decision, stage: str, name: str) -> Side:
    """What a stage came to."""
    explained = next((e for e in decision.explanation if e.stage == stage), None)
    if explained is None:
        return Side(None, (), decision.facts)
    decided_by = tuple(rule for rule in explained.won if name in rule.outputs)
    return Side(explained.outputs.get(name), decided_by, decision.facts)
