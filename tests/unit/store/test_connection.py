"""What a store refuses to work with, and how it says so."""

from __future__ import annotations

import asyncio
import socket
from importlib.resources import files
from pathlib import Path

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from answerby.domain.errors import AnswerbyError, RecordUnreadable, StoreUnavailable
from answerby.store.connection import StoreOptions, translate
from answerby.store.store import Store


async def old_server(version: str) -> asyncio.Server:
    """A socket that answers as a Redis of this version would."""
    info = f"# Server\r\nredis_version:{version}\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:-2].upper())
            writer.write(f"${len(info)}\r\n{info}\r\n".encode() if words[0] == b"INFO" else b"+OK\r\n")
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


@pytest.mark.parametrize("version", ["6.2.14", "5.0.7"])
async def test_a_server_that_is_too_old_is_refused_by_name(version: str) -> None:
    server = await old_server(version)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StoreUnavailable, match=rf"Redis {version} is too old.*7\.0"):
        await Store.connect(f"redis://127.0.0.1:{port}")
    server.close()
    await server.wait_closed()


async def test_a_server_that_does_not_answer_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StoreUnavailable):
            await Store.connect(f"redis://127.0.0.1:{port}", StoreOptions(socket_timeout=0.05))


@pytest.mark.parametrize(
    "error",
    [
        BusyLoadingError("loading"),
        ReadOnlyError("failover"),
        OutOfMemoryError("command not allowed"),
        ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        AuthenticationError("WRONGPASS"),
    ],
)
def test_what_passes_is_told_as_unavailable(error: RedisError) -> None:
    assert type(translate(error)) is StoreUnavailable


@pytest.mark.parametrize("code", ["NOREPLICAS", "MISCONF", "OOM", "WRONGTYPE", "ERR"])
def test_nobody_who_calls_hears_of_scripts(code: str) -> None:
    error = ResponseError(f"{code} no luck. script: 4f2a9, on @user_script:99.")
    assert "script" not in translate(error).message
    assert ("no luck" in translate(error).message) is (code != "NOREPLICAS")


def test_what_does_not_pass_is_told_as_a_failure() -> None:
    error = translate(ResponseError("ERR unknown command"))
    assert type(error) is AnswerbyError
    assert "unknown command" in error.message


def test_a_key_of_another_type_is_told_as_unreadable() -> None:
    error = translate(ResponseError("WRONGTYPE Operation against a key"))
    assert isinstance(error, RecordUnreadable)
    assert "WRONGTYPE" in error.message


def test_every_lua_command_documents_its_keys() -> None:
    scripts = sorted(Path(str(files("answerby.store") / "lua")).rglob("*.lua"))
    assert len(scripts) > 10
    for script in scripts:
        header = script.read_text("utf-8").split("--]]")[0]
        assert header.startswith("--[["), script.name
        assert "KEYS[1]" in header, script.name
