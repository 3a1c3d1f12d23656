"""Schedules on a real store: what is told to whom, once over workers, restarts, crashes and outages."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from answerby.domain.errors import StoreUnavailable
from answerby.server.flow import schedules
from answerby.store.records import Completion
from tests.integration.server.flow.scheduled_tenant import TENANT, ScheduledTenant, at
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually

SCHEDULES = """
schedules:
  - id: digest
    because: The desk looks at its work once a week.
    every: week
    on_days: [mon]
    at: "09:00"
    calendar: office
    on_holiday: next_working_day
    for: department
    most_urgent: 2
    then: {notify: {roles: [lead], template: digest}}
  - id: reminder
    because: Who promised an answer today hears of it in the morning.
    every: day
    at: "08:30"
    calendar: office
    on_holiday: skip
    for: request
    due_today: first_response
    when: {priority: high}
    then: {notify: {roles: [owner], template: today}}
  - id: report
    because: A report is due by the 5th.
    every: month
    by_day: 5
    at: "10:00"
    calendar: office
    for: tenant
    then: {task: {role: lead, template: report}}
"""
CALENDAR = """
calendar:
  id: office
  timezone: Asia/Shanghai
  weekly: {mon-fri: ["09:00-18:00"]}
  years: [2026]
  holidays: {"2026-03-09": a Monday off, "2026-04-03": a Friday off}
"""
TEMPLATES = """
templates:
  late: {en: "{number} is late", zh: "{number} 已超时"}
  digest: {en: "{department}: {open} open, {late} late, {due_next_day} due, oldest {oldest}, urgent {most_urgent}"}
  today: {en: "{number} is due {due}"}
  report: {en: "Report for {month} by {by}: {open} open, {late} late, oldest {oldest}"}
