"""The used part of the API's answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    id: int | str | None = None
    name: str | None = ""
    email: str | None = ""


class Named(msgspec.Struct, frozen=True):
    id: int
    name: str


class Reply(msgspec.Struct, frozen=True):
    id: int
    body: str
    is_internal_note: bool
    created_at: datetime
    author: Person | None = None


class Activity(msgspec.Struct, frozen=True):
    """An entry in the ticket's history, the latest first."""

    id: int
    type: str
    created_at: datetime
    properties: dict[str, Any] | None = None
    causer: Person | None = None


class Ticket(msgspec.Struct, frozen=True):
    id: int
    reference: str
    subject: str
    status: str
    priority: str
    created_at: datetime
    updated_at: datetime
    description: str | None = ""
    channel: str | None = ""
    requester: Person | None = None
    department: Named | None = None
    tags: list[Named] = []
    replies: list[Reply] = []
    activities: list[Activity] = []

    @property
    def notes(self) -> list[Reply]:
        return [reply for reply in self.replies if reply.is_internal_note]


class TicketAnswer(msgspec.Struct, frozen=True):
    data: Ticket


class NamedAnswer(msgspec.Struct, frozen=True):
    data: list[Named]


class Macro(msgspec.Struct, frozen=True):
    id: int
    actions: list[dict[str, Any]] = []

    @property
    def department(self) -> int | None:
        """The department of a macro whose only action sets a department."""
        if len(self.actions) != 1 or self.actions[0].get("type") != "department":
            return None
        value = str(self.actions[0].get("value"))
        return int(value) if value.isascii() and value.isdigit() else None


class MacroAnswer(msgspec.Struct, frozen=True):
    data: list[Macro]


class Made(msgspec.Struct, frozen=True):
    id: int


class MadeAnswer(msgspec.Struct, frozen=True):
    data: Made


class MeAnswer(msgspec.Struct, frozen=True):
    user: Person


class Webhook(msgspec.Struct, frozen=True):
    """The body of a webhook."""

    event: str
    payload: dict[str, Any]
