"""The zammad connector: what is Zammad's own. The kit does the rest. Facts: docs.zammad.org, REST API; its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, Event, EventType
from answerby_connectors.kit.forms import as_utc
from answerby_connectors.kit.hook_body import member_of, object_in
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth, header_key
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.markup import HTML
from answerby_connectors.kit.notes.plain import plain_of
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, NoteOrder, Ticket

PAGE = 50
SYSTEM = 1  # the user that triggers, schedulers and the mail intake work as
NOBODY = "-"  # the login of that user: a ticket without owner
LISTS = {"priority": "ticket_priorities", "state": "ticket_states"}
COMPUTED = ("_at", "_in_min")  # how the names of fields end that Zammad computes
OWN = frozenset({"priority", "state", "group", "owner", "pending_time"})  # an unknown field is dropped without a word
SENDERS = {"Customer": ActorRole.CUSTOMER, "Agent": ActorRole.AGENT, "System": ActorRole.SYSTEM}
WRONG_NAME = re.compile(r"No lookup value found for '(\w+)'")
NEAR = timedelta(seconds=5)  # an article makes the ticket's time later than that of a change in the same transaction


class ZammadSettings(PolledSettings, SignedSettings):
    token: str = Setting(min_length=1, repr=False)


class ZammadConnector(SignedHooks[ZammadSettings], PolledDesk[ZammadSettings]):
    """Writes decisions to tickets, takes webhooks, and polls articles and histories."""

    platform = "zammad"
    settings_type = ZammadSettings
    description = "Priority, group, owner, state, object attributes, an internal note; events by webhooks and polling."
    cannot = (
        "A ticket has no category and no due time of its own: they go to object attributes that an administrator adds.",
        "Escalation times come from Zammad's own SLA and cannot be set.",
        "An attribute that Zammad does not know is dropped without a word: the record of the delivery names it.",
        "A deleted ticket brings no event of that.",
    )
    fields = (
        Field("priority", "priority", chosen=True),
        Field("category", "category"),
        Field("department", "group"),
        Field("due.resolution", "due_at", form=as_utc),
        Field("", "state", chosen=True),
        Field("", "owner"),
        Field("", "pending_time", form=as_utc),
    )
    values: ClassVar = {"priority": {"P0": "3 high", "P1": "3 high", "P2": "2 normal"}}
    values_back: ClassVar = {"priority": {"1 low": "P2"}}
    statuses: ClassVar = {
        "open": EventType.ACCEPTED,
        "pending reminder": EventType.ON_HOLD,
        "pending close": EventType.ON_HOLD,
        "closed": EventType.COMPLETED,
    }
    status_field = "state"
    note_order = NoteOrder.ALONG
    notes_may_be_public = True
    markup = HTML
    reference = re.compile(r"[0-9]{1,18}")
    signature = SignatureSettings(scheme="zammad")

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return header_key("authorization", f"Token token={self.settings.token}")

    async def whoami(self) -> str:
        return str((await self.rest.read("ask for the account", "GET", "api/v1/users/me")).json["id"])

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        found = (await self.rest.read(f"list {field}", "GET", f"api/v1/{LISTS[field]}")).json
        return {one["name"]: one["name"] for one in found if one["active"]}  # Zammad takes and tells names

    async def read(self, reference: str) -> Ticket:
        async def ask(what: str, place: str, **params: str) -> Any:
            return (await self.rest.read(what, "GET", path(place, reference), params=params)).json

        theirs = await ask("read ticket", "api/v1/tickets/{}", expand="true")
        articles = await ask("read articles", "api/v1/ticket_articles/by_ticket/{}")
        told = await ask("read history", "api/v1/ticket_history/{}")
        ordered = sorted(articles, key=lambda one: int(one["id"]))  # none, for a ticket that was made without
        customer = told["assets"].get("User", {}).get(str(theirs["customer_id"]), {})
        name = " ".join(filter(None, (customer.get("firstname"), customer.get("lastname"))))
        facts = {"subject": theirs["title"], "name": name}
        facts |= {"body": said(ordered[0]), "channel": ordered[0]["type"]} if ordered else {}
        facts |= {"customer": str(theirs["customer_id"]), "email": customer.get("email")}
        history = sorted(told["history"], key=lambda one: int(one["id"]))
        return Ticket(
            reference=str(theirs["id"]),
            created=at(theirs["created_at"]),
            updated=at(theirs["updated_at"]),
            author=str(theirs["customer_id"]),
            values={**theirs, "owner": "" if theirs.get("owner") == NOBODY else theirs.get("owner")},
            notes=[one["body"] for one in articles if one["internal"]],
            messages=[one["body"] for one in articles if not one["internal"]],
            facts=self.named(facts),
            changes=[*map(article, ordered[1:]), *self.changes(history)],
            merged_into=next((str(one["id_to"]) for one in history if one["type"] == "merged_into"), ""),
        )

    def changes(self, history: Sequence[dict[str, Any]]) -> Iterator[Change]:
        """The changes of fields: what one user set at one instant, with the state apart."""
        kept = [one for one in history if one["type"] == "updated" and one["object"] == "Ticket" and self.counts(one)]
        key = lambda one: (one["created_by_id"], one["created_at"], one["attribute"] == "state")  # noqa: E731
        for (user, time, is_state), group in groupby(kept, key):
            entries = list(group)
            yield Change(
                id=f"history/{entries[0]['id']}",
                time=at(time),
                author=str(user),
                actor=ActorRole.SYSTEM if user == SYSTEM else None,
                status=(entries[0]["value_from"], entries[-1]["value_to"]) if is_state else None,
                values={} if is_state else {one["attribute"]: one["value_to"] for one in entries},
            )

    def counts(self, entry: dict[str, Any]) -> bool:
        name = entry.get("attribute") or ""
        return name in self.mapper.written or (bool(name) and not name.endswith(COMPUTED))

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        query = f"updated_at:[{as_utc(since.isoformat())} TO *]"
        params: dict[str, str | int] = {"query": query, "sort_by": "updated_at", "order_by": "asc", "expand": "true"}
        params |= {"page": skip // PAGE + 1, "per_page": PAGE}
        found = (await self.rest.read("poll", "GET", "api/v1/tickets/search", params=params)).json
        listed = [Listed(str(one["id"]), at(one["updated_at"])) for one in found]
        return listed[skip % PAGE :], len(found) == PAGE

    def arrivals(self, body: bytes) -> list[Arrival]:
        """The article that the webhook tells of, or what changed without one. What came along with it is polled."""
        told = object_in(body)
        reference, time = str(member_of(told, "ticket.id", int)), str(member_of(told, "ticket.updated_at", str))
        user, now = str(told["ticket"].get("updated_by_id") or ""), told.get("article")
        if not now:
            return [Arrival(reference=reference, id=f"change/{reference}/{time}", author=user, said={"time": time})]
        number, author = str(member_of(told, "article.id", int)), str(now.get("created_by_id") or "")
        if [now["id"]] == (told["ticket"].get("article_ids") or [])[:1]:
            return [Arrival(reference=reference, id=f"ticket/{reference}", new=True, author=author)]
        there, note = {"article": number}, number if now.get("internal") else ""
        return [Arrival(reference=reference, id=f"article/{number}", author=author, said=there, note=note)]

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:  # noqa: ARG002
        if "article" in said:
            return ticket.change(f"article/{said['article']}")
        near = [one for one in ticket.changes if not one.text and timedelta() <= at(said["time"]) - one.time <= NEAR]
        return max(near, key=lambda one: (one.status is not None, one.time), default=None)

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        body = answer.peek if answer is not None else None
        found = WRONG_NAME.search(str(body.get("error"))) if isinstance(body, dict) else None
        return {found[1]: f"HTTP 422: there is no such {found[1]}"} if found and found[1] in carried else {}

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        fields = {name: value for name, value in changes.items() if name != NOTE}
        if NOTE in changes:
            fields["article"] = {"body": changes[NOTE], "content_type": "text/html", "type": "note", "internal": True}
        dropped = bool(changes.keys() - OWN - {NOTE})
        return [Call("update", "PUT", path("api/v1/tickets/{}", ticket.reference), fields, tuple(changes), dropped)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def said(theirs: dict[str, Any]) -> str:
    return plain_of(theirs["body"]) if theirs["content_type"] == "text/html" else theirs["body"]


def article(theirs: dict[str, Any]) -> Change:
    return Change(
        id=f"article/{theirs['id']}",
        time=at(theirs["created_at"]),
        author=str(theirs["created_by_id"]),
        actor=SENDERS.get(theirs["sender"]),
        text=said(theirs),
        private=theirs["internal"],
    )
