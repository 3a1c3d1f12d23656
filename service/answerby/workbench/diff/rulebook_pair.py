"""The two rulebooks of a comparison, ready to decide the same request."""

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
from answerby.engine.stages.stage import CONDITION_ERROR, conflicts_in
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.diff.model import Difference, OutputResult, Witness
from answerby.workbench.diff.random_requests import random_requests
from answerby.workbench.diff.witness_maker import WitnessMaker


class Sample(NamedTuple):
    """A request that the two rulebooks decide otherwise."""

    witness: Witness
    decisions: tuple[Decision, Decision]


@dataclass(slots=True)
class RulebookPair:
    """Two rulebooks, and the findings about them so far."""

    old: Rulebook
    new: Rulebook
    compiled: tuple[CompiledRulebook, CompiledRulebook] = field(init=False)
    maker: WitnessMaker = field(init=False)
    differences: list[Difference] = field(init=False, default_factory=list)
    shown_by_witness: set[str] = field(init=False, default_factory=set)
    """Everything that a witness shows: ids of rules, names of stages, `lexicon <id>`, `field <id>`."""
    unproved: set[str] = field(init=False, default_factory=set)
    """Ids of changed rules and names of stages with an open question."""
    open: dict[str, None] = field(init=False, default_factory=dict)
    """The open questions, in the order found."""
    attempts: int = field(init=False, default=0)
    _steps: tuple[RememberingSteps, RememberingSteps] = field(init=False)
    _samples: list[Sample] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.compiled = (compile_rulebook(self.old, "reference"), compile_rulebook(self.new, "reference"))
        self._steps = (RememberingSteps(self.compiled[0]), RememberingSteps(self.compiled[1]))
        self.maker = WitnessMaker(self.compiled)

    @property
    def books(self) -> tuple[Rulebook, Rulebook]:
        return self.old, self.new

    def decide(self, witness: Witness) -> tuple[Decision, Decision] | None:
        """The decisions of both; None when one of them cannot decide the request."""
        self.attempts += 1
        event, context = witness.event, Context(witness.windows)
        try:
            one, two = (decide(s.compiled, witness.state, event, context, event.time, s) for s in self._steps)
        except AnswerbyError:
            return None
        return one, two

    def samples(self) -> list[Sample]:
        """Random requests that the two decide otherwise. They are made once."""
        if self._samples is None:
            self._samples = [sample for witness in random_requests(self.compiled) if (sample := self._sample(witness))]
        return self._samples

    def _sample(self, witness: Witness) -> Sample | None:
        decisions = self.decide(witness)
        if decisions is None:
            return None
        old, new = map(results_of, decisions)
        return Sample(witness, decisions) if old != new else None

    def add(self, difference: Difference) -> None:
        """Adds a difference, unless the same request of the same region shows it already.

        The members of a set come one by one, and each has regions of its own.
        """
        one = (difference.stage, difference.output, difference.old.result, difference.new.result)
        for known in self.differences:
            same = (known.stage, known.output, known.old.result, known.new.result) == one
            same = same and known.region == difference.region
            if same and known.witness.event == difference.witness.event:
                return
        self.differences.append(difference)

    def add_open(self, why: str) -> None:
        self.open[why] = None


def results_of(decision: Decision) -> list[tuple[object, frozenset[str]]]:
    """The outputs of each stage, and those in conflict."""
    return [(stage.outputs, conflicts_in(decision.flags, stage.stage)) for stage in decision.explanation]


def flag_texts(decision: Decision) -> list[str]:
    """The flags of a decision, without the names of rules."""
    return sorted(
        flag.code if flag.code == CONDITION_ERROR else f"{flag.code}: {flag.message}" for flag in decision.flags
    )


def output_result(decision: Decision, stage: str, name: str) -> OutputResult:
    """The result of a stage for one output."""
    explained = next((e for e in decision.explanation if e.stage == stage), None)
    conflict = name in conflicts_in(decision.flags, stage)
    if explained is None:
        return OutputResult(None, (), decision.facts)
    decided_by = tuple(rule for rule in explained.won if name in rule.outputs)
    return OutputResult(explained.outputs.get(name), decided_by, decision.facts, conflict)
