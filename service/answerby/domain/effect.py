"""Effects: things that a decision wants done outside."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from answerby.domain.event import Value


class EffectKind(StrEnum):
    UPDATE_REQUEST = "update_request"
    """Write category, priority, due times, department, tags and a note back to where the request came from."""
    NOTIFY = "notify"
    """Tell a role something: a warning, a breach, a safety alarm."""
    CREATE_TASK = "create_task"
    """Ask a role to do something by a due time, such as completing the record with the customer."""
    OPEN_CASE = "open_case"
    """Open a linked major case, such as a recall."""


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to do. The server gives it to all connectors of the tenant that take its kind."""

    kind: EffectKind
    key: str
    """Unique within its decision; with decision and connector it makes the stable effect id."""
    role: str = ""
    urgent: bool = False
    """Bypasses quiet hours and batching."""
    supersedes: str = ""
    """An effect of the same request with the same value replaces an older one that is not yet sent."""
    payload: dict[str, Value] = {}
