"""Keys that rules, tables and rows share: rank, dates, mode, protection, owner."""

from __future__ import annotations

from datetime import datetime

from answerby.rules.model.rulebook import RuleMode
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.values.dates import read_instant
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys

DEFAULT_RANK = 100


MAX_RANK = 60_000


def read_period(scope: NameScope, keys: MappingKeys) -> tuple[datetime | None, datetime | None]:
    """The period from `enabled_from` (included) until `until` (excluded), in UTC. None for an open end.

    A date in `enabled_from` stands for the start of that day, a date in `until` for its end.
    """
    from_node, until_node = keys.get("enabled_from"), keys.get("until")
    start = None if from_node is None else read_instant(scope.report, from_node, "enabled_from", scope.zone)
    end = None if until_node is None else read_instant(scope.report, until_node, "until", scope.zone, end_of_day=True)
    if until_node is not None and start is not None and end is not None and end <= start:
        scope.report.add(Code.NEVER_TRUE, until_node, "the rule ends before it begins", "swap enabled_from and until")
    return start, end


def read_mode(scope: NameScope, keys: MappingKeys) -> RuleMode | None:
    """The mode, `live` or `shadow`. None without the key."""
    node = keys.get("mode")
    found = None if node is None else scope.reader.choice(node, "mode", tuple(RuleMode))
    return RuleMode(found) if found else None


def read_protected(scope: NameScope, keys: MappingKeys) -> bool | None:
    """Whether the proofs must show that no other rule replaces the outputs. None without the key."""
    node = keys.get("protected")
    return None if node is None else scope.reader.boolean(node, "protected")


def read_owner(scope: NameScope, keys: MappingKeys) -> str:
    """The department or role that is responsible for the rules; empty without the key."""
    node = keys.get("owner")
    if node is None:
        return ""
    name = scope.reader.text(node, "owner") or ""
    if name and name in scope.names(NameKind.ROLE):
        scope.knows(NameKind.ROLE, name, node)
    elif name and (any(scope.names(NameKind.DEPARTMENT)) or any(scope.names(NameKind.ROLE))):
        scope.knows(NameKind.DEPARTMENT, name, node)
    return name
