"""Notices that rules ask for: each is sent when its alerts begin, and once for each role and template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.alert import ACKNOWLEDGE, URGENT, Alert, GradeAlert, NoticeAlert
from answerby.domain.ladder import Notification
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.roles import resolve_roles
from answerby.engine.stages.stage_results import StageResults


class Notice(NamedTuple):
    """A notification for one role, and its alerts, which are in force as long as a rule asks for it."""

    notification: Notification
    role: str
    alerts: tuple[Alert, ...]


def addressed(compiled: CompiledRulebook, after: RequestState, results: StageResults) -> list[Notice]:
    """The notices that the rules ask for: one for each role and template, as strong as the strongest of them."""
    notifications = results.outputs.get("notify")
    if not isinstance(notifications, tuple):
        return []
    asked: dict[tuple[str, str], Notification] = {}
    for notification in notifications:
        for role in resolve_roles(compiled.rulebook, after, notification):
            told = (notification.template, role)
            known = asked.get(told)
            asked[told] = notification if known is None else strongest([notification, known])
    return [
        Notice(notification, role, alerts_of(compiled, notification, role)) for (_, role), notification in asked.items()
    ]


def strongest(notifications: Sequence[Notification]) -> Notification:
    """Notifications as one, in the words of the last: urgent if one is, to be acknowledged if one is."""
    return replace(
        notifications[-1],
        urgent=any(each.urgent for each in notifications),
        until_acknowledged=any(each.until_acknowledged for each in notifications),
    )


def alerts_of(compiled: CompiledRulebook, notification: Notification, role: str) -> tuple[Alert, ...]:
    template = notification.template
    notice = NoticeAlert(template, role)
    if template not in compiled.graded_templates:
        return (notice,)
    grades = ((URGENT, notification.urgent), (ACKNOWLEDGE, notification.until_acknowledged))
    return notice, *(GradeAlert(grade, template, role) for grade, has_it in grades if has_it)
