"""The scores of all files with `stage:`, one for each output."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.rules.model.rulebook import STAGES, Block
from answerby.rules.model.score import Score
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.scores.score_reader import ScoreReader
from answerby.rules.sections.stages.stage_file import StageCompilation
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import MappingNode, Place, ScalarNode


def compile_scores(compilation: StageCompilation, roots: Iterable[MappingNode]) -> dict[str, tuple[Score, ...]]:
    """The scores of each stage, in the order of their ids. Two scores for the same field are reported."""
    scope = compilation.scope
    found: dict[str, list[Score]] = {name: [] for name in STAGES}
    score_of: dict[str, Score] = {}
    for root in roots:
        node, stage = root.get("score"), _stage_of(root)
        if node is None or stage is None:
            continue
        mapping = scope.reader.mapping(node, "score")
        score = None if mapping is None else ScoreReader(compilation, stage, root, mapping).read()
        if score is None:
            continue
        found[stage].append(score)
        for name in score.outputs:
            first = score_of.setdefault(name, score)
            if first is not score:
                message = f"{name} is already what {first.id} computes ({first.file}:{first.line})"
                scope.report.add(Code.SCORE_OUTPUT, node, message, "give each score a field of its own")
    return {stage: tuple(sorted(scores, key=lambda s: s.id)) for stage, scores in found.items()}


def refuse_rules_that_set(scope: NameScope, scores: Iterable[Score], blocks: Iterable[Block]) -> None:
    """Reports rules that set the output of a score. `default` and `on_error` of the stage may set such an output."""
    computed = {name: score for score in scores for name in score.outputs}
    for rule in (rule for block in blocks for rule in block.rules):
        for name in rule.then.keys() & computed.keys():
            message = f"{name} is what the score {computed[name].id} computes; rule {rule.id} cannot set it"
            scope.report.add(Code.SCORE_OUTPUT, Place(rule.file, rule.line, 1), message, "set another field")


def _stage_of(root: MappingNode) -> str | None:
    """The stage of a file. None for an unknown stage, which `read_stage_file` reports."""
    node = root.get("stage")
    return node.text if isinstance(node, ScalarNode) and node.text in STAGES else None