"""
ROLE = "  role: {type: enum, values: [lead], derived_by: routing}\n"


@pytest.fixture
def folder(rules):
    (rules / "schedules.yaml").write_text(SCHEDULES, "utf-8")
    (rules / "office.yaml").write_text(CALENDAR, "utf-8")
    (rules / "templates.yaml").write_text(TEMPLATES, "utf-8")
    (rules / "vocabulary.yaml").write_text((rules / "vocabulary.yaml").read_text("utf-8") + ROLE, "utf-8")
    routing = (rules / "routing.yaml").read_text("utf-8")
    (rules / "routing.yaml").write_text(routing.replace("department: desk", "department: desk, role: lead"), "utf-8")
    sla = (rules / "sla.yaml").read_text("utf-8")
    (rules / "sla.yaml").write_text(sla.replace("2s", "24h"), "utf-8")
    return rules


@pytest.fixture
def tenant(store, folder) -> ScheduledTenant:
    return ScheduledTenant(store, folder, "2026-03-01T12:00:00+08:00")


async def begin(tenant: ScheduledTenant) -> None:
    """Three requests of Sunday 1 March: two complaints due on Monday, one question that is late by then."""
    await tenant.request("R-1", "2026-03-01T09:00:00+08:00", **{"text.body": "I complain"})
    await tenant.request("R-2", "2026-03-01T10:00:00+08:00", **{"text.body": "hello"})
    await tenant.request("R-3", "2026-03-01T11:00:00+08:00", **{"text.body": "I complain again"})
    await tenant.worker().step()


async def effects(tenant: ScheduledTenant) -> list[tuple[str, str, str]]:
    """What waits for the connector: subject, role and English text, in the order of the outbox."""
    leases = await tenant.store.outbox.lease(TENANT, "out", timedelta(seconds=60), 100)
    found = [
        (lease.entry.request_id, lease.entry.effect.role, lease.entry.effect.payload["text.en"]) for lease in leases
    ]
    for lease in leases:
        await tenant.store.outbox.complete(lease, Completion.done())
    return sorted(found)


@on_every_store
async def test_a_digest_tells_each_department_of_its_work(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T08:59:59+08:00")
    wait = await tenant.worker().step()
    assert await tenant.fired("digest") == []
    assert wait <= 1.0

    tenant.now = at("2026-03-02T09:00:00.4+08:00")
    await tenant.worker().step()

    # Late: R-2, whose hour ended on Sunday, and R-1, due at this minute; due within a day: R-3. High comes first.
    numbers = {r: (await tenant.store.requests.get(TENANT, r)).number for r in ("R-1", "R-2", "R-3")}
    told = "desk: 3 open, 2 late, 1 due, oldest {R-1}, urgent {R-1}, {R-3}".format_map(numbers)
    assert await effects(tenant) == [("schedule/digest", "lead", told)]
    (facts,) = await tenant.fired("digest")
    assert facts == {"schedule": "digest", "date": "2026-03-02", "delay_seconds": 0, "missed": 0}


async def test_it_is_an_entry_of_the_decision_log(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T09:00:00+08:00")
    await tenant.worker().step()

    logged = [entry.decision for entry in await tenant.store.log.read(TENANT, count=100)]
    (decision,) = [d for d in logged if d.request_id == "schedule/digest"]
    assert (decision.event_type, decision.event_id) == ("schedule.due", "schedule/digest/2026-03-02")
    assert (decision.sequence, decision.event_time) == (1, at("2026-03-02T09:00:00+08:00"))
    assert decision.revision == tenant.compiled.rulebook.revision
    assert [entry.log_sequence for entry in await tenant.store.log.read(TENANT, count=100)] == [1, 2, 3, 4, 5]


async def test_a_holiday_moves_it_and_finished_requests_do_not_count(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T12:00:00+08:00")
    await tenant.worker().step()
    await effects(tenant)
    await tenant.request("R-1", "2026-03-03T09:00:00+08:00", "request.replied")
    await tenant.request("R-1", "2026-03-03T10:00:00+08:00", "request.closed")
    await tenant.request("R-2", "2026-03-03T10:00:00+08:00", "request.completed")
    for hour in range(26):
        tenant.now = at("2026-03-09T00:00:00+08:00") + timedelta(hours=hour)
        await tenant.worker().step()
    # Monday the 9th is off.
    assert [f["date"] for f in await tenant.fired("digest")] == ["2026-03-02"]

    tenant.now = at("2026-03-10T09:00:00+08:00")
    await tenant.worker().step()
    (_, second) = await tenant.fired("digest")
    assert (second["date"], second["moved_from"]) == ("2026-03-10", "2026-03-09")
    ((_, _, text),) = [e for e in await effects(tenant) if e[0] == "schedule/digest"]
    assert text.startswith("desk: 1 open, 1 late, 0 due")


async def test_workers_share_it_and_a_restart_does_not_repeat_it(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T09:00:00+08:00")
    await asyncio.gather(*(tenant.worker().step() for _ in range(5)))
    assert len(await effects(tenant)) == 1
    for _ in range(3):
        await tenant.worker().step()
    assert await effects(tenant) == []
    assert len(await tenant.fired("digest")) == 1


async def test_a_worker_that_died_at_it_leaves_it_to_another(tenant, monkeypatch):
    await begin(tenant)
    tenant.now = at("2026-03-02T09:00:00+08:00")
    dying = tenant.worker()

    async def die(*_):
        raise StoreUnavailable("killed")

    monkeypatch.setattr(schedules, "CLAIM", timedelta(milliseconds=20))
    with monkeypatch.context() as killed:
        killed.setattr(tenant.store.schedules, "commit", die)
        with pytest.raises(StoreUnavailable):
            await dying.step()
    assert await effects(tenant) == []
    other = tenant.worker()

    async def taken_over() -> bool:
        await other.step()
        return len(await tenant.fired("digest")) > 0

    await eventually(taken_over)
    assert len(await effects(tenant)) == 1


async def test_after_an_outage_only_the_latest_is_told_and_names_the_missed(tenant):
    await begin(tenant)
    # Down from Sunday 1 March until Thursday 2 April: Mondays 2, (9 -> 10), 16, 23 and 30 March.
    tenant.now = at("2026-04-02T15:00:00+08:00")
    await tenant.worker().step()

    (facts,) = await tenant.fired("digest")
    assert (facts["date"], facts["missed"]) == ("2026-03-30", 4)
    assert facts["missed_dates"] == ["2026-03-02", "2026-03-10", "2026-03-16", "2026-03-23"]
    assert facts["delay_seconds"] == (3 * 24 + 6) * 3600
    (decision,) = await tenant.store.schedules.decisions(TENANT, "digest")
    assert [flag.code for flag in decision.flags] == ["SCHEDULE_MISSED"]
    assert tenant.registry.get_sample_value("answerby_schedules_missed_total", {"schedule": "digest"}) == 4
    assert "schedule was missed" in tenant.log.getvalue()


async def test_a_reminder_for_each_request_is_an_event_of_it(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T08:30:00+08:00")
    worker = tenant.worker()
    await worker.step()

    waiting = []
    await tenant.store.intake.open(TENANT)
    for entry in await tenant.store.intake.read(TENANT, "test"):
        waiting.append(entry.event)
        await tenant.submit(entry.event, tenant.now)
    # R-2 is not high, and late already.
    assert [(e.id, e.request_id) for e in waiting] == [
        ("schedule/reminder/2026-03-02/R-3", "R-3"),
        ("schedule/reminder/2026-03-02/R-1", "R-1"),
    ]
    numbers = {r: (await tenant.store.requests.get(TENANT, r)).number for r in ("R-1", "R-3")}
    assert await effects(tenant) == [
        ("R-1", "lead", f"{numbers['R-1']} is due 2 Mar 2026, 01:00"),
        ("R-3", "lead", f"{numbers['R-3']} is due 2 Mar 2026, 03:00"),
    ]
    state = await tenant.store.requests.get(TENANT, "R-1")
    assert not [name for name in state.given if name.startswith("schedule")]


async def test_a_reminder_is_not_told_of_what_was_done_meanwhile(tenant):
    await begin(tenant)
    tenant.now = at("2026-03-02T08:30:00+08:00")
    await tenant.worker().step()
    await tenant.request("R-1", "2026-03-02T08:30:01+08:00", "request.replied")
    await tenant.store.intake.open(TENANT)
    for entry in await tenant.store.intake.read(TENANT, "test"):
        await tenant.submit(entry.event, tenant.now + timedelta(seconds=2))

    assert [request for request, _, _ in await effects(tenant)] == ["R-3"]


async def test_a_report_is_asked_for_also_when_nothing_is_open(tenant):
    await tenant.request("R-1", "2026-03-01T09:00:00+08:00", **{"text.body": "hello"})
    await tenant.request("R-1", "2026-03-01T09:10:00+08:00", "request.closed")
    await tenant.worker().step()
    tenant.now = at("2026-03-05T10:00:00+08:00")
    await tenant.worker().step()
    await effects(tenant)

    # The 5th of April is a Sunday, and Friday the 3rd is off.
    tenant.now = at("2026-04-02T10:00:00+08:00")
    await tenant.worker().step()
    found = [e for e in await effects(tenant) if e[0] == "schedule/report"]
    assert found == [
        ("schedule/report", "lead", "Report for 2026-03 by 2026-04-05: 0 open, 0 late, oldest -"),
    ]


async def test_a_schedule_that_comes_new_counts_from_then_on(tenant, folder):
    await begin(tenant)
    (folder / "schedules.yaml").write_text(SCHEDULES.replace("id: digest", "id: weekly"), "utf-8")
    tenant.now = at("2026-03-04T12:00:00+08:00")
    tenant.activate(folder)
    await tenant.worker().step()
    assert await tenant.fired("weekly") == []

    # One that was taken out, and comes again much later, makes up for nothing.
    tenant.now = at("2026-03-20T12:00:00+08:00")
    (folder / "schedules.yaml").write_text(SCHEDULES, "utf-8")
    tenant.activate(folder)
    await tenant.worker().step()
    assert await tenant.fired("digest") == []
    tenant.now = at("2026-03-23T09:00:00+08:00")
    await tenant.worker().step()
    assert [f["date"] for f in await tenant.fired("digest")] == ["2026-03-23"]


async def test_many_follow_ups_are_each_asked_for_once_although_a_crash_comes_between(tenant, monkeypatch):
    monkeypatch.setattr(schedules, "FOLLOW_UPS", 2)
    for number in range(5):
        await tenant.request(f"R-{number}", "2026-03-01T09:00:00+08:00", **{"text.body": "I complain"})
    await tenant.worker().step()
    tenant.now = at("2026-03-02T08:30:00+08:00")
    monkeypatch.setattr(schedules, "CLAIM", timedelta(milliseconds=1))
    dying = tenant.worker()
    commit = tenant.store.schedules.commit

    async def die(*_):
        raise StoreUnavailable("killed")

    monkeypatch.setattr(tenant.store.schedules, "commit", die)
    with pytest.raises(StoreUnavailable):
        await dying.step()
    monkeypatch.setattr(tenant.store.schedules, "commit", commit)

    async def taken_up() -> bool:
        await tenant.worker().step()
        return len(await tenant.fired("reminder")) > 0

    await eventually(taken_up)
    await tenant.store.intake.open(TENANT)
    asked = [entry.event.id for entry in await tenant.store.intake.read(TENANT, "test")]
    # Those that were asked ahead are asked again, as the same events, which the intake decides once.
    assert len(asked) > 5
    assert set(asked) == {f"schedule/reminder/2026-03-02/R-{number}" for number in range(5)}
