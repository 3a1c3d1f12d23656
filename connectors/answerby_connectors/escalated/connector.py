"""The escalated connector: what is escalated's own. The kit does the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import httpx2
import msgspec

from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby_connectors.escalated import webhooks
from answerby_connectors.escalated.model import (
    Activity,
    MacroAnswer,
    MadeAnswer,
    MeAnswer,
    NamedAnswer,
    Person,
    TicketAnswer,
)
from answerby_connectors.escalated.model import (
    Ticket as TheirTicket,
)
from answerby_connectors.escalated.settings import EscalatedSettings
from answerby_connectors.kit.hooked import Arrival, HookedDesk
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.mapping import Tables
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, NoteOrder, Plan, Ticket

OWN_TAG = "answerby:"
TAGGED = ("category", "priority", "department")
"""Values that become a tag `answerby:<name>=<value>` where such a tag exists."""


class EscalatedConnector(HookedDesk[EscalatedSettings]):
    """Writes decisions to tickets of an escalated help desk, and brings the events of the help desk."""

    platform = "escalated"
    settings_type = EscalatedSettings
    description = "Priority, department, tags and an internal note on tickets; events from signed webhooks."
    cannot = ("The API sets no due times and no custom fields.", "The API creates no tags.")
    fields = (Field("priority", "priority"), Field("department", "department", chosen=True, loose=True))
    values_back: ClassVar = {"priority": {"critical": "P0", "urgent": "P0", "high": "P1", "medium": "P2", "low": "P2"}}
    statuses: ClassVar = {
        "in_progress": EventType.ACCEPTED,
        "waiting_on_customer": EventType.ON_HOLD,
        "waiting_on_agent": EventType.RESUMED,
        "resolved": EventType.COMPLETED,
        "closed": EventType.CLOSED,
        "reopened": EventType.REOPENED,
    }
    note_order = NoteOrder.FIRST
    """The note announces the later values, so that any worker knows their webhooks as ours."""

    _macros: Mapping[str, object] = {}
    """Department -> macro, once one was needed."""

    def tables(self) -> Tables:
        given = self.settings
        there = {"priority": given.priorities, "department": given.departments, **given.values}
        return Tables(there, self.values_back, {"priority": given.priorities_back, **given.values_back})

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return bearer(self.settings.token)

    async def whoami(self) -> str:
        answer = await self.rest.read("who we are", "POST", "auth/validate/")
        return str(msgspec.json.decode(answer.content, type=MeAnswer).user.id)

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        """Departments and tags by name. Macros by the department that is all that they set."""
        answer = await self.rest.read(f"list {field}", "GET", "departments/" if field == "department" else f"{field}/")
        if field == "macros":
            macros = reversed(msgspec.json.decode(answer.content, type=MacroAnswer).data)
            return {str(macro.department): macro.id for macro in macros if macro.department is not None}
        return {item.name: item.id for item in msgspec.json.decode(answer.content, type=NamedAnswer).data}

    async def read(self, reference: str) -> Ticket:
        answer = await self.rest.read("read ticket", "GET", path("tickets/{}/", reference))
        return self.ticket(msgspec.json.decode(answer.content, type=TicketAnswer).data)

    def ticket(self, theirs: TheirTicket) -> Ticket:
        person = theirs.requester or Person()
        email = (person.email or "").strip()
        facts: dict[str, Value] = {
            "subject": theirs.subject,
            "body": theirs.description or "",
            "channel": self.settings.channels.get(theirs.channel or "", theirs.channel or ""),
            "customer": email.lower(),
            "name": person.name or "",
            "email": email,
        }
        return Ticket(
            reference=theirs.reference,
            key=str(theirs.id),
            created=theirs.created_at,
            updated=theirs.updated_at,
            values={
                "priority": theirs.priority,
                "department": theirs.department and theirs.department.id,
                "tags": [tag.id for tag in theirs.tags],
            },
            notes=[reply.body for reply in theirs.replies if reply.is_internal_note],
            facts=self.named(facts),
            raw=theirs,
        )

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket) -> Plan:
        """The department goes by a macro, and tags are those that exist."""
        plan = await super().plan(payload, ticket)
        if "department" in plan.changes:
            self._macros = await self.choices_of("macros")
        if "department" in plan.changes and str(plan.changes["department"]) not in self._macros:
            name = self.mapper.their_name("department", payload["department"])
            plan.remarks.append(f"move the ticket to department {name}: no macro does only that")
            del plan.changes["department"], plan.announced["department"]
        await self._plan_tags(plan, payload, ticket)
        return plan

    async def _plan_tags(self, plan: Plan, payload: Mapping[str, Value], ticket: Ticket) -> None:
        """Our own tags follow the decision. Tags from rules are added. Other tags stay."""
        given = payload.get("tags")
        wanted = set(given if isinstance(given, list) else [])
        wanted |= {f"{OWN_TAG}{name}={payload[name]}" for name in TAGGED if payload.get(name)}
        known = await self.choices_of("tags")
        kept = {tag.id for tag in ticket.raw.tags if not tag.name.startswith(OWN_TAG)}
        after = kept | {int(str(known[name])) for name in wanted if name in known}
        if after != {tag.id for tag in ticket.raw.tags}:
            plan.changes["tags"] = sorted(after)

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        def call(field: str, what: str, method: str, action: str, json: object, *, read_back: bool = False) -> Call:
            return Call(what, method, path("tickets/{}/{}/", ticket.reference, action), json, (field,), read_back)

        made: list[Call] = []
        if NOTE in changes:
            made.append(call(NOTE, "add note", "POST", "reply", {"body": changes[NOTE], "is_internal_note": True}))
        if "priority" in changes:
            made.append(call("priority", "set priority", "PATCH", "priority", {"priority": changes["priority"]}))
        if "department" in changes:
            # The API answers 200 also after a failed action, so the ticket is read again.
            macro = {"macro_id": self._macros[str(changes["department"])]}
            made.append(call("department", "apply macro", "POST", "macro", macro, read_back=True))
        if "tags" in changes:
            # The API refuses an empty list as missing. No tag has the id 0.
            made.append(call("tags", "set tags", "POST", "tags", {"tag_ids": changes["tags"] or [0]}))
        return made

    def note_id(self, answer: Answer) -> str:
        return str(msgspec.json.decode(answer.content, type=MadeAnswer).data.id)

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self.settings.webhook_secrets)

    def arrivals(self, body: bytes) -> Iterable[Arrival]:
        return webhooks.arrivals(body)

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:
        user, kind = said.get("user_id", ""), said["event"]
        actor = ActorRole.AGENT if user else ActorRole.SYSTEM
        if kind in (webhooks.REPLY, webhooks.NOTE):
            return self._message(said.get("reply_id", ""), user, actor, ticket.raw)
        if kind == webhooks.UPDATED:
            facts = self.named({"subject": ticket.raw.subject, "body": ticket.raw.description or ""})
            # The history holds no edits, so the ticket's own time separates this edit from an equal later edit.
            stamp = hashlib.sha256(f"{facts}{ticket.updated}".encode()).hexdigest()[:16]
            number = f"edit/{ticket.key}/{stamp}"
            return Change(id=number, time=ticket.updated, author=user, actor=actor, facts=facts)
        activity = entry(said, ticket.raw.activities)
        field, place = webhooks.VALUES.get(kind, ("", ""))
        return Change(
            id=f"activity/{activity.id}" if activity else f"{event.id}/{ticket.updated.isoformat()}",
            time=activity.created_at if activity else ticket.updated,
            author=user,
            actor=actor,
            status=(said["old_status"], said["new_status"]) if kind == webhooks.STATUS else None,
            values={field: said[place]} if field else {},
            type=EventType.ASSIGNED
            if kind == webhooks.ASSIGNED
            else EventType.UPDATED
            if kind == webhooks.UNASSIGNED
            else "",
        )

    def _message(self, number: str, user: str, actor: ActorRole, ticket: TheirTicket) -> Change | None:
        """A guest has no account. A registered customer is the requester."""
        reply = next((reply for reply in ticket.replies if str(reply.id) == number), None)
        if reply is None:
            return None  # deleted meanwhile
        author, asker = reply.author, ticket.requester or Person()
        if not reply.is_internal_note:
            customer = author is None or (author.email and author.email == asker.email)
            actor = ActorRole.CUSTOMER if customer else ActorRole.AGENT
            user = "" if author is None else str(author.id)
        return Change(
            id=f"reply/{reply.id}",
            time=reply.created_at,
            author=user,
            actor=actor,
            text=reply.body,
            private=reply.is_internal_note,
        )


def entry(said: Mapping[str, str], activities: Sequence[Activity]) -> Activity | None:
    """The latest entry of the history that matches the webhook."""
    kind, fields = webhooks.HISTORY[said["event"]]
    for activity in activities:
        told = activity.properties or {}
        if activity.type == kind and all(webhooks.text(told.get(a)) == said.get(b, "") for a, b in fields.items()):
            return activity
    return None
