"""The freshdesk connector: what is Freshdesk's own, by https://developers.freshdesk.com/api/. The kit does the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, EventType, Value
from answerby_connectors.kit.forms import as_utc
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth, basic
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.marker import announces
from answerby_connectors.kit.notes.markup import HTML
from answerby_connectors.kit.platform import REFUSALS
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Plan, Ticket

PAGE = 25
PRIORITIES = {"Low": 1, "Medium": 2, "High": 3, "Urgent": 4}
STATUSES = {"Open": 2, "Pending": 3, "Resolved": 4, "Closed": 5}
LISTS = {"group_id": "groups", "responder_id": "agents"}
DUE = ("due_by", "fr_due_by")
CUSTOM = "cf_"
NEAR = timedelta(minutes=10)
"""How long before our note a status may have been set to count as ours. The note follows the fields at once."""


class FreshdeskSettings(PolledSettings):
    key: str = Setting(min_length=1, repr=False)


class FreshdeskConnector(PolledDesk[FreshdeskSettings]):
    """Writes decisions to tickets, and polls their messages and status."""

    platform = "freshdesk"
    settings_type = FreshdeskSettings
    description = "Priority, type, group, due times, tags, custom fields and a private note; events by polling."
    cannot = (
        "Fields have no history: a priority, type or group that a person sets is not known as set by hand.",
        "Of several changes of status between two polls, only the last is seen, without who made it.",
        "Both due times go together and lie in the future: one alone takes the other one along.",
        "Tags are replaced as a whole: one that a person adds between reading and writing is lost.",
        "A merged or deleted ticket brings no event of that.",
        "Webhooks are not signed, and are not taken.",
    )
    fields = (
        Field("priority", "priority", chosen=True),
        Field("category", "type", loose=True),
        Field("department", "group_id", chosen=True, loose=True),
        Field("", "responder_id", chosen=True, loose=True),
        Field("", "status", chosen=True),
        Field("due.resolution", "due_by", form=as_utc),
        Field("due.first_response", "fr_due_by", form=as_utc),
        Field("tags", "tags"),
    )
    values: ClassVar = {"priority": {"P0": "Urgent", "P1": "High", "P2": "Medium"}}
    values_back: ClassVar = {"priority": {"Low": "P2"}}
    statuses: ClassVar = {"Pending": EventType.ON_HOLD, "Resolved": EventType.COMPLETED, "Closed": EventType.CLOSED}
    status_field = "status"
    reference = re.compile(r"[0-9]{1,18}")
    markup = HTML

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return basic(self.settings.key, "X")

    async def whoami(self) -> str:
        return str((await self.rest.read("ask for the account", "GET", "agents/me")).json["id"])

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        if field not in LISTS:
            return PRIORITIES if field == "priority" else STATUSES
        found = await self.rest.read_pages(f"list {LISTS[field]}", LISTS[field])
        return {one.get("contact", one)["name"]: one["id"] for one in found}  # an agent has its name as a contact

    async def read(self, reference: str) -> Ticket:
        place = path("tickets/{}", reference)
        theirs = (await self.rest.read("read ticket", "GET", place, params={"include": "stats"})).json
        return self.ticket(theirs, await self.rest.read_pages("read messages", f"{place}/conversations"))

    def ticket(self, theirs: dict[str, Any], messages: Sequence[dict[str, Any]]) -> Ticket:
        author, fields = str(theirs["requester_id"]), ("priority", "type", *LISTS, "status", *DUE, "tags")
        return Ticket(
            reference=str(theirs["id"]),
            created=datetime.fromisoformat(theirs["created_at"]),
            updated=datetime.fromisoformat(theirs["updated_at"]),
            author=author,
            values={**theirs["custom_fields"], **{name: theirs[name] for name in fields}},
            notes=[one["body_text"] for one in messages if one["private"]],
            facts=self.named({"subject": theirs["subject"], "body": theirs["description_text"], "customer": author}),
            changes=[*map(message, messages), *self.status_change(theirs, messages)],
        )

    def status_change(self, theirs: dict[str, Any], messages: Sequence[dict[str, Any]]) -> list[Change]:
        """The latest change of the status. Its author is not told; it is ours if a note of ours soon announced it."""
        status, changed = str(theirs["status"]), theirs["stats"]["status_updated_at"] or ""
        if changed <= theirs["created_at"]:
            return []
        time = datetime.fromisoformat(changed)
        near = [one["body_text"] for one in messages if one["private"] and time <= made(one) <= time + NEAR]
        author = self.account if announces(near, {"status": status}) else ""
        before = STATUSES["Resolved" if (theirs["stats"]["reopened_at"] or "") >= changed else "Pending"]
        return [Change(id=f"status/{changed}", time=time, author=author, status=(str(before), status))]

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        order = {"order_by": "updated_at", "order_type": "asc", "updated_since": str(as_utc(since.isoformat()))}
        params: dict[str, str | int] = {**order, "per_page": PAGE, "page": skip // PAGE + 1}
        page = (await self.rest.read("list changed tickets", "GET", "tickets", params=params)).json
        found = [Listed(str(one["id"]), datetime.fromisoformat(one["updated_at"])) for one in page]
        return found[skip % PAGE :], len(page) == PAGE

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket) -> Plan:
        """Tags are added to those that are there. A due time that is over is a remark."""
        plan = await super().plan(payload, ticket)
        plan.announced.pop("tags", None)
        tags, present = plan.changes.pop("tags", None), ticket.values["tags"]
        if isinstance(tags, list) and isinstance(present, list) and not set(tags) <= set(present):
            plan.changes["tags"] = [*present, *(tag for tag in tags if tag not in present)]
        for name in [name for name in DUE if name in plan.changes and not future(plan.changes[name])]:
            plan.remarks.append(f"{self.label(name)} was not set: it is over")
            del plan.changes[name], plan.announced[name]
        return plan

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        place, fields = path("tickets/{}", ticket.reference), tuple(name for name in changes if name != NOTE)
        body = {name: changes[name] for name in fields if not name.startswith(CUSTOM)}
        if custom := {name: changes[name] for name in fields if name.startswith(CUSTOM)}:
            body["custom_fields"] = custom
        if wanted := [str(changes[name]) for name in DUE if name in changes]:
            there = [str(at) if future(at := ticket.values[name]) else wanted[0] for name in DUE]
            body = {"due_by": there[0], "fr_due_by": min(there[1], wanted[0]), **body}
        calls = [Call("update ticket", "PUT", place, body, fields)] if fields else []
        if NOTE in changes:
            calls.append(Call("add note", "POST", f"{place}/notes", {"body": changes[NOTE], "private": True}, (NOTE,)))
        return calls

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        body = answer.peek if answer is not None and answer.status in REFUSALS else None
        listed = body.get("errors") if isinstance(body, dict) else None
        errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        told = {str(one.get("field")).rpartition(".")[2]: f"HTTP 400: {one.get('code')}" for one in errors}
        pair = next((told[name] for name in DUE if name in told), None)
        return {name: why for name in carried if (why := pair if name in DUE else told.get(name))}


def message(one: dict[str, Any]) -> Change:
    return Change(
        id=f"message/{one['id']}",
        time=made(one),
        author=str(one["user_id"]),
        actor=ActorRole.CUSTOMER if one["incoming"] else None,
        text=one["body_text"],
        private=one["private"],
    )


def made(one: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(one["created_at"])


def future(value: object) -> bool:
    return bool(value) and datetime.fromisoformat(str(value)) > datetime.now(UTC)
