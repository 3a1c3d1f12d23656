"""Whom a notification is for."""

from __future__ import annotations

from answerby.domain.clock import ClockState, Timer
from answerby.domain.ladder import Notification, Step
from answerby.domain.request import RequestState
from answerby.rules.model.rulebook import OWNER, Rulebook
from answerby.sla.clocks import definition_of


def resolve_roles(
    rulebook: Rulebook, after: RequestState, notification: Notification, clock: ClockState | None = None
) -> list[str]:
    """The roles of a notification. `owner` is the role that routing gave, or else the clock's own role."""
    roles: dict[str, None] = {}
    for role in notification.roles:
        if role == OWNER:
            definition = definition_of(rulebook.clocks, clock.name) if clock is not None else None
            fallback = definition.role if definition is not None else ""
            roles[str(after.derived.get("role") or fallback or OWNER)] = None
        else:
            roles[role] = None
    return list(roles)


def told_roles(
    rulebook: Rulebook, request: RequestState, timer: Timer, step: Step, notification: Notification, clock: ClockState
) -> list[str]:
    """The roles of a step's notification, and the role that had the request before the step gave it to others."""
    roles = resolve_roles(rulebook, request, notification, clock)
    former = former_owner(request, timer, step, notification)
    return [*roles, former[1]] if former and former[1] not in roles else roles


def former_owner(request: RequestState, timer: Timer, step: Step, notification: Notification) -> list[str]:
    """Department and role that lost the request by the step and hear of it by this notification; empty: nobody.

    They hear by what is said to the owner, or else by the step's first notification.
    """
    to_owner = [each for each in step.notify if OWNER in each.roles]
    tells = OWNER in notification.roles if to_owner else notification is step.notify[0]
    return request.handed_over.get(timer.id, []) if tells else []
