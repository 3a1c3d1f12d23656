"""A worker on a real socket and a real store, with a small rulebook of the tests' own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from answerby.api.v1 import decision_service_pb2_grpc as decision_rpc
from answerby.api.v1 import request_service_pb2_grpc as request_rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2_grpc as rulebook_rpc
from answerby.server.base.config import Config
from answerby.server.base.logs import make_logger
from answerby.server.worker import Worker

FILES = {
    "rulebook.yaml": """
rulebook:
  stages:
    completeness: {hit: collect}
    classification: {hit: most_severe, default: {category: other}, on_error: {category: other}}
    priority: {hit: most_severe, default: {priority: low}, on_error: {priority: high}}
    sla: {hit: unique}
    routing: {hit: first, default: {department: desk}}
    escalation: {hit: collect}
  roles: {lead: Team lead}
  departments: {desk: DSK}
  numbering: {timezone: UTC, default_code: DSK}
""",
    "vocabulary.yaml": """
fields:
  channel: {type: enum, values: [web, phone], aliases: {hotline: phone}, default: web}
  customer.id: {type: string, personal: true}
  customer.complaints: {type: integer, window: {count: complaint, by: customer.id, within: 24h}}
  text.body: {type: text, personal: true}
  text: {type: text, parts: [text.body], personal: true}
  category: {type: enum, values: [other, complaint], derived_by: classification}
  priority: {type: enum, values: [low, high, top], derived_by: priority}
  department: {type: enum, values: [desk], derived_by: routing}
""",
    "lexicons.yaml": "lexicons: {anger: {terms: [complain, 投诉]}}\n",
    "classification.yaml": """
stage: classification
rules:
  - id: angry
    because: Somebody complains.
    when: {text: {mentions: anger}}
    then: {category: complaint}
""",
    "priority.yaml": """
stage: priority
rules:
  - {id: complaint-high, because: Complaints come first., when: {category: complaint}, then: {priority: high}}
  - id: third-complaint
    because: Somebody complains again and again.
    when: {customer.complaints: {at_least: 3}}
    then: {priority: top}
""",
    "sla.yaml": """
stage: sla
rules:
  - {id: soon, because: A promise., when: {category: complaint}, then: {sla.first_response: 2s}}
  - {id: later, because: A promise., when: {category: other}, then: {sla.first_response: 1h}}
""",
    "routing.yaml": """
stage: routing
rules: [{id: to-desk, because: All go there., then: {department: desk}}]
""",
    "clocks.yaml": """
clocks:
  - {id: first_response, label: {en: First response}, because: A promise., calendar: always,
     stop: [request.replied], ladder: plain, role: lead}
""",
    "ladders.yaml": """
ladders:
  - id: plain
    because: Somebody must hear of it.
    steps: [{at: 0m, notify: {roles: [lead], template: late}}]
""",
    "templates.yaml": 'templates: {late: {en: "{number} is late", zh: "{number} 已超时"}}\n',
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with a small valid rulebook."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(rules: Path, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    """A configuration for one test; change it before a worker is started."""
    return {
        "server": {"listen": "127.0.0.1:0", "drain_seconds": 2},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path / "data")},
        "rules": {"folder": str(rules), "engine": "reference", "watch": False},
        "metrics": {"listen": None},
        "log": {"level": "debug"},
    }


class Running:
    """A worker that runs, and clients of it."""

    def __init__(self, worker: Worker, channel: grpc.aio.Channel, log: io.StringIO, task: asyncio.Task[None]) -> None:
        self.worker = worker
        self.channel = channel
        self.log = log
        self.task = task
        self.requests = request_rpc.RequestServiceStub(channel)
        self.decisions = decision_rpc.DecisionServiceStub(channel)
        self.rulebooks = rulebook_rpc.RulebookServiceStub(channel)
        self.health = health_pb2_grpc.HealthStub(channel)

    async def health_is(self, status: str, service: str = "") -> None:
        """Waits until the health service says so."""

        async def reached() -> bool:
            reply = await self.health.Check(health_pb2.HealthCheckRequest(service=service))
            return health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status) == status

        await eventually(reached)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Polls until the condition holds; fails after a generous time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    return eventually


@pytest.fixture
def launch(settings: dict[str, Any]) -> Callable[..., Any]:
    """A worker in this process: `async with` it."""

    @asynccontextmanager
    async def started(*, serving: bool = True) -> AsyncIterator[Running]:
        log = io.StringIO()
        worker = Worker(Config.model_validate(settings), make_logger("debug", log))
        ready = asyncio.Event()
        task = asyncio.create_task(worker.run(ready=ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
        async with grpc.aio.insecure_channel(f"127.0.0.1:{worker.port}") as channel:
            running = Running(worker, channel, log, task)
            if serving:
                await running.health_is("SERVING")
            yield running
            worker.stop()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(task, 30)

    return started


@pytest.fixture
async def running(launch: Callable[..., Any]) -> AsyncIterator[Running]:
    """A worker that serves."""
    async with launch() as started:
        yield started


@pytest.fixture
def make_event() -> Callable[..., pb.Event]:
    """An event with decent values where none are given."""

    def make(number: int = 1, **changes: Any) -> pb.Event:
        facts = changes.pop("facts", {"text.body": "hello"})
        when = changes.pop("when", datetime.now(UTC))
        stamp = Timestamp()
        stamp.FromDatetime(when)
        values: dict[str, Any] = {
            "id": f"e-{number}",
            "source": "crm/test",
            "type": "request.received",
            "request_id": f"R-{number}",
            "time": stamp,
        }
        return pb.Event(
            **(values | changes), facts={name: pb.FactValue(string_value=value) for name, value in facts.items()}
        )

    return make
