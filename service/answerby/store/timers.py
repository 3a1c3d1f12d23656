"""Timers: claimed by one worker at a time, and removed by the commit of their event.

The server's clock decides what is due and how long a claim lasts. A worker with a wrong clock fires nothing early.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from answerby.domain.clock import Timer
from answerby.domain.errors import AnswerbyError, RecordUnreadable, RequestNotFound
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import DueTimer
from answerby.store.requests.requests import Requests
from answerby.store.scripts import Call
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

_MILLISECOND = timedelta(milliseconds=1)


class _Claimed(NamedTuple):
    """A claimed member of the sorted set with its payload, as stored."""

    member: bytes
    due: bytes
    payload: bytes | None
    token: int
    clock: datetime


class Timers:
    """The timers of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, requests: Requests, unreadable: Unreadables) -> None:
        self._connection = connection
        self._requests = requests
        self._unreadable = unreadable

    async def claim(
        self,
        tenants: Sequence[str],
        until: datetime | None = None,
        limit: int = 100,
        length: timedelta = timedelta(seconds=30),
    ) -> list[DueTimer]:
        """Claims timers that are due for `length`: at most `limit` of each tenant, earliest first. One round trip.

        `until` leaves out later ones. No other worker gets a timer of the same requests until each is committed or
        dropped, or the claim ends. A timer that cannot be read goes to the dead list. The timer in the state of its
        request, if there is one, then takes its place. A tenant whose keys cannot be used costs no other tenant.
        """
        latest = "" if until is None else codec.to_us(until) // 1000
        calls = [
            Call(
                "timers/claim",
                [keys.timers, keys.timer_data, keys.timer_claims, keys.counter],
                [latest, limit, length // _MILLISECOND],
            )
            for keys in map(tenant_keys, tenants)
        ]
        due: list[DueTimer] = []
        for tenant, reply in zip(tenants, await self._connection.call_many(calls), strict=True):
            if isinstance(reply, AnswerbyError):
                await self._unreadable.note_key(tenant, tenant_keys(tenant).timers, reply)
                continue
            for claimed in _claimed(reply):
                try:
                    due.append(_due(tenant, claimed))
                except Undecodable as error:
                    await self._park(tenant, claimed, error)
        return due

    async def drop(self, due: DueTimer) -> bool:
        """Removes a claimed timer that needs no commit: its event was accepted before, or its request is gone.

        False when the timer was gone already, or was armed again for another time.
        """
        keys = tenant_keys(due.tenant)
        removed = await self._connection.call(
            "timers/drop",
            [keys.timers, keys.timer_data, keys.timer_claims],
            [
                codec.encode_member(codec.TimerMember(due.timer.id, due.request_id)),
                codec.to_ms(due.timer.due),
                str(due.token),
                due.request_id,
            ],
        )
        return bool(removed)

    async def next_due(self, tenants: Sequence[str]) -> datetime | None:
        """The time of the next possible claim for any tenant. A past time means an overdue timer. None when no timer is
        armed.

        One round trip.
        """
        return min((due for due, _ in await self._next(tenants)), default=None)

    async def wait(self, tenants: Sequence[str]) -> timedelta | None:
        """The time until the next possible claim, by the server's clock. None when no timer is armed."""
        return min((due - clock for due, clock in await self._next(tenants)), default=None)

    async def count(self, tenant: str, until: datetime | None = None) -> int:
        """The number of timers that are armed, or due by `until`."""
        timers = tenant_keys(tenant).timers
        if until is None:
            return int(await self._connection.execute("ZCARD", timers))
        return int(await self._connection.execute("ZCOUNT", timers, "-inf", codec.to_us(until) // 1000))

    async def _next(self, tenants: Sequence[str]) -> list[tuple[datetime, datetime]]:
        """The next claim of each tenant with armed timers, and the server's clock."""
        calls = [Call("timers/next", [keys.timers, keys.timer_claims], []) for keys in map(tenant_keys, tenants)]
        found = []
        for tenant, reply in zip(tenants, await self._connection.call_many(calls), strict=True):
            if isinstance(reply, AnswerbyError):
                await self._unreadable.note_key(tenant, tenant_keys(tenant).timers, reply)
            elif reply:
                due, clock = reply
                found.append((codec.from_ms(int(due)), codec.from_ms(int(clock))))
        return found

    async def _park(self, tenant: str, claimed: _Claimed, error: Undecodable) -> None:
        """Moves a timer to the dead list. The timer in the state of its request is armed in its place."""
        await self._unreadable.note(error)
        member = _member(claimed.member)
        timer = await self._armed(tenant, member)
        keys = tenant_keys(tenant)
        await self._connection.call(
            "timers/park",
            [keys.timers, keys.timer_data, keys.timer_claims],
            [
                claimed.member,
                claimed.payload or b"",
                str(claimed.token),
                member.request_id if member is not None else "",
                codec.to_ms(timer.due) if timer is not None else "",
                codec.encode(timer) if timer is not None else b"",
            ],
        )

    async def _armed(self, tenant: str, member: codec.TimerMember | None) -> Timer | None:
        """The timer of this member in the state of its request. None for a fired one, and where nothing can be read."""
        if member is None:
            return None
        try:
            timer = (await self._requests.get(tenant, member.request_id)).timers.get(member.timer_id)
        except (RequestNotFound, RecordUnreadable):
            return None
        usable = timer is not None and not timer.fired and timer.id == member.timer_id and timer.due.tzinfo is not None
        return timer if usable else None


def _claimed(reply: Sequence[bytes | int | None]) -> Iterator[_Claimed]:
    if not reply:
        return
    clock, token, *found = reply
    assert isinstance(clock, bytes)
    assert isinstance(token, int)
    now = codec.from_ms(int(clock))
    for member, due, payload in zip(found[::3], found[1::3], found[2::3], strict=True):
        assert isinstance(member, bytes)
        assert isinstance(due, bytes)
        assert not isinstance(payload, int)
        yield _Claimed(member, due, payload, token, now)


def _due(tenant: str, claimed: _Claimed) -> DueTimer:
    """Raises Undecodable."""
    keys = tenant_keys(tenant)
    name = claimed.member.decode(errors="replace")
    member = decoded(Place(RecordKind.TIMER, tenant, keys.timers, name), claimed.member, codec.decode_member)
    place = Place(RecordKind.TIMER, tenant, keys.timer_data, name)
    if claimed.payload is None:
        raise Undecodable(place, b"", "the timer has no payload")
    due = decoded(place, claimed.due, _milliseconds)
    timer = decoded(place, claimed.payload, codec.decode_timer, member.timer_id, due)
    return DueTimer(
        tenant=tenant, request_id=member.request_id, timer=timer, token=claimed.token, claimed=claimed.clock
    )


def _milliseconds(score: bytes) -> int:
    return int(float(score))


def _member(raw: bytes) -> codec.TimerMember | None:
    try:
        return codec.decode_member(raw)
    except (ValueError, TypeError):
        return None
