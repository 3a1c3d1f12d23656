"""Notices of a customer's message to a request that is completed or closed."""

from __future__ import annotations

from collections.abc import Iterator

from answerby.domain.effect import Effect
from answerby.domain.event import Value
from answerby.domain.ladder import Notification
from answerby.domain.reply_policy import Reply
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.effects.derive import EffectContext, notify
from answerby.engine.effects.roles import resolve_roles

NO_REQUEST = "-"
"""What a template shows for the new request where none begins."""


def reply_effects(case: Case, after: RequestState, reply: Reply, *, words: bool = True) -> Iterator[Effect]:
    """One notice for each role that the rulebook names. A historical event has none."""
    if case.event.historical:
        return
    compiled = case.compiled
    summary: dict[str, Value] = {**after.derived, "status": after.status.value} if words else {}
    context = EffectContext(compiled, after, summary, [], (), words)
    for notification in compiled.rulebook.replies.notify:
        for role in resolve_roles(compiled.rulebook, after, notification):
            key = f"reply/{reply.name}/{role}"
            yield notify(context, notification, role, key, _payload(after, reply, notification, summary), None)


def _payload(
    after: RequestState, reply: Reply, notification: Notification, summary: dict[str, Value]
) -> dict[str, Value]:
    payload: dict[str, Value] = {
        **summary,
        "replied": reply.time.isoformat(),
        "new_request": reply.request or NO_REQUEST,
    }
    return payload if notification.template else {**payload, **_words(after, reply)}


def _words(after: RequestState, reply: Reply) -> dict[str, Value]:
    """Texts for a rule without a template."""
    number = after.number or after.request_id
    goes_on_en = f" {reply.request} goes on with it." if reply.request else ""
    goes_on_zh = f"已转入 {reply.request}。" if reply.request else ""
    return {
        "text.en": f"{number} is {after.status.value}, and the customer wrote again.{goes_on_en}",
        "text.zh": f"{number} 已结束（{after.status.value}），客户又来信。{goes_on_zh}",
    }
