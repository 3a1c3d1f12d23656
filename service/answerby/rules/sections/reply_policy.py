"""`replies_after_completion:` of the rulebook section to the policy for messages to finished requests."""

from __future__ import annotations

from answerby.domain.reply_policy import ReplyAction, ReplyPolicy
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.stages.notifications import read_notifications
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode

REPLY_KEYS = ("within", "then", "after", "notify", "because")
SHIPPED = ReplyPolicy()


def compile_reply_policy(scope: NameScope, node: MappingNode | None) -> ReplyPolicy:
    """The policy. Each key that is not written has its default."""
    if node is None:
        return SHIPPED
    keys = MappingKeys(scope.reader, node, "replies_after_completion", REPLY_KEYS)
    within, notify = keys.get("within"), keys.get("notify")
    seconds = None if within is None else read_seconds(scope.report, within, "within")
    return ReplyPolicy(
        within_seconds=seconds or SHIPPED.within_seconds,
        then=_action(scope, keys, "then", SHIPPED.then),
        after=_action(scope, keys, "after", SHIPPED.after),
        notify=(notify and read_notifications(scope, notify)) or SHIPPED.notify,
    )


def _action(scope: NameScope, keys: MappingKeys, key: str, default: ReplyAction) -> ReplyAction:
    node = keys.get(key)
    found = None if node is None else scope.reader.choice(node, key, tuple(ReplyAction))
    return ReplyAction(found) if found else default
