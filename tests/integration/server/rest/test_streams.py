"""Streams over HTTP: a watch as server-sent events, an export as lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx2

from tests.integration.server.rest.conftest import client_of
from tests.kit.patience import PATIENCE, eventually, in_time
from tests.kit.workers import finish


class Sent(NamedTuple):
    name: str
    id: str
    content: dict[str, Any]


async def sent_events(answer: httpx2.Response) -> AsyncIterator[Sent]:
    """The server-sent events of an answer, read as the standard says."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Sent(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


async def next_decision(events: AsyncIterator[Sent]) -> Sent:
    async def read() -> Sent:
        while True:
            found = await anext(events)
            if found.name == "decision":
                return found

    return await in_time(read())


async def test_a_watch_sends_each_decision_and_goes_on_after_the_last_event_id(running, http, event):
    async with http.stream("GET", "/v1/decisions:watch", timeout=PATIENCE) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = sent_events(answer)
        assert (await in_time(anext(events))).name == "bookmark"
        await http.post("/v1/events", json=event(1))
        first = await next_decision(events)
        assert first.content["decision"]["request_id"] == "R-1"
        assert first.id == first.content["resume_token"]
    for number in (2, 3):
        await http.post("/v1/events", json=event(number))
    headers = {"last-event-id": first.id}
    async with http.stream("GET", "/v1/decisions:watch?request_ids=R-3", headers=headers, timeout=PATIENCE) as answer:
        found = await next_decision(sent_events(answer))
        assert found.content["decision"]["request_id"] == "R-3"
    await eventually(lambda: running.worker.calls_in_progress == 0)


async def test_a_watch_that_cannot_begin_is_an_ordinary_error(http):
    answer = await http.get("/v1/decisions:watch", params={"resume_token": "nonsense"})
    *_, last = [event async for event in sent_events(answer)]
    assert (last.name, last.content["error"]["status"]) == ("error", 400)
    both = await http.get("/v1/decisions:watch", params={"resume_token": "0-1", "from_start": "true"})
    assert (both.status_code, both.json()["violations"][0]["field"]) == (400, "from_start")


async def test_a_watcher_that_leaves_gives_its_place_back(launch, settings):
    settings["server"]["limits"] = {"watchers": 1}
    async with launch() as running, client_of(running) as http:
        for _ in range(3):

            async def watched() -> bool:
                async with http.stream("GET", "/v1/decisions:watch", timeout=PATIENCE) as answer:
                    if answer.status_code == 429:
                        return False
                    await in_time(anext(sent_events(answer)))
                    second = await http.get("/v1/decisions:watch")
                    assert (second.status_code, second.json()["reason"]) == (429, "OVERLOADED")
                    assert second.headers["retry-after"] == "1"
                    return True

            await eventually(watched)


async def test_a_server_that_stops_says_so_to_its_watchers(launch):
    async with launch() as running, client_of(running) as http:
        async with http.stream("GET", "/v1/decisions:watch", timeout=PATIENCE) as answer:
            events = sent_events(answer)
            await in_time(anext(events))
            stopping = asyncio.create_task(finish(running.worker, running.task))
            last = [event async for event in events][-1]
            assert (last.name, last.content["error"]["reason"]) == ("error", "DRAINING")
        await in_time(stopping)


async def test_an_export_and_a_migration_are_lines_of_json(http, event):
    for number in (1, 2):
        await http.post("/v1/events", json=event(number))
    answer = await http.get(
        "/v1/events:export", params={"start_time": "2026-01-01T00:00:00Z", "end_time": "2100-01-01T00:00:00Z"}
    )
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {line["request"]["request_id"] for line in lines} == {"R-1", "R-2"}
    assert lines[0]["request"]["events"][0]["event"]["facts"] == {"text.body": "I complain"}
    moved = await http.post("/v1/clocks:migrate", json={"preview": True}, headers={"accept": "text/event-stream"})
    assert moved.headers["content-type"].startswith("text/event-stream")
    assert json.loads(moved.text.strip().split("data: ")[-1])["done"] is True
