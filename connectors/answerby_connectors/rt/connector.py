"""The rt connector: what is Request Tracker's own. The kit does the rest. Facts: docs.bestpractical.com, RT::REST2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, EventType
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.forms import as_sql
from answerby_connectors.kit.http.answer import CallFailed
from answerby_connectors.kit.http.auth import Auth, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.plain import plain_of
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

ROOT = "REST/2.0/"
PAGE = 10  # tickets of one question, as each takes five calls
CUSTOM = "cf_"  # and its number: a custom field
FIELDS = {name.lower(): name for name in ("Priority", "Queue", "Owner", "Due", "Status", "Subject")}
TEXTS = '[{"field":"ContentType","operator":"STARTSWITH","value":"text/"}]'
HISTORY = "Type,Field,OldValue,NewValue,Creator,Created,ObjectId,_hyperlinks"
TOLD = ("Correspond", "Comment", "Status")  # and changes of fields; all other transactions follow from these
WRONG_ZONE = "name the user of the token in `account`, and set the time zone of this user to UTC"


class RtSettings(PolledSettings):
    account: str = Setting(min_length=1)
    token: str = Setting(min_length=1, repr=False)
    queues: tuple[str, ...] = ()


class RtConnector(PolledDesk[RtSettings]):
    """Writes decisions to tickets, and polls their transactions."""

    platform = "rt"
    settings_type = RtSettings
    description = "Priority, queue, owner, due time, status, custom fields and a comment; events by polling."
    cannot = (
        "A ticket has no category of its own: a custom field shows it.",
        "A ticket is given to a person or a queue, not to a group: the queue is the department.",
        "A field that RT refuses is named, but not why.",
        "A deleted or merged ticket brings no event that says so.",
    )
    fields = (
        Field("priority", "priority"),
        Field("department", "queue", chosen=True, loose=True),
        Field("due.resolution", "due", form=as_sql),
        Field("", "owner"),
        Field("", "status"),
    )
    values: ClassVar = {"priority": {"P0": "100", "P1": "50", "P2": "0"}}
    statuses: ClassVar = {
        "open": EventType.ACCEPTED,
        "stalled": EventType.ON_HOLD,
        "resolved": EventType.COMPLETED,
        "rejected": EventType.CLOSED,
    }
    status_field = "status"

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return bearer(self.settings.token, "token")

    async def whoami(self) -> str:
        """The name of our user. RT shows the time zone to nobody but the user and administrators of users."""
        place = path(ROOT + "user/{}", self.settings.account)
        body = (await self.rest.read("ask for the account", "GET", place)).json
        if body.get("Timezone") != "UTC":  # searches read times in the zone of the user
            raise CallFailed("ask for the account", Outcome(OutcomeKind.HELD, WRONG_ZONE))
        return str(body["Name"])

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:
        if field == self.status_field:
            return {status: status for status in ("new", *self.statuses)}
        if field == "owner":  # histories tell the number of the user
            return {scope: (await self.rest.read("read user", "GET", path(ROOT + "user/{}", scope))).json["Name"]}
        return {one["Name"]: one["id"] for one in await self.all("queues/all", fields="Name")}

    async def all(self, place: str, **params: str) -> list[Any]:
        return await self.rest.read_numbered(f"list {place}", ROOT + place, "items", "pages", params)

    async def read(self, reference: str) -> Ticket:
        place = path("ticket/{}", reference)
        answer = await self.rest.read("read ticket", "GET", ROOT + place)
        body, number = answer.json, str(answer.json["id"])
        texts = texts_of(await self.all(f"{place}/attachments", fields="ContentType,Content,Filename", query=TEXTS))
        history = await self.all(f"{place}/history", fields=HISTORY)
        for one in history:
            links = {link["_url"].rpartition("/")[2] for link in one["_hyperlinks"] if link["ref"] == "attachment"}
            one["text"] = next((text for attachment, text in texts.items() if attachment in links), "")
        own = [one for one in history if one["ObjectId"] == number]  # not those of tickets that were merged into it
        first = next((one["text"] for one in own if one["Type"] == "Create"), "")
        subject = next((one["OldValue"] for one in own if one["Field"] == "Subject"), body["Subject"])
        customers = [one["id"] for one in body["Requestor"]] or [body["Creator"]["id"]]
        email = next((name for name in customers if "@" in name), None)
        facts = {"subject": subject, "body": first, "customer": customers[0], "email": email}
        return Ticket(
            reference=reference,
            created=datetime.fromisoformat(body["Created"]),
            updated=datetime.fromisoformat(body["LastUpdated"]),
            author=customers[0],
            values=values_of(body),
            notes=[one["text"] for one in history if one["Type"] == "Comment"],
            messages=[one["text"] for one in history if one["Type"] == "Correspond"],
            facts=self.named(facts),
            changes=[await self.change(one, customers) for one in own if one["Type"] in TOLD or field_of(one)],
            merged_into="" if number == reference else number,
            raw=re.sub(r"\D*(\d+).*", r'"\1"', answer.headers.get("etag", "")),  # proxies that compress add to it
        )

    async def change(self, one: dict[str, Any], customers: Sequence[str]) -> Change:
        kind, field, value = one["Type"], field_of(one), one["NewValue"]
        if field == "owner" and field in self.mapper.written:
            value = (await self.choices_of(field, value))[value]
        author = one["Creator"]["id"]
        actors = {"RT_System": ActorRole.SYSTEM, **dict.fromkeys(customers, ActorRole.CUSTOMER)}
        return Change(
            id=f"transaction/{one['id']}",
            time=datetime.fromisoformat(one["Created"]),
            author=author,
            actor=actors.get(author),
            text=one["text"],
            private=kind == "Comment",
            status=(one["OldValue"], value) if kind == "Status" else None,
            values={field: value} if field else {},
            facts=self.named({field: value} if field == "subject" else {}),
        )

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        queues = " OR ".join(f"Queue = {json.dumps(name, ensure_ascii=False)}" for name in self.settings.queues)
        query = f"LastUpdated >= '{as_sql(since.isoformat())}' AND ({queues or 'id > 0'})"
        params: dict[str, str | int] = {"query": query, "fields": "LastUpdated", "orderby": "LastUpdated"}
        params |= {"per_page": PAGE, "page": skip // PAGE + 1}
        body = (await self.rest.read("poll", "GET", ROOT + "tickets", params=params)).json
        items = body["items"][skip % PAGE :]
        more = bool(items) if body["pages"] is None else body["page"] < body["pages"]
        return [Listed(str(one["id"]), datetime.fromisoformat(one["LastUpdated"])) for one in items], more

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        place = path(ROOT + "ticket/{}", ticket.reference)
        if NOTE in changes:  # after the fields, so alone
            note = {"Content": changes[NOTE], "ContentType": "text/plain"}
            return [Call("comment", "POST", f"{place}/comment", note, (NOTE,))]
        body: dict[str, object] = {FIELDS[name]: value for name, value in changes.items() if name in FIELDS}
        body["CustomFields"] = {n[len(CUSTOM) :]: value for n, value in changes.items() if n.startswith(CUSTOM)}
        return [Call("update", "PUT", place, body, tuple(changes), read_back=True, headers={"if-match": ticket.raw})]


def texts_of(attachments: list[dict[str, Any]]) -> dict[str, str]:
    """Number -> text of the attachments without a file name, first those that need no reading of HTML."""
    bodies = [one for one in attachments if not one["Filename"]]
    plain = {one["id"]: one["Content"] for one in bodies if one["ContentType"] == "text/plain"}
    return plain | {one["id"]: plain_of(one["Content"]) for one in bodies if one["id"] not in plain}


def values_of(body: dict[str, Any]) -> dict[str, object]:
    custom = {f"{CUSTOM}{one['id']}": one["values"] for one in body["CustomFields"]}
    return {
        "priority": body["Priority"],
        "queue": body["Queue"]["id"],
        "owner": body["Owner"]["id"],
        "due": as_sql(body["Due"]) if body["Due"] > "1970-01-02" else "",  # 1970-01-01: not set
        "status": body["Status"],
        **{name: values[0] if len(values) == 1 else values for name, values in custom.items()},
    }


def field_of(one: dict[str, Any]) -> str:
    """The field that a transaction changed; empty for other transactions. An owner is told as a watcher, too."""
    if one["Type"] == "CustomField":
        return f"{CUSTOM}{one['Field']}"
    return one["Field"].lower() if one["Type"] == "Set" and one["Field"].lower() in FIELDS else ""
