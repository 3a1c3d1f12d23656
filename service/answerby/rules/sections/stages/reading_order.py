"""The facts that each stage may read: given facts, and facts of stages that are evaluated before it."""

from __future__ import annotations

from answerby.rules.model.rulebook import CLASSIFICATION, COMPLETENESS, EVALUATION_ORDER
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node


class ReadingOrder:
    """The fields that stages and scores read during one load, with checks that they are known by then."""

    def __init__(self, scope: NameScope) -> None:
        self._scope = scope
        self._read_before_scores: list[tuple[str, Node]] = []
        self._score_reads: list[tuple[str, str, Node]] = []
        self._stage_of_score: dict[str, str] = {}

    def note_read(self, stage: str, name: str, node: Node) -> None:
        """Notes that a condition of the stage reads the field. A field that is not known by then is reported."""
        setter = self._first_setter(name)
        if setter is None:
            return
        if _place(setter) >= _place(stage):
            self._not_known(stage, name, setter, node, "read facts of stages that are asked before")
        elif stage == COMPLETENESS:
            self._read_before_scores.append((name, node))

    def note_score_read(self, stage: str, name: str, node: Node) -> None:
        """Notes that a score of the stage reads the field. A field that is not known by then is reported.

        A score may read facts that the rules of its stage derive, but no other score of the stage. Scores of
        classification are computed after completeness, and may read facts that completeness sets.
        """
        setter = self._first_setter(name)
        if setter is None:
            return
        if _place(setter) > _place(stage) and (stage, setter) != (CLASSIFICATION, COMPLETENESS):
            self._not_known(stage, name, setter, node, "read facts of this stage or of stages that are asked before")
        self._score_reads.append((stage, name, node))

    def note_score(self, name: str, stage: str) -> None:
        """Notes that a score of the stage computes the field."""
        self._stage_of_score[name] = stage

    def check(self) -> None:
        """Reports facts that a score computes too late. All scores and conditions must be noted before."""
        for name, node in self._read_before_scores:
            if name in self._stage_of_score:
                message = (
                    f"{name} is a score of {self._stage_of_score[name]}, which is computed after completeness is asked"
                )
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "ask for it in a later stage")
        for stage, name, node in self._score_reads:
            if self._stage_of_score.get(name) == stage:
                message = f"{name} is another score of stage {stage}, and scores of one stage do not wait for another"
                self._scope.report.add(Code.READS_LATER_STAGE, node, message, "read the facts that it is made of")

    def _first_setter(self, name: str) -> str | None:
        """The first stage to be evaluated among those that set the field. None for a field that no rule sets."""
        field = self._scope.fields.get(name)
        return min(field.derived_by, key=_place, default=None) if field is not None else None

    def _not_known(self, stage: str, name: str, setter: str, node: Node, remedy: str) -> None:
        message = f"{name} is not known in stage {stage}: stage {setter} sets it"
        if (stage, setter) == (CLASSIFICATION, COMPLETENESS):
            message += ", which is asked after classification"
        self._scope.report.add(Code.READS_LATER_STAGE, node, message, remedy)


def _place(stage: str) -> int:
    return EVALUATION_ORDER.index(stage)
