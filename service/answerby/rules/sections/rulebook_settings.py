"""`rulebook:` to roles, departments, numbering and settings of the stages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType

from answerby.rules.model.rulebook import STAGES, HitPolicy, Numbering
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.values.time_zones import read_zone
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, Place

_CODE = re.compile(r"[A-Z0-9]{1,12}\Z")


@dataclass(slots=True)
class StageSettings:
    """The settings of one stage. The outputs are still nodes, as their types need the vocabulary."""

    hit: HitPolicy = HitPolicy.COLLECT
    default: MappingNode | None = None
    on_error: MappingNode | None = None
    place: Place | None = None


@dataclass(slots=True)
class RulebookSettings:
    """The content of the `rulebook:` section. Each part has a default."""

    stages: dict[str, StageSettings] = field(default_factory=lambda: {name: StageSettings() for name in STAGES})
    roles: dict[str, str] = field(default_factory=dict)
    numbering: Numbering = field(default_factory=Numbering)
    complete_outputs: tuple[Node, ...] = ()
    """Entries of `complete_outputs:`, still as nodes. Their types need the vocabulary."""
    replies: MappingNode | None = None
    """`replies_after_completion:`, still as a node. It names a template."""


def compile_settings(scope: NameScope, sections: list[Node]) -> RulebookSettings:
    """The settings of the `rulebook:` section. A second section is reported."""
    settings = RulebookSettings()
    for count, section in enumerate(sections):
        if count:
            first = sections[0].place
            message = f"the rulebook section is already in {first.file}:{first.line}"
            scope.report.add(Code.DUPLICATE_ID, section, message, "keep one")
            continue
        mapping = scope.reader.mapping(section, "rulebook")
        if mapping is not None:
            _read(scope, MappingKeys(scope.reader, mapping, "rulebook", RULEBOOK_KEYS), settings)
    return settings


RULEBOOK_KEYS = ("stages", "roles", "departments", "numbering", "complete_outputs", "replies_after_completion")


def _read(scope: NameScope, keys: MappingKeys, settings: RulebookSettings) -> None:
    for key, node in keys.items("roles"):
        if scope.reader.identifier(key, "role id") and scope.declare(NameKind.ROLE, key.text, key):
            settings.roles[key.text] = scope.reader.nonempty_text(node, "role title") or ""
    settings.roles = dict(sorted(settings.roles.items()))
    settings.numbering = _numbering(scope, keys, _departments(scope, keys))
    settings.replies = keys.mapping("replies_after_completion")
    complete = keys.get("complete_outputs")
    if complete is not None:
        settings.complete_outputs = scope.reader.sequence(complete, "complete_outputs")
    for key, node in keys.items("stages"):
        stage = scope.reader.choice(key, "stage", STAGES, Code.UNKNOWN_STAGE)
        mapping = scope.reader.mapping(node, f"stage {key.text}")
        if stage and mapping:
            settings.stages[stage] = _stage(scope, MappingKeys(scope.reader, mapping, f"stage {stage}", STAGE_KEYS))


NUMBERING_KEYS = ("timezone", "default_code")
STAGE_KEYS = ("hit", "default", "on_error", "because")


def _stage(scope: NameScope, keys: MappingKeys) -> StageSettings:
    hit = read_hit(scope, keys) or HitPolicy.COLLECT
    return StageSettings(hit, keys.mapping("default"), keys.mapping("on_error"), keys.node.place)


def read_hit(scope: NameScope, keys: MappingKeys) -> HitPolicy | None:
    """The hit policy under `hit`. None without the key, and for an unknown policy."""
    node = keys.get("hit")
    found = None if node is None else scope.reader.choice(node, "hit policy", tuple(HitPolicy))
    return HitPolicy(found) if found else None


def _departments(scope: NameScope, keys: MappingKeys) -> dict[str, str]:
    codes: dict[str, str] = {}
    for key, node in keys.items("departments"):
        if scope.reader.identifier(key, "department id") and scope.declare(NameKind.DEPARTMENT, key.text, key):
            code = _number_code(scope, node)
            if code:
                codes[key.text] = code
    return dict(sorted(codes.items()))


def _number_code(scope: NameScope, node: Node) -> str | None:
    code = scope.reader.text(node, "department code")
    if code is None or _CODE.match(code):
        return code
    scope.report.add(Code.WRONG_VALUE, node, f'the code "{code[:40]}" cannot stand in a number', "write A-Z and 0-9")
    return None


def _numbering(scope: NameScope, keys: MappingKeys, codes: dict[str, str]) -> Numbering:
    default = Numbering(department_codes=MappingProxyType(codes))
    node = keys.mapping("numbering")
    if node is None:
        return default
    numbering = MappingKeys(scope.reader, node, "numbering", NUMBERING_KEYS)
    zone_node, code_node = numbering.get("timezone"), numbering.get("default_code")
    zone = None if zone_node is None else read_zone(scope.report, zone_node, "timezone")
    code = None if code_node is None else _number_code(scope, code_node)
    if zone is not None:
        scope.zone = zone
    return Numbering(scope.zone.key, MappingProxyType(codes), code or default.default_code)
