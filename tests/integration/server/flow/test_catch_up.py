"""After a long outage the missed reminders of a request are one notice; what the steps do is done all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server.flow import timers
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually
from tests.kit.silent_timers import leave_complaints, silent

LADDERS = """
ladders:
  - id: plain
    because: Somebody must hear of it.
    steps:
      - {at: 50%, notify: {roles: [lead], template: late}}
      - {at: 0m, notify: {roles: [lead, boss], template: late}, raise_priority: true}
      - {at: +1h, notify: {roles: [lead], template: late, urgent: true}}
      - {at: +2h, notify: {roles: [lead], template: very-late}, open_case: overdue}
      - {at: +3h, open_case: forgotten}
      - {at: +4h, notify: {roles: [lead], template: hopeless}}
  - id: short
    because: One more clock of the same request.
    steps: [{at: 0m, notify: {roles: [lead], template: other}}]
"""
CLOCKS = """
clocks:
  - {id: first_response, label: {en: First response}, because: A promise., calendar: always,
     stop: [request.replied], ladder: plain, role: lead}
  - {id: resolution, because: A promise., calendar: always, stop: [request.completed], ladder: short, role: lead}
"""
SLA = """
stage: sla
rules:
  - {id: soon, because: A promise., when: {category: complaint}, then: {sla.first_response: 20m, sla.resolution: 50m}}
"""
TEMPLATES = """
templates:
  late: {en: "{number} was due {due}"}
  very-late: {en: "{number} is very late"}
  hopeless: {en: "{number} is hopeless"}
  other: {en: "{number} of {clock}"}
"""


@pytest.fixture
def ladders(rules):
    for name, text in (("ladders", LADDERS), ("clocks", CLOCKS), ("sla", SLA), ("templates", TEMPLATES)):
        (rules / f"{name}.yaml").write_text(text, "utf-8")
    book = (rules / "rulebook.yaml").read_text("utf-8")
    (rules / "rulebook.yaml").write_text(book.replace("{lead: Team lead}", "{lead: Team lead, boss: Boss}"), "utf-8")
    return rules


@pytest.fixture
def leave(launch, ladders):
    """Complaints received so many minutes ago, by request, that a server which ended at once has left behind."""

    async def left(**minutes: int) -> datetime:
        return await leave_complaints(launch, {name: timedelta(minutes=ago) for name, ago in minutes.items()})

    return left


async def told(running, request: str) -> list[tuple[str, str, str]]:
    """Step or digest, role and template of every notice of a ladder, in the order sent."""
    reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id=request, decision_limit=100))
    effects = [effect for decision in reversed(reply.decisions) for effect in decision.effects]
    return [
        ("/".join(e.key.split("/")[:4]), e.role, e.payload["template"].string_value)
        for e in effects
        if e.kind == "notify"
    ]


async def cases(running, request: str) -> list[str]:
    reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id=request, decision_limit=100))
    effects = [effect for decision in reversed(reply.decisions) for effect in decision.effects]
    return [effect.payload["case"].string_value for effect in effects if effect.kind == "open_case"]


async def settled(running, store, fired: int) -> None:
    async def reached() -> bool:
        logged = [entry.decision for entry in await store.log.read("default", count=1000)]
        return sum(decision.event_type == "timer.due" for decision in logged) >= fired

    await eventually(reached)
    assert await store.timers.count("default", datetime.now(UTC)) == 0


@on_every_store
async def test_one_notice_for_each_role_and_every_step_done(leave, launch, store, settings):
    # both clocks and all steps are hours late. R-2: two reminders late, one by more than an hour.
    now = await leave(**{"R-1": 600, "R-2": 85})
    async with launch() as running:
        # 6 steps, the other clock's step, a catch-up for each of two clocks. R-2: 50 %, due, +1 h, other clock.
        await settled(running, store, 9 + 4)
        sent = await told(running, "R-1")
        assert sent[0] == ("ladder/first_response/1/2", "lead", "late")  # urgent: never held back
        assert [(key.split("/")[0], role, template) for key, role, template in sent[1:]] == [
            ("catch_up", "boss", "late"),
            ("catch_up", "lead", "hopeless"),
        ]
        assert await cases(running, "R-1") == ["overdue", "forgotten"]

        state = await store.requests.get("default", "R-1")
        assert state.derived["priority"] == "top"
        begun = now - timedelta(minutes=600)
        steps = [begun + timedelta(minutes=m) for m in (10, 20, 50, 140, 260)]
        digests = [
            effect
            for decision in await store.requests.decisions("default", "R-1", 100)
            for effect in decision.effects
            if effect.key.startswith("catch_up/")
        ]
        by_role = {effect.role: effect.payload for effect in digests}
        assert by_role["lead"]["held_back"] == 5
        assert by_role["lead"]["digest"] == ["late", "late", "other", "very-late", "hopeless"]
        assert by_role["lead"]["held_back_clocks"] == ["first_response"] * 2 + ["resolution"] + ["first_response"] * 2
        assert [datetime.fromisoformat(text) for text in by_role["lead"]["held_back_since"]] == steps
        assert by_role["lead"]["text.en"].endswith("is hopeless")
        assert by_role["lead"]["delay_seconds"] >= (600 - 260) * 60
        assert by_role["boss"]["digest"] == ["late"]

        # Few enough are told one by one.
        assert [name for name, _, _ in await told(running, "R-2") if name.startswith("catch_up")] == []
        assert len(await told(running, "R-2")) == 5
        assert "missed reminders told together" in running.log.getvalue()


async def test_a_limit_of_none_puts_all_that_is_late_together(leave, launch, store, settings):
    settings["timers"] = {"catch_up_limit": 0, "catch_up_after_seconds": 1}
    await leave(**{"R-1": 15})
    async with launch() as running:
        await settled(running, store, 2)
        ((key, role, template),) = await told(running, "R-1")
        assert (key.split("/")[0], role, template) == ("catch_up", "lead", "late")


async def test_what_was_answered_in_the_outage_is_not_told_of(leave, launch, store, make_event):
    await leave(**{"R-1": 600})
    async with silent(launch) as running:
        reply = make_event(9, request_id="R-1", type="request.replied", facts={}, when=datetime.now(UTC))
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=reply))
    async with launch() as running:
        await settled(running, store, 1)
        assert await told(running, "R-1") == [("ladder/resolution/1/0", "lead", "other")]


async def test_a_restart_in_the_middle_loses_and_repeats_nothing(leave, launch, store, settings, monkeypatch):
    await leave(**{"R-1": 600, "R-3": 590, "R-4": 580})
    monkeypatch.setattr(timers, "TOGETHER", 2)
    monkeypatch.setattr(timers, "FEWEST", 2)
    for fired in (3, 11):
        async with launch() as running:

            async def reached(fired=fired) -> bool:
                logged = [entry.decision for entry in await store.log.read("default", count=1000)]
                return sum(decision.event_type == "timer.due" for decision in logged) >= fired

            await eventually(reached)
    async with launch() as running:
        await settled(running, store, 27)
        for request in ("R-1", "R-3", "R-4"):
            assert len(await told(running, request)) == 3
            assert await cases(running, request) == ["overdue", "forgotten"]
