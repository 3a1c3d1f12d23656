"""The chatwoot connector: what is Chatwoot's own. The kit does the rest. Facts: developers.chatwoot.com; its source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, Event, EventType
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.forms import as_tag, as_utc
from answerby_connectors.kit.hook_body import member_of, object_in
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth, header_key
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.marker import announces, follows
from answerby_connectors.kit.notes.markup import COMMONMARK
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings, oldest_first
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

MESSAGES = 100  # the most messages of one answer
ACTIVITY, TEMPLATE = 2, 3  # types of messages: Chatwoot tells what changed, or greets by itself
NAMES = {"team": ("teams", "name"), "assignee": ("agents", "email")}
CALLS = {"priority": "toggle_priority", "status": "toggle_status", "team": "assignments", "assignee": "assignments"}
LABEL = "label"  # the one label that begins with the prefix of the settings, without that prefix
NO_RIGHT = "not authorized"  # Chatwoot answers 401 where others answer 403


class ChatwootSettings(PolledSettings, SignedSettings):
    account: int = Setting(ge=1)
    token: str = Setting(min_length=1, repr=False)
    label_prefix: str = Setting("category_", min_length=1)
    signature: Literal["chatwoot", "secret-path"] = "chatwoot"


class ChatwootConnector(SignedHooks[ChatwootSettings], PolledDesk[ChatwootSettings]):
    """Writes decisions to conversations, takes webhooks, and polls messages."""

    platform = "chatwoot"
    settings_type = ChatwootSettings
    description = "Priority, label, team, assignee, status, attributes, a private message; webhooks and polling."
    cannot = (
        "Chatwoot does not tell who changes a field: a value that a person sets is not known as set by hand.",
        "Changes of the status come by webhook alone, without who made them, and Chatwoot sends no webhook twice.",
        "A conversation has no due time: it goes to a custom attribute.",
        "Labels and custom attributes are replaced as a whole: a change between reading and writing is lost.",
        "A merged contact or a deleted conversation brings no event of that.",
    )
    fields = (
        Field("priority", "priority"),
        Field("category", LABEL, form=as_tag),
        Field("department", "team", chosen=True, loose=True),
        Field("due.resolution", "due_at", form=as_utc),
        Field("", "assignee", chosen=True, loose=True),
        Field("", "status"),
    )
    values: ClassVar = {"priority": {"P0": "urgent", "P1": "high", "P2": "medium"}}
    values_back: ClassVar = {"priority": {"low": "P2"}}
    statuses: ClassVar = {
        "open": EventType.ACCEPTED,
        "pending": EventType.ON_HOLD,
        "snoozed": EventType.ON_HOLD,
        "resolved": EventType.COMPLETED,
    }
    status_field = "status"
    note_limit = 100_000
    markup = COMMONMARK
    reference = re.compile(r"[0-9]{1,18}")

    @property
    def signature(self) -> SignatureSettings:
        return SignatureSettings(scheme=self.settings.signature)

    @property
    def root(self) -> str:
        return f"api/v1/accounts/{self.settings.account}"

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return header_key("api_access_token", self.settings.token)

    async def whoami(self) -> str:
        return f"user/{(await self.rest.read('ask for the account', 'GET', 'api/v1/profile')).json['id']}"

    def judge(self, answer: Answer) -> Outcome | None:
        return Outcome(OutcomeKind.FAILED, "HTTP 401: no right to this") if self.forbids(answer) else None

    def forbids(self, answer: Answer) -> bool:
        return answer.status == httpx2.codes.UNAUTHORIZED and NO_RIGHT in str(answer.peek)

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        if field == self.status_field:
            return {status: status for status in self.statuses}
        place, name = NAMES[field]
        return {
            one[name]: one["id"] for one in (await self.rest.read(f"list {place}", "GET", f"{self.root}/{place}")).json
        }

    async def read(self, reference: str) -> Ticket:
        place = path(f"{self.root}/conversations/{{}}", reference)
        theirs = (await self.rest.read("read conversation", "GET", place)).json
        messages: list[Any] = []
        while True:
            after = {"after": messages[-1]["id"] if messages else 0}
            page = (await self.rest.read("read messages", "GET", f"{place}/messages", params=after)).json["payload"]
            messages += sorted(page, key=lambda one: int(one["id"]))
            if len(page) < MESSAGES:
                return self.ticket(theirs, [one for one in messages if one["message_type"] != ACTIVITY])

    def ticket(self, theirs: dict[str, Any], messages: Sequence[dict[str, Any]]) -> Ticket:
        meta, said = theirs["meta"], [one for one in messages if not one["private"]]
        contact, mail = meta["sender"], theirs.get("additional_attributes") or {}
        facts = {"subject": mail.get("mail_subject"), "body": (said[0]["content"] or "") if said else ""}
        facts |= {"channel": str(meta.get("channel") or "").removeprefix("Channel::").lower()}
        facts |= {"customer": str(contact["id"]), "name": contact.get("name"), "email": contact.get("email")}
        return Ticket(
            reference=str(theirs["id"]),
            created=at(theirs["created_at"]),
            updated=at(theirs["last_activity_at"]),
            author=f"contact/{contact['id']}",
            values={
                **(theirs.get("custom_attributes") or {}),
                "priority": theirs.get("priority"),
                "status": theirs["status"],
                LABEL: self.label_of(theirs["labels"]),
                **{name: (meta.get(name) or {}).get("id") for name in NAMES},
            },
            notes=[one["content"] or "" for one in messages if one["private"]],
            messages=[one["content"] or "" for one in said],
            facts=self.named(facts),
            changes=[message(one) for one in messages if one not in said[:1]],
            raw={"theirs": theirs, "messages": messages, "first": said[0]["id"] if said else 0},
        )

    def label_of(self, labels: Sequence[str]) -> str:
        prefix = self.settings.label_prefix
        return next((label.removeprefix(prefix) for label in labels if label.startswith(prefix)), "")

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        """A conversation without any message waits for its first."""

        async def ask(page: int) -> list[Listed]:
            params: dict[str, str | int] = {"status": "all", "assignee_type": "all", "page": page + 1}
            body = (await self.rest.read("poll", "GET", f"{self.root}/conversations", params=params)).json
            return [
                Listed(str(one["id"]) if one["messages"] else "", at(one["last_activity_at"]))
                for one in body["data"]["payload"]
            ]

        return await oldest_first(ask, since, skip)

    def arrivals(self, body: bytes) -> list[Arrival]:
        """A message, or a change of the status. All else that Chatwoot tells is known by other ways, or by none."""
        told = object_in(body)
        if told.get("event") == "message_created":
            number, reference = (str(member_of(told, place, int)) for place in ("id", "conversation.id"))
            who, note = author(told.get("sender")), number if told.get("private") else ""
            said = {"message": number}
            return [Arrival(reference=reference, id=f"message/{number}", author=who, said=said, note=note)]
        if told.get("event") != "conversation_status_changed":
            return []
        place = "updated_at" if "updated_at" in told else "timestamp"
        reference, time = str(member_of(told, "id", int)), str(member_of(told, place, (int, float)))
        changed = [one["status"] for one in member_of(told, "changed_attributes", list) if "status" in one]
        said = {"time": time, "after": str(member_of(told, "status", str))}
        said["before"] = str(changed[0]["previous_value"]) if changed else ""
        return [Arrival(reference=reference, id=f"status/{reference}/{time}", said=said)]

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:
        if said.get("message") == str(ticket.raw["first"]):
            number, who, kind = f"ticket/{ticket.reference}", ticket.author, EventType.RECEIVED
            return Change(id=number, time=ticket.created, author=who, actor=ticket.actor, facts=ticket.facts, type=kind)
        if "message" in said:
            return ticket.change(f"message/{said['message']}")
        time, after = at(float(said["time"])), said["after"]
        near = [
            one["content"] or ""
            for one in ticket.raw["messages"]
            if one["private"] and follows(at(one["created_at"]), time)
        ]
        ours = self.expected.holds(ticket.reference, "status", after) or announces(near, {"status": after})
        who, status = self.account if ours else "", (said["before"], after)
        return Change(id=event.id, time=time, author=who, actor=ActorRole.SYSTEM, status=status)

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        def call(what: str, action: str, json: object, *carries: str) -> Call:
            return Call(what, "POST", path(f"{self.root}/conversations/{{}}/{action}", ticket.reference), json, carries)

        theirs, made = ticket.raw["theirs"], []
        for name in ("status", "priority", "team", "assignee"):  # an open status may assign the conversation to us
            if name in changes:
                key = f"{name}_id" if name in NAMES else name
                made.append(call(f"set {name}", CALLS[name], {key: changes[name]}, name))
        if LABEL in changes:
            prefix = self.settings.label_prefix
            kept = [label for label in theirs["labels"] if not label.startswith(prefix)]
            made.append(call("set labels", "labels", {"labels": [*kept, f"{prefix}{changes[LABEL]}"]}, LABEL))
        if custom := {name: value for name, value in changes.items() if name not in (NOTE, LABEL, *CALLS)}:
            whole = {**(theirs.get("custom_attributes") or {}), **custom}
            made.append(call("set attributes", "custom_attributes", {"custom_attributes": whole}, *custom))
        if NOTE in changes:
            made.append(call("add note", "messages", {"content": changes[NOTE], "private": True}, NOTE))
        return made

    def note_id(self, answer: Answer) -> str:
        return str(answer.json["id"])


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def author(sender: dict[str, Any] | None) -> str:
    return f"{sender.get('type', 'user')}/{sender['id']}" if sender else ""


def message(theirs: dict[str, Any]) -> Change:
    who, kind = author(theirs.get("sender")), theirs["message_type"]
    role = ActorRole.CUSTOMER if kind == 0 else ActorRole.AGENT if who.startswith("user/") else ActorRole.SYSTEM
    return Change(
        id=f"message/{theirs['id']}",
        time=at(theirs["created_at"]),
        author=who,
        actor=ActorRole.SYSTEM if kind == TEMPLATE else role,
        text=theirs["content"] or "",
        private=theirs["private"],
    )
