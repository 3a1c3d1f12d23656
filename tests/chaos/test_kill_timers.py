"""kill -9 of workers while hundreds of timers fall due: each fires once, in order, and each effect arrives once."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.server.base.config import ConnectorConfig
from answerby.server.flow.routing import route_effects
from answerby.store.records import Commit
from tests.kit.chaos.site import EVERY_KIND, WORKERS, delivered_in, settings_of
from tests.kit.patience import eventually
from tests.kit.rulebooks import OFFICE, compiled, write
from tests.kit.served import serving

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
    [(4, 250), pytest.param(40, 3000, marks=pytest.mark.deep)],
)
async def test_timers_that_fall_due_while_workers_are_killed(tmp_path, redis_url, store, kills, requests):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    delivered = delivered_in(tmp_path)
    configured = settings_of(tmp_path, redis_url)
    files = {**OFFICE, **RULES}
    write(tmp_path / "rules", files)
    with serving(configured) as server:
        server.address()
        due = await receive(store, compiled(files), requests)
        await killer(server, random.Random(seed), kills)
        await fired(store, requests * STEPS)
        await arrived(delivered, requests * (STEPS + 1))
        assert server.stop() == 0
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


async def receive(store, rulebook, requests) -> dict[str, list[datetime]]:
    """Requests whose steps fall due in the next seconds; the due times of each."""
    begin = datetime.now(UTC)
    commits, due = [], {}
    for number in range(requests):
        when = begin + timedelta(milliseconds=5 * number)
        event = Event(source="crm", id=f"e{number}", type="request.received", time=when, request_id=f"R-{number}")
        decision = decide(rulebook, None, event, Context(), when)
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


async def killer(server, chance, kills) -> None:
    """Kills one worker after another, each at a random moment after every worker is ready."""
    for _ in range(kills):
        await eventually(lambda: len(server.ready_workers()) == WORKERS, "every worker is ready")
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        os.kill(chance.choice(sorted(server.ready_workers())), signal.SIGKILL)


async def all_decisions(store):
    token = ""
    while found := await store.log.read(TENANT, token, 500):
        for entry in found:
            yield entry
        token = found[-1].token


async def fired(store, count) -> None:
    async def reached() -> bool:
        return sum([entry.decision.event_type == "timer.due" async for entry in all_decisions(store)]) >= count

    await eventually(reached, f"{count} timers fire")


async def arrived(delivered, count) -> None:
    """Each step's notice and the case at the end."""

    def reached() -> bool:
        if not delivered.exists():
            return False
        lines = [json.loads(line) for line in delivered.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        return sum(line["kind"] != "update_request" for line in lines) >= count

    await eventually(reached, f"{count} effects arrive")
