"""The dead letters of a tenant, of both directions, under one kind of id."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from answerby.server.flow.arrivals import unmarked
from answerby.store.codec import decode_event
from answerby.store.intake import Intake
from answerby.store.outbox import Outbox
from answerby.store.records import DeadEffect, DeadIntake
from answerby.store.store import Store
from answerby.store.unreadable import UNDECODABLE

_ID = re.compile(r"(out|in)-(\d{1,20}-\d{1,20})")


class DeadLetterNotFound(AnswerbyError):
    """The tenant has no dead letter with this id; it may have been replayed or discarded."""

    reason = "DEAD_LETTER_NOT_FOUND"


class Direction(StrEnum):
    OUTBOUND = "out"
    INBOUND = "in"


class DeadLetter(NamedTuple):
    """An effect or an event that was given up."""

    id: str
    direction: Direction
    connector: str
    request_id: str
    number: str
    reason: str
    died: datetime
    attempts: int
    kind: str
    """The kind of the effect, or the type of the event."""
    key: str
    """The key of the effect, or the id of the event."""
    sequence: int
    content: bytes


class DeadLetters:
    """What was given up. All methods raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, tenant: str, direction: Direction | None, after: str, limit: int
    ) -> tuple[list[DeadLetter], str]:
        """Dead letters, the oldest first, effects before events, and the id before the next page; empty at the end.

        Raises InvalidInput for another `after` than such an id.
        """
        letters: list[DeadLetter] = []
        begun, place = _parts("page_token", after) if after else (Direction.OUTBOUND, "")
        if direction is not Direction.INBOUND and begun is Direction.OUTBOUND:
            letters += map(_of_effect, await self._store.outbox.dead(tenant, place, limit + 1))
            place = ""
        if direction is not Direction.OUTBOUND and len(letters) <= limit:
            after_event = place if begun is Direction.INBOUND else ""
            found = await self._store.intake.dead(tenant, after_event, limit + 1 - len(letters))
            letters += map(_of_event, found)
        return letters[:limit], letters[limit - 1].id if len(letters) > limit else ""

    async def get(self, tenant: str, letter_id: str) -> DeadLetter:
        """One dead letter. Raises DeadLetterNotFound, and InvalidInput for another form of id."""
        direction, place = _parts("id", letter_id)
        time, _, number = place.partition("-")
        before = f"{time}-{int(number) - 1}" if int(number) else f"{int(time) - 1}-18446744073709551615"
        letters = (
            [_of_effect(letter) for letter in await self._store.outbox.dead(tenant, before, 1)]
            if direction is Direction.OUTBOUND
            else [_of_event(letter) for letter in await self._store.intake.dead(tenant, before, 1)]
        )
        if not letters or letters[0].id != letter_id:
            raise DeadLetterNotFound(name=letter_id)
        return letters[0]

    async def replay(self, tenant: str, letter_id: str) -> None:
        """Puts a dead letter back into its queue. Raises DeadLetterNotFound, EffectSuperseded and RecordUnreadable."""
        queue, place = self._place(letter_id)
        if not await queue.replay_dead(tenant, place):
            raise DeadLetterNotFound(name=letter_id)

    async def discard(self, tenant: str, letter_id: str) -> None:
        """Deletes a dead letter. Raises DeadLetterNotFound."""
        queue, place = self._place(letter_id)
        if not await queue.discard_dead(tenant, place):
            raise DeadLetterNotFound(name=letter_id)

    def _place(self, letter_id: str) -> tuple[Intake | Outbox, str]:
        """The queue that gave a dead letter up, and the letter's place there. Raises InvalidInput."""
        direction, place = _parts("id", letter_id)
        return (self._store.outbox if direction is Direction.OUTBOUND else self._store.intake), place


def _parts(field: str, letter_id: str) -> tuple[Direction, str]:
    found = _ID.fullmatch(letter_id)
    if found is None or any(int(part) >= 2**64 for part in found[2].split("-")):
        raise InvalidInput([FieldViolation(field, "is no id of a dead letter, such as out-1767603600000-0")])
    return Direction(found[1]), found[2]


def _of_effect(letter: DeadEffect) -> DeadLetter:
    entry = letter.entry
    return DeadLetter(
        id=f"out-{letter.id}",
        direction=Direction.OUTBOUND,
        connector=letter.connector,
        request_id=entry.request_id if entry is not None else "",
        number=entry.number if entry is not None else "",
        reason=letter.reason,
        died=letter.died,
        attempts=entry.attempts if entry is not None else 0,
        kind=entry.effect.kind.value if entry is not None else "",
        key=entry.effect.key if entry is not None else "",
        sequence=entry.decision_sequence if entry is not None else 0,
        content=letter.payload,
    )


def _of_event(letter: DeadIntake) -> DeadLetter:
    try:
        event, connector = unmarked(decode_event(letter.payload))
    except UNDECODABLE:
        event, connector = None, ""
    return DeadLetter(
        id=f"in-{letter.id}",
        direction=Direction.INBOUND,
        connector=connector,
        request_id=event.request_id if event is not None else "",
        number="",
        reason=letter.reason,
        died=letter.died,
        attempts=letter.deliveries,
        kind=event.type if event is not None else "",
        key=event.id if event is not None else "",
        sequence=0,
        content=letter.payload,
    )
