"""Callers, and the roles that allow actions on the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from answerby.domain.errors import AnswerbyError


class Role(StrEnum):
    """The permission of a token on the rules. Every role may read."""

    READER = "reader"
    AUTHOR = "author"
    """May bring a change. The change goes live at once where no approval is required."""
    APPROVER = "approver"
    """May approve and refuse changes by others."""
    OPERATOR = "operator"
    """May activate kept revisions, roll back, export requests for a backtest, and act on the tenant's connectors."""


EVERY_ROLE = frozenset(Role)
BRINGS = frozenset({Role.AUTHOR, Role.OPERATOR})
APPROVES = frozenset({Role.APPROVER})
OPERATES = frozenset({Role.OPERATOR})

SERVICE = "/answerby.v1.RulebookService/"
PERMISSIONS: Mapping[str, frozenset[Role]] = {
    "GetRulebook": EVERY_ROLE,
    "ListRevisions": EVERY_ROLE,
    "GetRevision": EVERY_ROLE,
    "ListActivations": EVERY_ROLE,
    "ReloadRulebook": BRINGS,
    "UploadRevision": BRINGS,
    "ActivateRevision": OPERATES,
    "RollbackRulebook": OPERATES,
    "GetCandidate": EVERY_ROLE,
    "StartCandidate": BRINGS,
    "StopCandidate": BRINGS,
    "PromoteCandidate": OPERATES,
    "ApproveRevision": APPROVES,
    "RejectRevision": APPROVES,
}
"""Method of RulebookService -> the roles. One of the roles is enough."""


EXPORT = "/answerby.v1.RequestService/ExportEvents"
"""An export hands out the texts of customers, so membership of the tenant is not enough."""
MIGRATE = "/answerby.v1.RequestService/MigrateClocks"
"""A migration moves the deadlines of waiting customers."""

CONNECTORS = "/answerby.v1.ConnectorService/"
"""Every call on connectors is for operators, as connectors act for the whole tenant."""


class PermissionDenied(AnswerbyError):
    """The token has no role that allows this call; ask for another token."""

    reason = "PERMISSION_DENIED"


class OwnRevision(AnswerbyError):
    """Nobody approves a revision that they brought themselves; ask another approver."""

    reason = "OWN_REVISION"


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller. `tenant` is empty for a token that covers the rules only."""

    name: str
    tenant: str
    roles: frozenset[Role]


def check_permission(method: str, caller: Caller) -> None:
    """Checks the caller's roles. `method` is the full name of the call. Raises PermissionDenied."""
    if method.startswith(SERVICE):
        needed = PERMISSIONS.get(method.removeprefix(SERVICE), frozenset())
        if not needed & caller.roles:
            names = " or ".join(sorted(needed))
            raise PermissionDenied(f"this call needs the role {names}; the token {caller.name} does not have it")
    elif not caller.tenant:
        raise PermissionDenied(f"the token {caller.name} belongs to no tenant; it is for the rules only")
    elif (method in (EXPORT, MIGRATE) or method.startswith(CONNECTORS)) and Role.OPERATOR not in caller.roles:
        raise PermissionDenied(f"this call needs the role operator; the token {caller.name} does not have it")
