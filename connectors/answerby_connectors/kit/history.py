"""A ticket's history into events: what arrived, what changed, and nothing that we wrote ourselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby_connectors.kit.desk import Desk
from answerby_connectors.kit.notes.marker import announces, find_marker
from answerby_connectors.kit.platform import S
from answerby_connectors.kit.statuses import status_type
from answerby_connectors.kit.ticket import Change, NoteOrder, Ticket

OVERRIDE = "override."
MERGED_INTO = "merged.into"


async def events_of(desk: Desk[S], ticket: Ticket, since: datetime) -> list[Event]:
    """The events of the ticket from `since` on, in the order of their times. Raises CallFailed.

    A second look at the same ticket gives the same events.
    """
    events = [received(desk, ticket)] if utc(ticket.created) >= since else []
    fresh = [change for change in ticket.changes if utc(change.time) >= since]
    for change in sorted(fresh, key=lambda change: utc(change.time)):
        for part in parts(desk, change):
            if not is_own(desk, ticket, part):
                events += [await changed(desk, ticket, part)]
    if ticket.merged_into:
        events.append(merged(desk, ticket))
    return events


def parts(desk: Desk[S], change: Change) -> Iterator[Change]:
    """The change of a status as a change of its own, because each event has one type."""
    spoken = bool(change.text or change.values or change.facts or change.type)
    if spoken:
        yield dataclasses.replace(change, status=None)
    if change.status is not None:
        number = f"{change.id}/status" if spoken else change.id
        values = {desk.status_field: change.status[1]} if desk.status_field else {}
        yield dataclasses.replace(change, id=number, text="", values=values, facts={}, type="")


def is_own(desk: Desk[S], ticket: Ticket, change: Change) -> bool:
    """Whether the change is our write: made by our account, and a note of ours or values that we announced.

    Where the note follows the fields, a poll may come between them. There every change of our account to nothing but
    fields that we set is ours.
    """
    if not change.author or change.author != desk.account:
        return False
    if change.text:
        return find_marker(change.text) is not None
    if not change.values:
        return False
    if desk.note_order is not NoteOrder.FIRST and change.values.keys() <= desk.mapper.written:
        return True
    writing = all(desk.expected.holds(ticket.reference, name, str(v)) for name, v in change.values.items())
    return writing or announces((*ticket.notes, *ticket.messages), change.values)


def received(desk: Desk[S], ticket: Ticket) -> Event:
    return Event(
        source=desk.source,
        id=f"ticket/{ticket.key or ticket.reference}",
        type=EventType.RECEIVED,
        time=utc(ticket.created),
        request_id=ticket.reference,
        actor=ActorRole.SYSTEM if ticket.author and ticket.author == desk.account else ticket.actor,
        actor_id=ticket.author,
        data=dict(ticket.facts),
    )


async def changed(desk: Desk[S], ticket: Ticket, change: Change) -> Event:
    """The event of a change. A value that a person chose is one set by hand."""
    actor = actor_of(desk, ticket, change)
    by_hand = await chosen(desk, ticket, change) if actor is ActorRole.AGENT else {}
    said = desk.named({"body": "" if change.private else change.text})
    return Event(
        source=desk.source,
        id=change.id,
        type=change.type or await type_of(desk, change, actor),
        time=utc(change.time),
        request_id=ticket.reference,
        actor=actor,
        actor_id=change.author,
        data={**change.facts, **said, **by_hand},
    )


def actor_of(desk: Desk[S], ticket: Ticket, change: Change) -> ActorRole:
    if change.author and change.author == desk.account:
        return ActorRole.SYSTEM
    if change.actor is not None:
        return change.actor
    return ActorRole.CUSTOMER if change.author and change.author == ticket.author else ActorRole.AGENT


async def type_of(desk: Desk[S], change: Change, actor: ActorRole) -> str:
    if change.status is not None:
        before, after = [await desk.status_name(status) for status in change.status]
        return status_type(desk.statuses_of, before, after)
    if not change.text or change.private:
        return EventType.UPDATED
    return EventType.CUSTOMER_REPLIED if actor is ActorRole.CUSTOMER else EventType.REPLIED


async def chosen(desk: Desk[S], ticket: Ticket, change: Change) -> dict[str, Value]:
    """The values that a person chose, in our words."""
    facts: dict[str, Value] = {}
    for field in desk.mapper.fields:
        if field.ours in desk.settings.by_hand and field.theirs in change.values:
            value = await desk.mapper.our_present(field, change.values[field.theirs], ticket, desk.choices_for)
            name = desk.settings.facts.get(f"{field.ours}_by_hand", OVERRIDE + field.ours)
            if value and name:
                facts[name] = value
    return facts


def merged(desk: Desk[S], ticket: Ticket) -> Event:
    return Event(
        source=desk.source,
        id=f"merged/{ticket.reference}/{ticket.merged_into}",
        type=EventType.MERGED,
        time=utc(ticket.updated),
        request_id=ticket.reference,
        actor=ActorRole.SYSTEM,
        data={MERGED_INTO: ticket.merged_into},
    )


def utc(time: datetime) -> datetime:
    """The instant; a time without an offset is UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
