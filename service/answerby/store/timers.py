"""Timers: claimed by one worker at a time, and removed by the commit of their event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from answerby.domain.errors import AnswerbyError
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import DueTimer
from answerby.store.scripts import Call

_MILLISECOND = timedelta(milliseconds=1)


class Timers:
    """The timers of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(
        self, tenants: Sequence[str], now: datetime, limit: int = 100, length: timedelta = timedelta(seconds=30)
    ) -> list[DueTimer]:
        """Claims timers due at `now` for `length`: at most `limit` of each tenant, earliest first. One round trip.

        No other worker gets a timer of the same requests until each is committed or dropped, or the claim ends.
        """
        arguments = [codec.to_us(now) // 1000, limit, length // _MILLISECOND]
        every = [tenant_keys(tenant) for tenant in tenants]
        calls = [
            Call("timers/claim", [keys.timers, keys.timer_data, keys.timer_claims, keys.counter], arguments)
            for keys in every
        ]
        replies = await self._connection.call_many(calls)
        return [timer for tenant, reply in zip(tenants, replies, strict=True) for timer in _due(tenant, raised(reply))]

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
        every = [tenant_keys(tenant) for tenant in tenants]
        calls = [Call("timers/next", [keys.timers, keys.timer_claims], []) for keys in every]
        found = [raised(reply) for reply in await self._connection.call_many(calls)]
        due = min((int(reply) for reply in found if reply is not None), default=None)
        return None if due is None else codec.from_ms(due)

    async def count(self, tenant: str, until: datetime | None = None) -> int:
        """The number of timers that are armed, or due by `until`."""
        timers = tenant_keys(tenant).timers
        if until is None:
            return int(await self._connection.execute("ZCARD", timers))
        return int(await self._connection.execute("ZCOUNT", timers, "-inf", codec.to_us(until) // 1000))


def raised(reply: Any) -> Any:
    """The value of one reply of many. An error is raised."""
    if isinstance(reply, AnswerbyError):
        raise reply
    return reply


def _due(tenant: str, reply: Sequence[int | bytes]) -> list[DueTimer]:
    if not reply:
        return []
    token = int(reply[0])
    due = []
    for member, timer in zip(reply[1::2], reply[2::2], strict=True):
        assert isinstance(member, bytes)
        assert isinstance(timer, bytes)
        request_id = codec.decode_member(member).request_id
        due.append(DueTimer(tenant=tenant, request_id=request_id, timer=codec.decode_timer(timer), token=token))
    return due
