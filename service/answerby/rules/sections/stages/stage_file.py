"""Files with `stage:`: their rules or their table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.condition import ALWAYS, Condition
from answerby.rules.model.rulebook import STAGES, Block, HitPolicy, Output, Rule, RuleMode
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.rule_templates.expansion import RuleTemplates
from answerby.rules.sections.rulebook_settings import read_hit
from answerby.rules.sections.stages.complete_outputs import CompleteOutputs
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.sections.stages.outputs import OutputCompiler
from answerby.rules.sections.stages.reading_order import ReadingOrder
from answerby.rules.sections.values.dates import read_instant
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

STAGE_FILE_KEYS = ("stage", "rules", "table", "score", "rank", "hit", "owner", "because", "description")
DEFAULT_RANK = 100
RULE_KEYS = (
    "id",
    "because",
    "rank",
    "when",
    "then",
    "enabled_from",
    "until",
    "owner",
    "mode",
    "protected",
    "description",
)
MAX_RANK = 60_000


@dataclass(frozen=True, slots=True)
class StageFile:
    """What the rules of one file share."""

    scope: NameScope
    keys: MappingKeys
    stage: str
    rank: int
    owner: str
    conditions: ConditionCompiler
    outputs: OutputCompiler
    complete: CompleteOutputs


def read_stage_file(
    scope: NameScope,
    clocks: Mapping[str, ClockDefinition],
    complete: CompleteOutputs,
    order: ReadingOrder,
    root: MappingNode,
) -> StageFile | None:
    """None, with a diagnostic, when the stage is not one."""
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
        conditions=ConditionCompiler(scope, lambda name, node: order.reads(stage, name, node)),
        outputs=OutputCompiler(scope, clocks, stage),
        complete=complete,
    )


def compile_rules(section: StageFile, node: Node, templates: RuleTemplates) -> Block | None:
    """The block of a `rules:` list; its policy is `collect` unless the file names another."""
    keys, file = section.keys, node.place.file
    hit = read_hit(section.scope, keys) or HitPolicy.COLLECT
    block = f"file:{file}"
    items = templates.expand(section.scope.reader.sequence(node, "rules"))
    mappings = (section.scope.reader.mapping(item, "rule") for item in items)
    rules = [rule for mapping in mappings if mapping and (rule := _rule(section, block, mapping))]
    return Block(block, section.stage, hit, tuple(sorted(rules, key=lambda r: r.order))) if rules else None


def _rule(section: StageFile, block: str, node: MappingNode) -> Rule | None:
    scope = section.scope
    keys = MappingKeys(scope.reader, node, "rule", RULE_KEYS)
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "rule id")
    if id_node is not None and name is not None:
        scope.declare(NameKind.RULE, name, id_node)
    when_node, then_node = keys.get("when"), keys.require("then")
    when: Condition = ALWAYS if when_node is None else section.conditions.when(when_node)
    then: Mapping[str, Output] = {} if then_node is None else section.outputs.then(then_node)
    if isinstance(then_node, MappingNode):
        section.complete.check(then_node, f"rule {name or ''}".strip(), then, set(then_node.keys()))
    rank = keys.integer("rank", DEFAULT_RANK, 0, MAX_RANK)
    because = keys.because()
    enabled_from, until = read_period(scope, keys)
    return Rule(
        id=name or "",
        stage=section.stage,
        block=block,
        when=when,
        then=then,
        because=because,
        file=node.place.file,
        line=node.place.line,
        order=(section.rank, rank, name or "", 0),
        owner=read_owner(scope, keys) or section.owner,
        enabled_from=enabled_from,
        until=until,
        mode=read_mode(scope, keys) or RuleMode.LIVE,
        protected=read_protected(scope, keys) or False,
    )


def read_period(scope: NameScope, keys: MappingKeys) -> tuple[datetime | None, datetime | None]:
    """[enabled_from, until): a date in `enabled_from` counts from its start, one in `until` to its end."""
    from_node, until_node = keys.get("enabled_from"), keys.get("until")
    start = None if from_node is None else read_instant(scope.report, from_node, "enabled_from", scope.zone)
    end = None if until_node is None else read_instant(scope.report, until_node, "until", scope.zone, end_of_day=True)
    if until_node is not None and start is not None and end is not None and end <= start:
        scope.report.add(Code.NEVER_TRUE, until_node, "the rule ends before it begins", "swap enabled_from and until")
    return start, end


def read_mode(scope: NameScope, keys: MappingKeys) -> RuleMode | None:
    """`live` or `shadow`; None when the file does not say."""
    node = keys.get("mode")
    found = None if node is None else scope.reader.choice(node, "mode", tuple(RuleMode))
    return RuleMode(found) if found else None


def read_protected(scope: NameScope, keys: MappingKeys) -> bool | None:
    """Whether the proofs must show that nothing takes the outputs away; None when the file does not say."""
    node = keys.get("protected")
    return None if node is None else scope.reader.boolean(node, "protected")


def read_owner(scope: NameScope, keys: MappingKeys) -> str:
    """The department that answers for the rules."""
    node = keys.get("owner")
    if node is None:
        return ""
    name = scope.reader.text(node, "owner") or ""
    if name and name in scope.names(NameKind.ROLE):
        scope.knows(NameKind.ROLE, name, node)
    elif name and (any(scope.names(NameKind.DEPARTMENT)) or any(scope.names(NameKind.ROLE))):
        scope.knows(NameKind.DEPARTMENT, name, node)
    return name
