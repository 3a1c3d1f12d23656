"""What Jira tells of comments and authors, in histories and webhooks, and how it is asked for a time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from answerby.domain.event import ActorRole
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.notes.adf import adf_text
from answerby_connectors.kit.ticket import Change

STATUS = "status"
ROLES = {"app": ActorRole.SYSTEM, "customer": ActorRole.CUSTOMER}
OF_COMMENT = re.compile(r"/issue/(\d+)/comment/")


def comment(one: dict[str, Any]) -> Change:
    body = one.get("body")
    return Change(
        id=f"comment/{one['id']}",
        time=datetime.fromisoformat(one["created"]),
        text=body if isinstance(body, str) else adf_text(body),
        private=one.get("jsdPublic") is False,
        **who(one.get("author") or {}),
    )


def arrival(reference: str, change: Change) -> Arrival:
    values = {name: str(value) for name, value in change.values.items()}
    values |= {STATUS: change.status[1]} if change.status else {}
    note = change.id.partition("/")[2] if change.private else ""
    return Arrival(
        reference=reference, id=change.id, author=change.author, said={"id": change.id}, values=values, note=note
    )


def who(author: dict[str, Any]) -> dict[str, Any]:
    """Author and actor of a change. What Jira itself does has no author."""
    number = str(author.get("accountId") or "")
    return {"author": number, "actor": ROLES.get(str(author.get("accountType"))) if number else ActorRole.SYSTEM}


def minute(since: datetime, zone: ZoneInfo) -> str:
    """The minute in the account's time zone, as JQL takes it. Of an hour that comes twice, the first counts."""
    local = since.astimezone(zone)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        local = (since - timedelta(hours=1)).astimezone(zone)
    return local.strftime("%Y-%m-%d %H:%M")
