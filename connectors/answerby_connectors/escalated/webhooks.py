"""The platform's webhooks: their signature, and what they tell."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import EventType
from answerby_connectors.escalated.model import Webhook
from answerby_connectors.kit.base import InvalidSignature
from answerby_connectors.kit.hooked import Arrival

SIGNATURE = "x-escalated-signature"
CREATED, UPDATED = "ticket.created", "ticket.updated"
STATUS, PRIORITY, DEPARTMENT = "ticket.status_changed", "ticket.priority_changed", "ticket.department_changed"
ASSIGNED, UNASSIGNED = "ticket.assigned", "ticket.unassigned"
REPLY, NOTE = "reply.created", "note.created"
HANDLED = frozenset({CREATED, UPDATED, STATUS, PRIORITY, DEPARTMENT, ASSIGNED, UNASSIGNED, REPLY, NOTE})
VALUES = {PRIORITY: ("priority", "new_priority"), DEPARTMENT: ("department", "new_department_id")}
"""Webhook -> the field that changed, and where the webhook tells the new value."""
TYPES = {ASSIGNED: EventType.ASSIGNED, UNASSIGNED: EventType.UPDATED}
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


def arrivals(body: bytes) -> list[Arrival]:
    """What the webhook tells, if it is one that counts. Raises InvalidInput. The message names the place."""
    try:
        webhook = msgspec.json.decode(body, type=Webhook)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput([FieldViolation("body", str(error))]) from error
    if webhook.event not in HANDLED:
        return []
    payload = webhook.payload
    reference = payload.get("reference")
    if not isinstance(reference, str):
        raise InvalidInput([FieldViolation("payload.reference", "a ticket's reference is missing")])
    if webhook.event == UPDATED and not {"subject", "description"} & changes(webhook):
        return []
    field, place = VALUES.get(webhook.event, ("", ""))
    arrival = Arrival(
        reference=reference,
        id=f"{webhook.event}:{digest(webhook)}",
        new=webhook.event == CREATED,
        author=text(payload.get("user_id")),
        said={**{name: text(value) for name, value in payload.items()}, "event": webhook.event},
        values={field: text(payload.get(place))} if field else {},
        note=text(payload.get("reply_id")) if webhook.event == NOTE else "",
    )
    return [arrival]


def changes(webhook: Webhook) -> set[str]:
    found = webhook.payload.get("changes")
    return set(found) if isinstance(found, dict) else set()


def digest(webhook: Webhook) -> str:
    """The digest of the change, without the time of sending. A repeat has the same digest."""
    content = msgspec.json.encode([webhook.event, webhook.payload], order="sorted")
    return hashlib.sha256(content).hexdigest()[:32]


def text(value: object) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)
