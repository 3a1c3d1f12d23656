"""The Lua commands: loaded once, called by digest, and loaded again when the server has lost them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Argument = str | bytes | int


class Call(NamedTuple):
    """One call of a Lua command."""

    command: str
    keys: Sequence[str]
    arguments: Sequence[Argument]


@cache
def _sources() -> dict[str, tuple[str, str]]:
    rooms = (room for room in (files("answerby.store") / "lua").iterdir() if room.is_dir())
    texts = {
        f"{room.name}/{path.name.removesuffix('.lua')}": path.read_text("utf-8")
        for room in rooms
        for path in room.iterdir()
        if path.name.endswith(".lua")
    }
    return {
        name: (text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()) for name, text in texts.items()
    }


async def load_scripts(client: Redis) -> None:
    """Loads every Lua command into the server, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for text, _digest in _sources().values():
        pipeline.execute_command("SCRIPT LOAD", text)
    await pipeline.execute()


async def execute(client: Redis, *command: Argument) -> Any:
    """One plain command. Raises redis errors."""
    send: Any = client.execute_command  # the library has no type here
    return await send(*command)


async def run(client: Redis, call: Call) -> Any:
    """One call, one round trip. Raises redis errors."""
    try:
        return await execute(client, *_evalsha(call))
    except NoScriptError:
        await load_scripts(client)
        return await execute(client, *_evalsha(call))


async def run_many(client: Redis, calls: Sequence[Call]) -> list[Any]:
    """Many calls in one round trip. A failed item is its exception. Raises redis errors of the connection."""
    results = await _pipelined(client, calls)
    forgotten = [i for i, result in enumerate(results) if isinstance(result, NoScriptError)]
    if forgotten:
        # A call without a script on the server changed nothing. Only those calls are sent again, in their order.
        await load_scripts(client)
        for i, result in zip(forgotten, await _pipelined(client, [calls[i] for i in forgotten]), strict=True):
            results[i] = result
    return results


async def _pipelined(client: Redis, calls: Sequence[Call]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command(*_evalsha(call))
    return await pipeline.execute(raise_on_error=False)


def _evalsha(call: Call) -> tuple[Argument, ...]:
    return ("EVALSHA", _sources()[call.command][1], len(call.keys), *call.keys, *call.arguments)
