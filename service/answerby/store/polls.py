"""Polls: the cursor of each connector that asks its platform, and the right of one worker to ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from answerby.domain.event import Event
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys

_MILLISECOND = timedelta(milliseconds=1)


class PollTurn(NamedTuple):
    """The right to poll for one connector until the lease ends. `token` locks out earlier holders."""

    tenant: str
    connector: str
    token: int
    cursor: str
    """Empty before the first page."""
    page: int
    """The number of pages stored so far."""
    since: datetime
    """The start of the connector."""
    complete: datetime
    """The latest time at which everything of the platform was stored, by the server's clock."""
    rest: timedelta
    """The time until the next poll may go, by the waits of the platform, or while it refuses the connector."""


class PollTaken(NamedTuple):
    """Another worker polls. `left`: the time until its lease ends."""

    left: timedelta


class Polls:
    """The polls of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(
        self, tenant: str, connector: str, token: int, lease: timedelta, look_back: timedelta, mark: str
    ) -> PollTurn | PollTaken:
        """Takes the right to poll, or renews the right of the holder of `token`. 0 is the token of a newcomer.

        The first claim of all notes the start of the connector: now, less `look_back`. `mark`: of the settings.
        """
        keys = tenant_keys(tenant)
        reply = await self._connection.call(
            "polls/claim",
            [keys.poll(connector), keys.counter, keys.outbox_life(connector)],
            [str(token), lease // _MILLISECOND, look_back // _MILLISECOND, mark],
        )
        if not reply[0]:
            return PollTaken(timedelta(milliseconds=reply[1]))
        held, cursor, page, since, complete, rest = reply
        return PollTurn(
            tenant=tenant,
            connector=connector,
            token=held,
            cursor=cursor.decode(),
            page=page,
            since=codec.from_ms(since),
            complete=codec.from_ms(complete),
            rest=timedelta(milliseconds=rest),
        )

    async def store(
        self, turn: PollTurn, cursor: str, events: Sequence[Event], lease: timedelta, *, complete: bool
    ) -> bool:
        """Stores the events of a page in the intake and the cursor after the page, both or none.

        False when another worker polls meanwhile. `complete`: nothing comes after the page.
        """
        keys = tenant_keys(turn.tenant)
        stored = await self._connection.call(
            "polls/store",
            [keys.poll(turn.connector), keys.intake],
            [
                str(turn.token),
                turn.page,
                cursor,
                lease // _MILLISECOND,
                int(complete),
                *(codec.encode(event) for event in events),
            ],
        )
        return bool(stored)

    async def rest(self, tenant: str, connector: str, wait: timedelta) -> None:
        """Lets all workers keep a wait that the platform set."""
        key = tenant_keys(tenant).outbox_life(connector)
        await self._connection.call("polls/rest", [key], [wait // _MILLISECOND])

    async def hold(self, turn: PollTurn, reason: str, mark: str, probe: timedelta) -> bool:
        """Lets no worker poll with the settings of `mark`, but for one poll in each `probe`.

        A page that is stored ends that, and so does an operator. True when it is news.
        """
        arguments: list[str | int] = [str(turn.token), reason, mark, probe // _MILLISECOND]
        return bool(
            await self._connection.call("polls/hold", [tenant_keys(turn.tenant).poll(turn.connector)], arguments)
        )

    async def release(self, tenant: str, connector: str, token: int) -> None:
        """Ends the right of the holder of `token`, so that another worker goes on at once."""
        await self._connection.call("polls/release", [tenant_keys(tenant).poll(connector)], [str(token)])
