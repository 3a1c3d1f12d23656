"""kill -9 of workers while hundreds of timers fall due: each fires once, in order, and each effect arrives once."""

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.domain.event import Event
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.stages.stage_results import Context
from answerby.rules.loader import load_rulebook
from answerby.server.base.config import ConnectorConfig
from answerby.server.flow.routing import route_effects
from answerby.store.records import Commit
from tests.chaos.test_kill import EVERY_KIND, effects_in, killer, serving

TENANT = "default"
FILE = ConnectorConfig(name="file", type="file", sources=("*",), effects=tuple(EVERY_KIND))
STEPS = 3
"""Of the ladder, each due a second after the other; all fall due while workers are killed."""
RULES = {
    "sla.yaml": """
stage: sla
rules: [{id: fast, because: seconds count, then: {sla.first_response: {within: 2s, calendar: always}}}]
""",
    "ladders.yaml": """
ladders:
  - id: usual
    because: somebody must hear of it
    steps:
      - {at: -1s, notify: {roles: [clerk], template: late}}
      - {at: 0m, notify: {roles: [clerk], template: late}, raise_priority: true}
      - {at: +1s, notify: {roles: [chief], template: late}, open_case: late}
""",
    "clocks.yaml": """
clocks:
  - {id: first_response, because: answer, calendar: always, stop: [request.replied], ladder: usual, role: clerk}
""",
    "templates.yaml": 'templates: {late: {en: "{number} is late"}}\n',
    "escalation.yaml": "stage: escalation\nrules: [{id: nothing, because: x, when: {channel: phone}, then: {open_case: p}}]\n",
}


@pytest.mark.parametrize(
    ("kills", "requests"),
    [(4, 250), pytest.param(40, 3000, marks=[pytest.mark.deep, pytest.mark.timeout(1800)])],
)
async def test_timers_that_fall_due_while_workers_are_killed(tmp_path, redis_url, store, kills, requests):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    delivered = tmp_path / "delivered.jsonl"
    service = serving(tmp_path, redis_url, delivered)
    for name, text in RULES.items():
        (tmp_path / "rules" / name).write_text(text, "utf-8")
    result = load_rulebook(tmp_path / "rules")
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    with service as (server, address):
        await serves(address)
        due = await receive(store, compile_rulebook(result.rulebook, "reference"), requests)
        await killer(server, random.Random(seed), kills)
        await fired(store, requests * STEPS)
        await arrived(delivered, requests * (STEPS + 1))
    logged = [entry.decision async for entry in all_decisions(store)]
    timers = [decision for decision in logged if decision.event_type == "timer.due"]
    assert len({(d.request_id, d.event_id) for d in timers}) == len(timers) == requests * STEPS
    for request_id, moments in due.items():
        mine = [d for d in timers if d.request_id == request_id]
        assert [d.event_time for d in mine] == moments
        assert all(d.decided >= d.event_time for d in mine)
    assert await store.timers.count(TENANT) == 0
    lines = [json.loads(line) for line in delivered.read_bytes().splitlines()]
    assert max(Counter(line["effect_id"] for line in lines).values()) == 1


async def serves(address) -> None:
    """A server whose workers die before any has started gives up, as it should."""
    async with grpc.aio.insecure_channel(address) as channel:
        await rpc.RequestServiceStub(channel).ListRequests(pb.ListRequestsRequest(), wait_for_ready=True, timeout=60)


async def receive(store, compiled, requests) -> dict[str, list[datetime]]:
    """Requests whose steps fall due in the next seconds; the due times of each."""
    begin = datetime.now(UTC)
    commits, due = [], {}
    for number in range(requests):
        when = begin + timedelta(milliseconds=5 * number)
        event = Event(source="crm", id=f"e{number}", type="request.received", time=when, request_id=f"R-{number}")
        decision = decide(compiled, None, event, Context(), begin)
        due[event.request_id] = [when + timedelta(seconds=step + 1) for step in range(STEPS)]
        assert [timer.due for timer in decision.arm] == due[event.request_id]
        commits.append(
            Commit(
                tenant=TENANT,
                event=event,
                payload_hash="x",
                decision=decision,
                expected_version=0,
                outbox=route_effects(decision, [FILE]),
            )
        )
    for at in range(0, requests, 100):
        await store.requests.commit_many(commits[at : at + 100])
    return due


async def all_decisions(store):
    token = ""
    while found := await store.log.read(TENANT, token, 500):
        for entry in found:
            yield entry
        token = found[-1].token


async def fired(store, count) -> None:
    async with asyncio.timeout(100):
        while sum([entry.decision.event_type == "timer.due" async for entry in all_decisions(store)]) < count:
            await asyncio.sleep(0.2)


async def arrived(delivered, count) -> None:
    """Each step's notice and the case at the end."""
    async with asyncio.timeout(100):
        while sum(n for (_, kind, _), n in effects_in(delivered).items() if kind != "update_request") < count:
            await asyncio.sleep(0.2)
