"""Which stage may read what: facts that a stage asked before it derives, or that were given."""

from __future__ import annotations

from answerby.rules.model.rulebook import CLASSIFICATION, COMPLETENESS, EVALUATION_ORDER
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node


class ReadingOrder:
    """Collects the fields that each stage reads, and checks them."""

    def __init__(self, scope: NameScope) -> None:
        self._scope = scope
        self._read_before_scores: list[tuple[str, Node]] = []
        self._score_reads: list[tuple[str, str, Node]] = []
        self._scored: dict[str, str] = {}

    def reads(self, stage: str, name: str, node: Node) -> None:
        """A condition of the stage reads the field."""
        setter = self._first_setter(name)
        if setter is None:
            return
        if _place(setter) >= _place(stage):
            self._not_known(stage, name, setter, node, "read facts of stages that are asked before")
        elif stage == COMPLETENESS:
            self._read_before_scores.append((name, node))

    def score_reads(self, stage: str, name: str, node: Node) -> None:
        """A score reads what its stage's rules have derived, but no other score of the stage.

        Scores of classification are computed after completeness, and may read what that sets.
        """
        setter = self._first_setter(name)
        if setter is None:
            return
        if _place(setter) > _place(stage) and (stage, setter) != (CLASSIFICATION, COMPLETENESS):
            self._not_known(stage, name, setter, node, "read facts of this stage or of stages that are asked before")
        self._score_reads.append((stage, name, node))

    def scored(self, name: str, stage: str) -> None:
        """A score of the stage computes the field."""
        self._scored[name] = stage

    def check(self) -> None:
        """Reports what can only be seen once everything is read: facts that a score computes too late."""
        for name, node in self._read_before_scores:
            if name in self._scored:
                message = f"{name} is a score of {self._scored[name]}, which is computed after completeness is asked"
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "ask for it in a later stage")
        for stage, name, node in self._score_reads:
            if self._scored.get(name) == stage:
                message = f"{name} is another score of stage {stage}, and scores of one stage do not wait for another"
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "read the facts that it is made of")

    def _first_setter(self, name: str) -> str | None:
        """The stage that sets the field and is asked first; None for a field that no rule sets."""
        field = self._scope.fields.get(name)
        return min(field.derived_by, key=_place, default=None) if field is not None else None

    def _not_known(self, stage: str, name: str, setter: str, node: Node, remedy: str) -> None:
        message = f"{name} is not known in stage {stage}: stage {setter} sets it"
        if (stage, setter) == (CLASSIFICATION, COMPLETENESS):
            message += ", which is asked after classification"
        self._scope.report.add(Code.READS_LATER_STAGE, node, message, remedy)


def _place(stage: str) -> int:
    return EVALUATION_ORDER.index(stage)
