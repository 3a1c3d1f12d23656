"""The head of a file with `stage:`, which its rules, table and score share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from answerby.domain.clock_definition import ClockDefinition
from answerby.rules.model.rulebook import STAGES
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.stages.complete_outputs import CompleteOutputs
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.sections.stages.outputs import OutputCompiler
from answerby.rules.sections.stages.reading_order import ReadingOrder
from answerby.rules.sections.stages.rule_keys import DEFAULT_RANK, MAX_RANK, read_owner
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode

STAGE_FILE_KEYS = ("stage", "rules", "table", "score", "rank", "hit", "owner", "because", "description")


@dataclass(frozen=True, slots=True)
class StageCompilation:
    """The parts that the files and the settings of all stages share during one load."""

    scope: NameScope
    clocks: Mapping[str, ClockDefinition]
    complete: CompleteOutputs
    order: ReadingOrder

    def outputs_of(self, stage: str) -> OutputCompiler:
        """The compiler for outputs of one stage."""
        return OutputCompiler(self.scope, self.clocks, stage)


@dataclass(frozen=True, slots=True)
class StageFile:
    """The settings and compilers that the rules of one file share."""

    scope: NameScope
    keys: MappingKeys
    stage: str
    rank: int
    owner: str
    conditions: ConditionCompiler
    outputs: OutputCompiler
    complete: CompleteOutputs


def read_stage_file(compilation: StageCompilation, root: MappingNode) -> StageFile | None:
    """The head of a file with `stage:`. None, with a diagnostic, when there is no such stage."""
    scope, order = compilation.scope, compilation.order
    keys = MappingKeys(scope.reader, root, "a file of rules", STAGE_FILE_KEYS)
    stage_node = keys.require("stage")
    stage = None if stage_node is None else scope.reader.choice(stage_node, "stage", STAGES, Code.UNKNOWN_STAGE)
    if stage is None:
        return None
    return StageFile(
        scope=scope,
        keys=keys,
        stage=stage,
        rank=keys.integer("rank", DEFAULT_RANK, 0, MAX_RANK),
        owner=read_owner(scope, keys),
        conditions=ConditionCompiler(scope, lambda name, node: order.note_read(stage, name, node)),
        outputs=compilation.outputs_of(stage),
        complete=compilation.complete,
    )
