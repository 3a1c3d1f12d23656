"""`rules:` of a file with `stage:` to rules."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.condition import ALWAYS, Condition
from answerby.rules.model.rulebook import Block, HitPolicy, Output, Rule, RuleMode
from answerby.rules.sections.name_scope import NameKind
from answerby.rules.sections.rule_templates.expansion import RuleTemplates
from answerby.rules.sections.rulebook_settings import read_hit
from answerby.rules.sections.stages.rule_keys import (
    DEFAULT_RANK,
    MAX_RANK,
    read_mode,
    read_owner,
    read_period,
    read_protected,
)
from answerby.rules.sections.stages.stage_file import StageFile
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

RULE_KEYS = (
    "id",
    "because",
    "rank",
    "when",
    "otherwise",
    "then",
    "enabled_from",
    "until",
    "owner",
    "mode",
    "protected",
    "description",
)


def compile_rules(stage_file: StageFile, node: Node, templates: RuleTemplates) -> Block | None:
    """The block of a `rules:` list. The hit policy is `collect`, unless the file names another."""
    keys, file = stage_file.keys, node.place.file
    hit = read_hit(stage_file.scope, keys) or HitPolicy.COLLECT
    block = f"file:{file}"
    items = templates.expand(stage_file.scope.reader.sequence(node, "rules"))
    mappings = (stage_file.scope.reader.mapping(item, "rule") for item in items)
    rules = [rule for mapping in mappings if mapping and (rule := _rule(stage_file, block, mapping))]
    return Block(block, stage_file.stage, hit, tuple(sorted(rules, key=lambda r: r.order))) if rules else None


def _rule(stage_file: StageFile, block: str, node: MappingNode) -> Rule | None:
    scope = stage_file.scope
    keys = MappingKeys(scope.reader, node, "rule", RULE_KEYS)
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "rule id")
    if id_node is not None and name is not None:
        scope.declare(NameKind.RULE, name, id_node)
    when, then_node = _condition(stage_file, keys), keys.require("then")
    then: Mapping[str, Output] = {} if then_node is None else stage_file.outputs.then(then_node)
    if isinstance(then_node, MappingNode):
        stage_file.complete.check(then_node, f"rule {name or ''}".strip(), then, set(then_node.keys()))
    rank = keys.integer("rank", DEFAULT_RANK, 0, MAX_RANK)
    because = keys.because()
    enabled_from, until = read_period(scope, keys)
    return Rule(
        id=name or "",
        stage=stage_file.stage,
        block=block,
        when=when,
        then=then,
        because=because,
        file=node.place.file,
        line=node.place.line,
        order=(stage_file.rank, rank, name or "", 0),
        owner=read_owner(scope, keys) or stage_file.owner,
        enabled_from=enabled_from,
        until=until,
        mode=read_mode(scope, keys) or RuleMode.LIVE,
        protected=read_protected(scope, keys) or False,
    )


def _condition(stage_file: StageFile, keys: MappingKeys) -> Condition:
    """The condition of `when`. A rule without one, which may say `otherwise: true`, always matches."""
    when, otherwise = keys.get("when"), keys.get("otherwise")
    report = stage_file.scope.report
    if otherwise is not None and stage_file.scope.reader.boolean(otherwise, "otherwise") is False:
        report.add(Code.WRONG_VALUE, otherwise, "`otherwise` is true or not there", "write when: ... instead")
    if otherwise is not None and when is not None:
        report.add(Code.WRONG_VALUE, otherwise, "the rule has `when` and `otherwise`", "keep one")
    return ALWAYS if when is None else stage_file.conditions.when(when)
