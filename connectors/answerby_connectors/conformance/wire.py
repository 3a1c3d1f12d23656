"""A real HTTP server that misbehaves on demand."""

from __future__ import annotations

import asyncio
import inspect
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: Any = None


class Fault(Enum):
    LOSE_ANSWER = "handle the request, then cut the line"
    RESET = "cut the line before the request is handled"
    HANG = "handle the request, never answer"
    STOP = "never answer"


@dataclass(frozen=True)
class Late:
    """The request is handled so many seconds later, and never answered: as by a slow proxy."""

    seconds: float


class Server:
    """Answers by `handler`. `faults` are used up first, one per request: a fault, or an Answer instead of its."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.handler: Callable[[Call], Answer | Awaitable[Answer]] = lambda _: Answer()
        self.faults: list[Fault | Late | Answer | None] = []
        self.watch: Callable[[Call], Fault | Late | Answer | None] = lambda _: None
        """Asked for each request once `faults` are used up."""
        self.url = ""
        self._context = context
        self._hung = asyncio.Event()
        self._landing: set[asyncio.Future[Answer]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self._hung.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (call := await self._read(reader)) is not None:
                if not await self._respond(call, writer):
                    break
        except asyncio.CancelledError:
            return  # the case is over
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Call | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Call(method, path, headers, body)

    async def _respond(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        self.calls.append(call)
        fault = self.faults.pop(0) if self.faults else self.watch(call)
        if fault is Fault.RESET:
            writer.transport.abort()
            return False
        if isinstance(fault, Late):
            asyncio.get_running_loop().call_later(fault.seconds, self._land, call)
            await self._hung.wait()
            return False
        if fault is Fault.STOP:
            await self._hung.wait()
            return False
        answer = fault if isinstance(fault, Answer) else await self._handle(call)
        if fault is Fault.LOSE_ANSWER:
            writer.transport.abort()
            return False
        if fault is Fault.HANG:
            await self._hung.wait()
            return False
        body = b"" if answer.content is None else json.dumps(answer.content).encode()
        headers = {"content-length": str(len(body)), "content-type": "application/json", **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + body)
        await writer.drain()
        return True

    async def _handle(self, call: Call) -> Answer:
        answer = self.handler(call)
        return await answer if inspect.isawaitable(answer) else answer

    def _land(self, call: Call) -> None:
        """Handles a late request, for nobody who waits."""
        landing = asyncio.ensure_future(self._handle(call))
        self._landing.add(landing)
        landing.add_done_callback(self._landing.discard)
