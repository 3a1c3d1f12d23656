"""A real HTTP server that misbehaves on demand, and a stateful stand-in for an escalated help desk on top of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.kit.base import Delivery


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


class Server:
    """Answers by `handler`; `faults` are used up first, one per request: a Fault or an Answer instead of the handler's."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.handler: Callable[[Call], Answer] = lambda _: Answer()
        self.faults: list[Fault | Answer | None] = []
        self.url = ""
        self._hung = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self._hung.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (call := await self._read(reader)) is not None:
                if not await self._respond(call, writer):
                    break
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
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.RESET:
            writer.transport.abort()
            return False
        answer = fault if isinstance(fault, Answer) else self.handler(call)
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


@pytest.fixture
async def http_server() -> AsyncIterator[Server]:
    running = Server()
    await running.start()
    yield running
    await running.stop()


BOT, AGENT, CUSTOMER = (
    {"id": 1, "name": "", "email": "bot@desk.test"},
    {"id": 7, "name": "Ana", "email": "ana@desk.test"},
    {"id": 9, "name": "王芳", "email": "Wang@Example.com"},
)


class Desk:
    """What escalated keeps of one ticket, as its API shows and changes it. Time stands still but for what counts."""

    def __init__(self) -> None:
        self.ticket: dict[str, Any] = {
            "id": 1,
            "reference": "ESC-A1B2C3",
            "subject": "电池起火",
            "description": "充电时冒烟",
            "status": "open",
            "priority": "medium",
            "channel": "email",
            "requester": {"name": CUSTOMER["name"], "email": CUSTOMER["email"]},
            "department": None,
            "tags": [],
            "replies": [],
            "activities": [],
            "created_at": "2026-01-05T01:00:00+00:00",
            "updated_at": "2026-01-05T01:00:00+00:00",
        }
        self.departments = {"general": 1, "vip": 2}
        self.tags = {"answerby:category=complaint": 11, "answerby:category=consultation": 12, "safety": 13, "mine": 14}
        self.macros: list[dict[str, Any]] = [
            {"id": 5, "name": "close", "actions": [{"type": "status", "value": "closed"}]},
            {"id": 6, "name": "to vip", "actions": [{"type": "department", "value": "2"}]},
        ]
        self.macro_works = True
        self.writes: list[str] = []

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != "Bearer secret-token":
            return Answer(401, content={"message": "Invalid token."})
        path = call.path.removeprefix("/api/").strip("/")
        match path.split("/"):
            case ["auth", "validate"]:
                return Answer(content={"user": BOT, "abilities": ["*"]})
            case ["departments"]:
                return Answer(content={"data": named(self.departments)})
            case ["tags"]:
                return Answer(content={"data": named(self.tags)})
            case ["macros"]:
                return Answer(content={"data": self.macros})
            case ["tickets", reference, *rest] if reference == self.ticket["reference"]:
                return self.write(rest[0], call.json) if rest else Answer(content={"data": self.ticket})
        return Answer(404, content={"message": "Ticket not found."})

    def write(self, action: str, content: dict[str, Any]) -> Answer:
        self.writes.append(action)
        match action:
            case "reply":
                number = self.say(content["body"], BOT, internal=content["is_internal_note"])
                return Answer(201, content={"data": {"id": number}, "message": "Note added."})
            case "priority":
                if content["priority"] not in ("low", "medium", "high", "urgent", "critical"):
                    return Answer(422, content={"message": "Validation failed."})
                self.ticket["priority"] = content["priority"]
            case "tags":
                self.ticket["tags"] = [tag for tag in named(self.tags) if tag["id"] in content["tag_ids"]]
            case "macro" if self.macro_works:
                macro = next(macro for macro in self.macros if macro["id"] == content["macro_id"])
                number = int(macro["actions"][0]["value"])
                self.ticket["department"] = next(d for d in named(self.departments) if d["id"] == number)
        return Answer(content={"message": "ok"})

    def say(self, body: str, author: dict[str, Any] | None, *, internal: bool) -> int:
        number = len(self.ticket["replies"]) + 1
        self.ticket["replies"].append(
            {
                "id": number,
                "body": body,
                "is_internal_note": internal,
                "author": author,
                "created_at": f"2026-01-05T01:{number:02}:00+00:00",
            }
        )
        return number

    def log(self, kind: str, properties: dict[str, Any], causer: dict[str, Any] | None) -> int:
        """An entry in the history, the latest first."""
        number = len(self.ticket["activities"]) + 100
        entry = {"id": number, "type": kind, "properties": properties, "causer": causer}
        self.ticket["activities"].insert(0, {**entry, "created_at": f"2026-01-05T02:{number - 100:02}:00+00:00"})
        return number

    @property
    def notes(self) -> list[str]:
        return [reply["body"] for reply in self.ticket["replies"] if reply["is_internal_note"]]

    @property
    def tag_names(self) -> set[str]:
        return {tag["name"] for tag in self.ticket["tags"]}


def named(items: dict[str, int]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name, "color": "#000000"} for name, number in items.items()]


@pytest.fixture
async def desk(http_server: Server) -> Desk:
    """A help desk at `http_server.url + '/api'` whose token is secret-token."""
    made = Desk()
    http_server.handler = made.handle
    return made


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture
def make_delivery() -> Callable[..., Delivery]:
    """A delivery of an update; keyword arguments replace fields of it, `kind` and `payload` those of its effect."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        payload = fields.pop("payload", {"category": "complaint", "priority": "P0", "department": "vip"})
        effect = Effect(kind=fields.pop("kind", EffectKind.UPDATE_REQUEST), key="update", payload=payload)
        values = {"tenant": "acme", "request_id": "ESC-A1B2C3", "number": "202601-CSR-001", "effect": effect}
        return Delivery(effect_id=effect_id, **{**values, **fields})

    return make
