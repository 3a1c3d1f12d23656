"""Webhooks into events. Webhooks are verified and read at once, and completed from the ticket later."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby_connectors.escalated.client import CallFailed, EscalatedClient
from answerby_connectors.escalated.echo import Expected
from answerby_connectors.escalated.model import Activity, Person, Reply, Ticket, Webhook
from answerby_connectors.escalated.note import find_marker
from answerby_connectors.escalated.settings import EscalatedSettings
from answerby_connectors.kit.base import InvalidSignature, PlatformUnavailable

SIGNATURE = "x-escalated-signature"
NOT_YET_KNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of an event before its completion. A webhook only has the time of sending, which differs in a repeat."""
RAW = "webhook."
"""The prefix of facts that carry a webhook's own fields from `receive` to `complete`, and no further."""

CREATED, UPDATED = "ticket.created", "ticket.updated"
STATUS, PRIORITY, DEPARTMENT = "ticket.status_changed", "ticket.priority_changed", "ticket.department_changed"
ASSIGNED, UNASSIGNED = "ticket.assigned", "ticket.unassigned"
REPLY, NOTE = "reply.created", "note.created"
HANDLED = frozenset({CREATED, UPDATED, STATUS, PRIORITY, DEPARTMENT, ASSIGNED, UNASSIGNED, REPLY, NOTE})

HISTORY: Mapping[str, tuple[str, Mapping[str, str]]] = {
    STATUS: ("status_changed", {"old_status": "old_status", "new_status": "new_status"}),
    PRIORITY: ("priority_changed", {"old_priority": "old_priority", "new_priority": "new_priority"}),
    DEPARTMENT: ("department_changed", {"new_department_id": "new_department_id"}),
    ASSIGNED: ("assigned", {"agent_id": "agent_id"}),
    UNASSIGNED: ("unassigned", {"previous_agent_id": "previous_agent_id"}),
}
"""Webhook -> the type of its entry in the ticket's history, and the fields in which both must agree."""


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """Raises InvalidSignature unless the signature is the HMAC-SHA256 of the raw body under one of the secrets."""
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    if not given:
        raise InvalidSignature(f"missing header {SIGNATURE}")
    expected = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    if not any([hmac.compare_digest(e.encode(), given.strip().lower().encode()) for e in expected]):  # noqa: C419
        raise InvalidSignature("the signature does not fit")


def parse(body: bytes) -> Webhook:
    """The webhook. Raises InvalidInput. The message names the place."""
    try:
        webhook = msgspec.json.decode(body, type=Webhook)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput([FieldViolation("body", str(error))]) from error
    if webhook.event in HANDLED and not isinstance(webhook.payload.get("reference"), str):
        raise InvalidInput([FieldViolation("payload.reference", "a ticket's reference is missing")])
    return webhook


class Reader:
    """Turns webhooks of the platform into events."""

    def __init__(self, settings: EscalatedSettings, source: str, client: EscalatedClient, expected: Expected) -> None:
        self._settings = settings
        self._source = source
        self._client = client
        self._expected = expected

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        verify(headers, body, self._settings.webhook_secrets)
        webhook = parse(body)
        if webhook.event not in HANDLED or self._is_echo(webhook):
            return []
        if webhook.event == UPDATED and not {"subject", "description"} & changes(webhook):
            return []
        return [self._raw_event(webhook)]

    def _is_echo(self, webhook: Webhook) -> bool:
        """Whether this process is writing the same value, as the account in the webhook."""
        payload = webhook.payload
        if self._client.account is None or text(payload.get("user_id")) != self._client.account:
            return False
        reference = payload["reference"]
        if webhook.event == NOTE:
            number = text(payload.get("reply_id"))
            return self._expected.holds(reference, "note", number) or self._expected.holds(reference, "note")
        if webhook.event == PRIORITY:
            return self._expected.holds(reference, "priority", text(payload.get("new_priority")))
        if webhook.event == DEPARTMENT:
            return self._expected.holds(reference, "department", text(payload.get("new_department_id")))
        return False

    def _raw_event(self, webhook: Webhook) -> Event:
        """The event with the data of the webhook. `complete` adds type, time, identity and facts."""
        payload = webhook.payload
        data: dict[str, Value] = {f"{RAW}{name}": text(value) for name, value in sorted(payload.items())}
        data[f"{RAW}event"] = webhook.event
        return Event(
            source=self._source,
            id=f"{webhook.event}:{digest(webhook)}",
            type=EventType.RECEIVED if webhook.event == CREATED else EventType.UPDATED,
            time=NOT_YET_KNOWN,
            request_id=payload["reference"],
            actor=ActorRole.SYSTEM if payload.get("user_id") is None else ActorRole.AGENT,
            actor_id=text(payload.get("user_id")),
            data=data,
        )

    async def complete(self, event: Event) -> Event | None:
        if event.source != self._source or f"{RAW}event" not in event.data:
            return event
        try:
            account = await self._client.identify()
            ticket = await self._client.ticket(event.request_id)
        except CallFailed as error:
            raise PlatformUnavailable(error.message, error.outcome.retry_after) from error
        if ticket is None:
            return None  # deleted meanwhile: there is nothing left to decide
        return Completion(self._settings, account, ticket, event).event()


