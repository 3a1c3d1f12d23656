"""Streams of messages over HTTP: server-sent events, or a JSON object on each line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from answerby.server.rest.context import Aborted
from answerby.server.rest.json_messages import plain
from answerby.server.rest.problems import problem_of_status

EVENT_STREAM = "text/event-stream"
LINES = "application/x-ndjson"


def media_type_of(accept: str, *, watch: bool) -> str:
    """What a caller wants: server-sent events for a watch, else lines, unless the header says otherwise."""
    if EVENT_STREAM in accept:
        return EVENT_STREAM
    if LINES in accept:
        return LINES
    return EVENT_STREAM if watch else LINES


async def frames(kind: str, first: Sequence[Any], replies: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """The messages in their form. An error on the way is the last of them, since the status is sent already."""
    frame = _event if kind == EVENT_STREAM else _line
    try:
        for reply in first:
            yield frame(plain(reply), "")
        async for reply in replies:
            yield frame(plain(reply), "")
    except Aborted as ended:
        yield frame({"error": problem_of_status(ended.status, ended.call_id)}, "error")


def _line(content: dict[str, Any], _name: str) -> bytes:
    return orjson.dumps(content) + b"\n"


def _event(content: dict[str, Any], name: str) -> bytes:
    """A server-sent event. Its id is the token from which a watch goes on, and browsers send it by themselves."""
    name = name or ("decision" if "decision" in content else "bookmark" if "resume_token" in content else "progress")
    head = f"event: {name}\n"
    if token := content.get("resume_token"):
        head += f"id: {token}\n"
    return head.encode() + b"data: " + orjson.dumps(content) + b"\n\n"
