"""Which stage may read what: facts that an earlier stage derived, or that were given."""

from __future__ import annotations

from answerby.rules.model.rulebook import STAGES
from answerby.rules.sections.scope import Scope
from answerby.rules.text.codes import Code
from answerby.rules.text.nodes import Node

COMPLETENESS, CLASSIFICATION = STAGES[0], STAGES[1]


class ReadingOrder:
    """Collects the fields that each stage reads, and checks them.

    Completeness may read what classification derives, since it is asked once more after it; then classification must
    not read what completeness derives.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._classification_reads: list[tuple[str, Node]] = []
        self._completeness_reads: tuple[str, Node] | None = None
        self._read_before_scores: list[tuple[str, Node]] = []
        self._score_reads: list[tuple[str, str, Node]] = []
        self._scored: dict[str, str] = {}

    def reads(self, stage: str, name: str, node: Node) -> None:
        field = self._scope.fields.get(name)
        if field is None or not field.derived_by:
            return
        first = min(STAGES.index(s) for s in field.derived_by.split(","))
        if stage == COMPLETENESS and first == STAGES.index(CLASSIFICATION):
            self._completeness_reads = self._completeness_reads or (name, node)
            self._read_before_scores.append((name, node))
        elif first >= STAGES.index(stage):
            message = f"{name} is not known in stage {stage}: stage {STAGES[first]} sets it"
            self._scope.report.add(Code.READS_LATER_STAGE, node, message, "read facts of earlier stages only")
        if stage == CLASSIFICATION and first < STAGES.index(CLASSIFICATION):
            self._classification_reads.append((name, node))

    def score_reads(self, stage: str, name: str, node: Node) -> None:
        """A score reads what its stage's rules have derived, but no other score of the stage."""
        field = self._scope.fields.get(name)
        if field is None or not field.derived_by:
            return
        first = min(STAGES.index(s) for s in field.derived_by.split(","))
        if first > STAGES.index(stage):
            message = f"{name} is not known in stage {stage}: stage {STAGES[first]} sets it"
            self._scope.report.add(Code.READS_LATER_STAGE, node, message, "read facts of this or an earlier stage")
        self._score_reads.append((stage, name, node))

    def scored(self, name: str, stage: str) -> None:
        """That a score of the stage computes the field."""
        self._scored[name] = stage

    def check(self) -> None:
        """Reports what can only be seen once everything is read."""
        self._check_scores()
        self._check_circle()

    def _check_scores(self) -> None:
        for name, node in self._read_before_scores:
            if name in self._scored:
                message = f"{name} is a score of {self._scored[name]}, which is computed after completeness is asked"
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "ask for it in a later stage")
        for stage, name, node in self._score_reads:
            if self._scored.get(name) == stage:
                message = f"{name} is another score of stage {stage}, and scores of one stage do not wait for another"
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "read the facts that it is made of")

    def _check_circle(self) -> None:
        """Reports the circle between completeness and classification, at each reading classification rule."""
        if self._completeness_reads is None:
            return
        read, place = self._completeness_reads[0], self._completeness_reads[1].place
        for name, node in self._classification_reads:
            message = f"classification reads {name}, while completeness reads {read} ({place.file}:{place.line})"
            self._scope.report.add(Code.STAGE_CYCLE, node, message, "remove one of the two")
