"""What becomes of a customer's message to a request that is completed or closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from answerby.domain.ladder import Notification


class ReplyAction(StrEnum):
    """One of the things that become of such a message. None of them drops it."""

    REOPEN = "reopen"
    """The request goes on, as after `request.reopened`."""
    NEW_REQUEST = "new_request"
    """A new request begins with it, linked to this one; people are told."""
    NOTIFY = "notify"
    """People are told; the request stays as it is."""


@dataclass(frozen=True, slots=True)
class ReplyPolicy:
    """What becomes of a message in time, and of a later one."""

    within_seconds: int = 14 * 86_400
    """Wall seconds since the request was completed, or closed after that; the last instant is included."""
    then: ReplyAction = ReplyAction.REOPEN
    after: ReplyAction = ReplyAction.NEW_REQUEST
    notify: tuple[Notification, ...] = (Notification(("owner",)),)
    """Whom to tell. Without a template answerby has words of its own."""


class Reply(NamedTuple):
    """A message to a finished request of which people are told."""

    action: ReplyAction
    name: str
    """The message's event, as `source id`."""
    time: datetime
    request: str = ""
    """The id of the request in which the message goes on; empty: of none."""
