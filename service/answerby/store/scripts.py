"""The Lua commands: loaded once, called by digest, and sent whole when the server has lost them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Argument = str | bytes | int
Command = tuple[Argument, ...]
_USES = re.compile(r"^-- uses (\w+\.lua)$", re.MULTILINE)
"""The line of a Lua command that stands for a part."""


class Call(NamedTuple):
    """One call of a Lua command."""

    command: str
    keys: Sequence[str]
    arguments: Sequence[Argument]


@cache
def _sources() -> dict[str, tuple[str, str]]:
    home = files("answerby.store")
    texts = {
        f"{room.name}/{path.name.removesuffix('.lua')}": _whole(path.read_text("utf-8"), home / "lua_parts")
        for room in (home / "lua").iterdir()
        if room.is_dir()
        for path in room.iterdir()
        if path.name.endswith(".lua")
    }
    return {
        name: (text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()) for name, text in texts.items()
    }


def _whole(text: str, parts: Traversable) -> str:
    """The text with the parts in place of the lines that name them. A part defines a function for several commands."""
    return _USES.sub(lambda used: (parts / used[1]).read_text("utf-8").rstrip(), text)


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
        return await execute(client, *_eval(call))


async def run_many(client: Redis, calls: Sequence[Call], *then: Command) -> list[Any]:
    """Many calls in one round trip, and plain commands after them, whose results come last.

    A failed item is its exception. Raises redis errors of the connection.
    """
    results = await _pipelined(client, [*(_evalsha(call) for call in calls), *then])
    forgotten = [i for i, result in enumerate(results) if isinstance(result, NoScriptError)]
    if forgotten:
        # A call without a script on the server changed nothing. Only those calls are sent again, in their order.
        again = await _pipelined(client, [*(_eval(calls[i]) for i in forgotten), *then])
        for i, result in zip((*forgotten, *range(len(calls), len(results))), again, strict=True):
            results[i] = result
    return results


async def _pipelined(client: Redis, commands: Sequence[Command]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return await pipeline.execute(raise_on_error=False)


def _evalsha(call: Call) -> Command:
    return ("EVALSHA", _sources()[call.command][1], len(call.keys), *call.keys, *call.arguments)


def _eval(call: Call) -> Command:
    """The call with its text, which works whatever the server has forgotten meanwhile. The server keeps the text."""
    return ("EVAL", _sources()[call.command][0], len(call.keys), *call.keys, *call.arguments)
