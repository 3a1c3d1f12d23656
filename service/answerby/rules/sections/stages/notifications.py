"""`notify:` of rules, ladder steps and schedules."""

from __future__ import annotations

from answerby.domain.ladder import Notification
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

NOTIFY_KEYS = ("role", "roles", "template", "urgent", "until_acknowledged")


def read_notifications(scope: NameScope, node: Node) -> tuple[Notification, ...]:
    """The notifications of a mapping or of a list of mappings. Wrong entries are reported and left out."""
    items = (node,) if isinstance(node, MappingNode) else scope.reader.sequence(node, "notify")
    found = (_read(scope, item) for item in items)
    return tuple(notification for notification in found if notification is not None)


def _read(scope: NameScope, node: Node) -> Notification | None:
    mapping = scope.reader.mapping(node, "notify")
    if mapping is None:
        return None
    keys = MappingKeys(scope.reader, mapping, "notify", NOTIFY_KEYS)
    roles = [name for key in ("role", "roles") if (n := keys.get(key)) for name in scope.refer_all(NameKind.ROLE, n)]
    if keys.get("role") is None and keys.get("roles") is None:
        scope.report.add(Code.MISSING_KEY, mapping, "notify needs `roles`", "say who is to be told")
    template_node = keys.get("template")
    template = "" if template_node is None else scope.refer(NameKind.TEMPLATE, template_node) or ""
    return Notification(
        roles=tuple(sorted(set(roles))),
        template=template,
        urgent=keys.boolean("urgent"),
        until_acknowledged=keys.boolean("until_acknowledged"),
    )
