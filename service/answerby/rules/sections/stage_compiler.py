"""Files with `stage:`, and the settings of the stages, to the six stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from answerby.domain.clock_definition import ClockDefinition
from answerby.rules.model.rulebook import STAGES, Block, HitPolicy, Output, Stage
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.rule_templates.expansion import RuleTemplates
from answerby.rules.sections.rulebook_settings import RulebookSettings, StageSettings
from answerby.rules.sections.scores.score import compile_scores, refuse_rules_that_set
from answerby.rules.sections.stages.complete_outputs import CompleteOutputs, compile_complete_outputs
from answerby.rules.sections.stages.outputs import TARGET_PREFIX, OutputCompiler
from answerby.rules.sections.stages.reading_order import ReadingOrder
from answerby.rules.sections.stages.rules import compile_rules
from answerby.rules.sections.stages.stage_file import StageCompilation, read_stage_file
from answerby.rules.sections.tables.table import compile_table
from answerby.rules.text.csv_files import CsvFiles
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import MappingNode, Place


@dataclass(frozen=True, slots=True)
class StageSources:
    """The files with `stage:`, and the CSV files and rule templates that these files may name."""

    roots: Sequence[MappingNode]
    csv_files: CsvFiles
    rule_templates: RuleTemplates


def compile_stages(
    scope: NameScope, settings: RulebookSettings, clocks: Mapping[str, ClockDefinition], sources: StageSources
) -> tuple[Stage, ...]:
    """All six stages, in order. A stage without rules has no blocks."""
    complete = compile_complete_outputs(scope, clocks, settings.complete_outputs)
    compilation = StageCompilation(scope, clocks, complete, ReadingOrder(scope))
    blocks: dict[str, list[Block]] = {name: [] for name in STAGES}
    for root in sources.roots:
        for block in _blocks(compilation, sources, root):
            blocks[block.stage].append(block)
    scores = compile_scores(compilation, sources.roots)
    compilation.order.check()
    for name in STAGES:
        refuse_rules_that_set(scope, scores[name], blocks[name])
    stages = (_stage(compilation, name, settings.stages[name], blocks[name]) for name in STAGES)
    return tuple(replace(stage, scores=scores[stage.name]) for stage in stages)


def _blocks(compilation: StageCompilation, sources: StageSources, root: MappingNode) -> Iterator[Block]:
    file = read_stage_file(compilation, root)
    if file is None:
        return
    rules, table = file.keys.get("rules"), file.keys.get("table")
    if rules is None and table is None and file.keys.get("score") is None:
        message = "a file with `stage` needs `rules`, `table` or `score`"
        compilation.scope.report.add(Code.MISSING_KEY, root, message, "add one of them")
    if rules is not None and (block := compile_rules(file, rules, sources.rule_templates)):
        yield block
    if table is not None and (block := compile_table(file, table, sources.csv_files)):
        yield block


def _stage(compilation: StageCompilation, name: str, settings: StageSettings, blocks: list[Block]) -> Stage:
    scope, complete, outputs = compilation.scope, compilation.complete, compilation.outputs_of(name)
    if settings.on_error is None:
        _warn_of_no_safe_side(scope, name, settings.place, blocks)
    _warn_of_no_order(scope, name, settings, blocks)
    return Stage(
        name=name,
        hit=settings.hit,
        blocks=tuple(sorted(blocks, key=lambda b: b.id)),
        default=_outputs(outputs, complete, f"the default of {name}", settings.default),
        on_error=_outputs(outputs, complete, f"the safe side of {name}", settings.on_error),
    )


def _outputs(
    compiler: OutputCompiler, complete: CompleteOutputs, what: str, node: MappingNode | None
) -> Mapping[str, Output]:
    if node is None:
        return MappingProxyType({})
    outputs = compiler.then(node)
    complete.check(node, what, outputs, set(node.keys()))
    return outputs


def _warn_of_no_safe_side(scope: NameScope, stage: str, settings: Place | None, blocks: list[Block]) -> None:
    """Warns of a stage that sets a single value but has no `on_error`. Sets and notifications need no safe side."""
    for rule in (rule for block in blocks for rule in block.rules):
        single = sorted(name for name in rule.then if _is_single(scope, name))
        if single:
            message = f"stage {stage} sets {single[0]}, but names no safe value for when a condition fails"
            hint = f"add `{stage}: {{on_error: {{{single[0]}: ...}}}}` to the rulebook's stages"
            scope.report.add(Code.NO_SAFE_SIDE, settings or Place(rule.file, rule.line, 1), message, hint)
            return


def _warn_of_no_order(scope: NameScope, stage: str, settings: StageSettings, blocks: list[Block]) -> None:
    """Warns of `most_severe` for an output whose values have no order of severity."""
    competing = [
        (block.rules, f"{block.id.removeprefix('file:')} of stage {stage}")
        for block in blocks
        if block.hit is HitPolicy.MOST_SEVERE
    ]
    if settings.hit is HitPolicy.MOST_SEVERE:
        competing.append((tuple(rule for block in blocks for rule in block.rules), f"stage {stage}"))
    warned: set[str] = set()
    for rules, where in competing:
        setters = Counter(name for rule in rules for name in rule.then)
        for name in sorted(name for name, count in setters.items() if count > 1 and _is_unordered(scope, name)):
            rule = min((r for r in rules if name in r.then), key=lambda r: (r.file, r.line))
            if name not in warned:
                warned.add(name)
                message = f"{where} is most_severe, but {name} has no order; the lowest rank wins"
                hint = f"make {name} an enum, its values from least to most severe, or name another hit policy"
                scope.report.add(Code.NO_ORDER, Place(rule.file, rule.line, 1), message, hint)


def _is_unordered(scope: NameScope, name: str) -> bool:
    field = scope.fields.get(name)
    return _is_single(scope, name) and (field is None or field.type is not FieldType.ENUM)


def _is_single(scope: NameScope, name: str) -> bool:
    field = scope.fields.get(name)
    return name.startswith(TARGET_PREFIX) or (field is not None and field.type is not FieldType.SET)