class Completion:
    """One event, read together with its ticket."""

    def __init__(self, settings: EscalatedSettings, account: str, ticket: Ticket, event: Event) -> None:
        self._settings = settings
        self._account = account
        self._ticket = ticket
        self._event = event
        self._kind = str(event.data[f"{RAW}event"])

    def event(self) -> Event | None:
        """The whole event. None when the account is ours and a note of ours announces the change."""
        if self._kind == CREATED:
            return self._created()
        if self._kind in (REPLY, NOTE):
            return self._message()
        if self._kind == UPDATED:
            return self._edited()
        return self._changed()

    def _raw(self, name: str) -> str:
        return str(self._event.data.get(RAW + name) or "")

    def _by_us(self) -> bool:
        return self._raw("user_id") == self._account

    def _created(self) -> Event:
        ticket, person = self._ticket, self._ticket.requester or Person()
        email = (person.email or "").strip()
        facts: dict[str, Value] = {
            "subject": ticket.subject,
            "body": ticket.description or "",
            "channel": self._settings.channels.get(ticket.channel or "", ticket.channel or ""),
            "customer": email.lower(),
            "name": person.name or "",
            "email": email,
        }
        return self._made(
            EventType.RECEIVED, f"ticket/{ticket.id}", ticket.created_at, ActorRole.CUSTOMER, self._named(facts)
        )

    def _edited(self) -> Event:
        facts = self._named({"subject": self._ticket.subject, "body": self._ticket.description or ""})
        # The history holds no edits, so the ticket's own time separates this edit from an equal later edit.
        stamp = hashlib.sha256(f"{facts}{self._ticket.updated_at}".encode()).hexdigest()[:16]
        return self._made(
            EventType.UPDATED, f"edit/{self._ticket.id}/{stamp}", self._ticket.updated_at, self._person(), facts
        )

    def _message(self) -> Event | None:
        reply = next((r for r in self._ticket.replies if str(r.id) == self._raw("reply_id")), None)
        if reply is None:
            return None  # deleted meanwhile
        if reply.is_internal_note:
            if self._by_us() and find_marker(reply.body) is not None:
                return None
            return self._made(EventType.UPDATED, f"reply/{reply.id}", reply.created_at, self._person(), {})
        facts = self._named({"body": reply.body})
        actor = self._author(reply)
        kind = EventType.CUSTOMER_REPLIED if actor is ActorRole.CUSTOMER else EventType.REPLIED
        return self._made(kind, f"reply/{reply.id}", reply.created_at, actor, facts)

    def _author(self, reply: Reply) -> ActorRole:
        """The role of an author. A guest has no account. A registered customer is the requester."""
        author, asker = reply.author, self._ticket.requester or Person()
        if author is None or (author.email and author.email == asker.email):
            return ActorRole.CUSTOMER
        return ActorRole.SYSTEM if str(author.id) == self._account else ActorRole.AGENT

    def _changed(self) -> Event | None:
        if self._by_us() and self._announced():
            return None
        activity = self._find_activity()
        stem = f"activity/{activity.id}" if activity else f"{self._event.id}/{self._ticket.updated_at.isoformat()}"
        time = activity.created_at if activity else self._ticket.updated_at
        return self._made(self._change_type(), stem, time, self._person(), self._named(self._by_hand()))

    def _announced(self) -> bool:
        """Whether a note of ours on the ticket announces this value."""
        field, value = {
            PRIORITY: ("priority", self._raw("new_priority")),
            DEPARTMENT: ("department", self._raw("new_department_id")),
        }.get(self._kind, ("", ""))
        markers = (find_marker(note.body) for note in self._ticket.notes)
        return bool(value) and any(m is not None and m.values.get(field) == value for m in markers)

    def _find_activity(self) -> Activity | None:
        """The latest entry of the history that matches the webhook."""
        kind, fields = HISTORY[self._kind]
        for activity in self._ticket.activities:
            properties = activity.properties or {}
            if activity.type == kind and all(text(properties.get(a)) == self._raw(b) for a, b in fields.items()):
                return activity
        return None

    def _change_type(self) -> str:
        if self._kind == ASSIGNED:
            return EventType.ASSIGNED
        if self._kind != STATUS:
            return EventType.UPDATED
        before, after = self._raw("old_status"), self._raw("new_status")
        if before == "waiting_on_customer" and after in ("open", "in_progress"):
            return EventType.RESUMED
        return self._settings.statuses.get(after, EventType.UPDATED)

    def _by_hand(self) -> dict[str, Value]:
        """A priority or department that a person chose, in our words. A choice by an automation does not count."""
        if self._person() is not ActorRole.AGENT:
            return {}
        if self._kind == PRIORITY:
            ours = self._settings.our_priority(self._raw("new_priority"))
            return {"priority_by_hand": ours} if ours else {}
        department = self._ticket.department
        if self._kind == DEPARTMENT and department and str(department.id) == self._raw("new_department_id"):
            return {"department_by_hand": self._settings.our_department(department.name)}
        return {}

    def _person(self) -> ActorRole:
        return ActorRole.SYSTEM if self._raw("user_id") in ("", self._account) else ActorRole.AGENT

    def _named(self, facts: Mapping[str, Value]) -> dict[str, Value]:
        """The facts under the vocabulary's names. Empty facts and facts without a name are left out."""
        named: dict[str, Value] = {
            self._settings.fact(n): value for n, value in facts.items() if value not in (None, "")
        }
        named.pop("", None)
        return named

    def _made(self, kind: str, identity: str, time: datetime, actor: ActorRole, data: dict[str, Value]) -> Event:
        return msgspec.structs.replace(self._event, type=str(kind), id=identity, time=utc(time), actor=actor, data=data)


def changes(webhook: Webhook) -> set[str]:
    found = webhook.payload.get("changes")
    return set(found) if isinstance(found, dict) else set()


def digest(webhook: Webhook) -> str:
    """The digest of the change, without the time of sending. A repeat has the same digest."""
    content = msgspec.json.encode([webhook.event, webhook.payload], order="sorted")
    return hashlib.sha256(content).hexdigest()[:32]


def text(value: object) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
