"""The django_helpdesk connector: what is django-helpdesk's own. The kit does the rest. Facts: its source, 2.6.1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import ActorRole, Event, EventType
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.feed import FeedPage, since_in_feed
from answerby_connectors.kit.forms import as_utc
from answerby_connectors.kit.history import parts
from answerby_connectors.kit.hook_body import object_in
from answerby_connectors.kit.hooked import NOT_YET_KNOWN, Arrival
from answerby_connectors.kit.http.answer import Answer, CallFailed
from answerby_connectors.kit.http.auth import Auth, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.markup import DJANGO_MARKDOWN
from answerby_connectors.kit.platform import ODD, REFUSALS
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

PAGE = 50
CUSTOM = "custom_"
"""A custom field is `custom_` and its name."""
OPEN = "1"
TITLES = {
    "Ticket placed on hold": EventType.ON_HOLD,
    "Ticket taken off hold": EventType.RESUMED,
    "Ticket Escalated": EventType.UPDATED,
}


class DjangoHelpdeskSettings(PolledSettings, SignedSettings):
    token: str = Setting(min_length=1, repr=False)
    account: int = Setting(ge=1, description="Number of our account, as the admin site shows it.")
    queues: Mapping[str, int] = {}
    people: Mapping[str, int] = {}
    titles: Mapping[str, str] = TITLES


class DjangoHelpdeskConnector(SignedHooks[DjangoHelpdeskSettings], PolledDesk[DjangoHelpdeskSettings]):
    """Writes decisions to tickets, and takes their follow-ups by webhooks and by polling."""

    platform = "django_helpdesk"
    settings_type = DjangoHelpdeskSettings
    description = "Priority, queue, assignee, due date, custom fields, a private follow-up; events both ways."
    cannot = (
        "Webhooks are not signed: a secret in their URL is all that proves them.",
        "Fields have no history: a priority, queue or assignee that a person sets is not known as set by hand.",
        "A change without a follow-up brings no event until the next follow-up of the ticket.",
        "A merged or deleted ticket brings no event of that.",
        "The API lists neither queues nor accounts: their numbers stand in the settings.",
        "A ticket has one due date; a category or a second due date takes a custom field.",
    )
    fields = (
        Field("priority", "priority"),
        Field("department", "queue", chosen=True, loose=True),
        Field("", "assigned_to", chosen=True, loose=True),
        Field("", "status"),
        Field("due.resolution", "due_date", form=as_utc),
    )
    values: ClassVar = {"priority": {"P0": "1", "P1": "2", "P2": "3"}}
    values_back: ClassVar = {"priority": {"4": "P2", "5": "P2"}}
    statuses: ClassVar = {"3": EventType.COMPLETED, "4": EventType.CLOSED, "5": EventType.CLOSED}
    reference = re.compile(r"[0-9]{1,12}")
    markup = DJANGO_MARKDOWN
    signature = SignatureSettings(scheme="secret-path")

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return bearer(self.settings.token, "Token")

    async def whoami(self) -> str:
        # The API tells no account's number, but it refuses one that may not use it.
        await self.rest.read("try the account", "GET", "followups/", params={"page_size": 1})
        return str(self.settings.account)

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        return self.settings.queues if field == "queue" else self.settings.people

    async def read(self, reference: str) -> Ticket:
        return self.ticket((await self.rest.read("read ticket", "GET", path("tickets/{}/", reference))).json)

    def ticket(self, theirs: dict[str, Any]) -> Ticket:
        email, followups = theirs["submitter_email"] or "", sorted(theirs["followup_set"], key=lambda one: one["id"])
        first: dict[str, Any] = followups[0] if followups else {}
        body = first.get("comment") or theirs["description"]
        facts = {"subject": theirs["title"], "body": body, "customer": email.lower(), "email": email}
        return Ticket(
            reference=str(theirs["id"]),
            created=made(first) if first else NOT_YET_KNOWN,
            updated=max(map(made, followups), default=NOT_YET_KNOWN),
            values={name: one for name, one in theirs.items() if name.startswith(CUSTOM)}
            | {name: theirs[name] for name in ("priority", "queue", "assigned_to", "status", "due_date")},
            notes=[one["comment"] for one in followups if one["comment"] and not one["public"]],
            messages=[one["comment"] for one in followups if one["comment"] and one["public"]],
            author=email.lower(),
            facts=self.named(facts),
            changes=self.changes(followups[1:]),
            merged_into=str(theirs["merged_to"] or ""),
        )

    def changes(self, followups: Iterable[dict[str, Any]]) -> list[Change]:
        status, found = OPEN, []
        for one in followups:
            before, status = status, str(one["new_status"] or status)
            found.append(self.change(one, None if status == before else (before, status)))
        return found

    def change(self, one: dict[str, Any], status: tuple[str, str] | None) -> Change:
        kind = self.settings.titles.get(one["title"], "")
        text = "" if kind else one["comment"] or ""
        silent = not text and not status  # such as another assignee, which only the title tells
        return Change(
            id=f"followup/{one['id']}",
            time=made(one),
            author=str(one["user"] or ""),
            actor=ActorRole.SYSTEM if kind and not one["user"] else author_of(one),
            text=text,
            private=not one["public"],
            status=status,
            type=kind or (EventType.UPDATED if silent else ""),
        )

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        found, more = await since_in_feed(self.followups, PAGE, made, since, skip)
        return [Listed(name, at) for name, at in {str(one["ticket"]): made(one) for one in found}.items()], more

    async def followups(self, page: int) -> FeedPage:
        params = {"page": page, "page_size": PAGE}
        body = (await self.rest.read("list follow-ups", "GET", "followups/", params=params)).json
        return FeedPage(body["results"], body["count"], bool(body["next"]))

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        fields = {name: value for name, value in changes.items() if name != NOTE}
        calls = []
        if fields:  # a custom field that is not there is dropped without a word
            place = path("tickets/{}/", ticket.reference)
            calls.append(Call("update ticket", "PATCH", place, fields, tuple(fields), read_back=True))
        if NOTE in changes:  # without a title, which would rename the ticket
            note = {"ticket": int(ticket.reference), "comment": changes[NOTE], "public": False}
            calls.append(Call("add follow-up", "POST", "followups/", note, (NOTE,)))
        return calls

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        body = answer.peek if answer is not None and answer.status in REFUSALS else None
        errors = body if isinstance(body, dict) else {}
        return {name: f"HTTP 400: {errors[name]}" for name in carried if name in errors}

    def note_id(self, answer: Answer) -> str:
        """Raises CallFailed when the account is another one than the settings say: no echo would be known."""
        if answer.json["user"] != self.settings.account:
            remedy = f"the token is that of the account {answer.json['user']}; correct `account`, or the token"
            raise CallFailed("add follow-up", Outcome(OutcomeKind.HELD, remedy))
        return str(answer.json["id"])

    def arrivals(self, body: bytes) -> Iterable[Arrival]:
        told = object_in(body)
        try:
            ticket, number = self.ticket(told["ticket"]), told.get("followup_id")
        except ODD as error:
            raise InvalidInput([FieldViolation("ticket", "is no webhook of django-helpdesk")]) from error
        if number is None:
            return [Arrival(reference=ticket.reference, id=f"ticket/{ticket.reference}", new=True)]
        change = ticket.change(f"followup/{number}")
        return [] if change is None else [arrival(ticket, part, str(number)) for part in parts(self, change)]

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:  # noqa: ARG002
        every = (part for change in ticket.changes for part in parts(self, change))
        return next((part for part in every if part.id == said["id"]), None)


def arrival(ticket: Ticket, part: Change, number: str) -> Arrival:
    note = number if part.private and part.text else ""
    return Arrival(reference=ticket.reference, id=part.id, author=part.author, said={"id": part.id}, note=note)


def author_of(one: dict[str, Any]) -> ActorRole:
    """A customer answers by e-mail, which has an id, or on the public page, without an account."""
    return ActorRole.CUSTOMER if one["message_id"] or not one["user"] else ActorRole.AGENT


def made(one: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(one["date"])
