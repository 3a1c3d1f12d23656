"""What a decision writes to a ticket, whatever happens on the way."""

from __future__ import annotations

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.escalated import EscalatedConnector
from answerby_connectors.kit.base import LEASE_OVER, Guarantee, OutcomeKind
from tests.kit.patience import PATIENCE

SETTINGS = {"token": "secret-token", "webhook_secrets": ["s"], "timeout": PATIENCE, "settle": 0.0}


@pytest.fixture
async def connector(http_server, desk):
    made = EscalatedConnector("desk", {"url": http_server.url + "/api", **SETTINGS})
    yield made
    await made.close()


@pytest.fixture
async def impatient(http_server, desk):
    """Takes a call that is not answered at once for one that is never answered."""
    made = EscalatedConnector("desk", {"url": http_server.url + "/api", **SETTINGS, "timeout": 0.3})
    yield made
    await made.close()


async def until_done(connector, delivery_of, limit: int = 10) -> int:
    """Attempts as the delivery loop makes them; how many it took."""
    unknown = False
    for attempt in range(1, limit + 1):
        outcome = await connector.deliver(delivery_of(attempt=attempt, previous_unknown=unknown))
        if outcome.kind is OutcomeKind.DONE:
            return attempt
        assert outcome.kind in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN), outcome
        unknown = unknown or outcome.kind is OutcomeKind.UNKNOWN
    raise AssertionError("never done")


def assert_written_once(desk) -> None:
    assert len(desk.notes) == 1
    assert desk.ticket["priority"] == "critical"
    assert desk.ticket["department"]["name"] == "vip"
    assert desk.tag_names == {"answerby:category=complaint"}


async def test_writes_everything_once(connector, desk, make_delivery):
    assert await until_done(connector, make_delivery) == 1
    assert_written_once(desk)
    assert desk.writes == ["reply", "priority", "macro", "tags"]


async def test_writes_no_part_once_the_lease_is_over(connector, desk, make_delivery):
    """The lease ends after the first part. Another attempt writes the rest, and nothing twice."""
    holds = iter([True])
    assert await connector.deliver(make_delivery(leased=lambda: next(holds, False))) is LEASE_OVER
    assert len(desk.writes) == 1
    await until_done(connector, make_delivery)
    assert_written_once(desk)


async def test_writes_nothing_that_is_there_already(connector, desk, make_delivery):
    await until_done(connector, make_delivery)
    desk.writes.clear()
    assert (await connector.deliver(make_delivery())).kind is OutcomeKind.DONE
    assert desk.writes == []


async def test_another_decision_of_the_same_values_leaves_only_its_note(connector, desk, make_delivery):
    await until_done(connector, make_delivery)
    desk.writes.clear()
    await connector.deliver(make_delivery("b2" * 16))
    assert desk.writes == ["reply"]
    assert len(desk.notes) == 2


CALLS = 10
"""Of one delivery on a fresh connector: account, ticket, three lists, four writes, the look after the macro."""


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("name", ["LOSE_ANSWER", "RESET"])
async def test_a_lost_connection_at_any_call_doubles_and_loses_nothing(
    connector, http_server, desk, make_delivery, fault, name, at
):
    http_server.faults = [None] * at + [fault[name]]
    assert await until_done(connector, make_delivery) == 2
    assert_written_once(desk)


@pytest.mark.parametrize("at", range(CALLS))
async def test_silence_at_any_call_doubles_and_loses_nothing(impatient, http_server, desk, make_delivery, fault, at):
    http_server.faults = [None] * at + [fault.HANG]
    assert await until_done(impatient, make_delivery, limit=100) >= 2
    assert_written_once(desk)


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_refusal_at_any_call_doubles_and_loses_nothing(
    connector, http_server, desk, make_delivery, answer, status, at
):
    http_server.faults = [None] * at + [answer(status, {"Retry-After": "0"})]
    assert await until_done(connector, make_delivery) == 2
    assert_written_once(desk)


async def test_trouble_at_every_second_call(connector, http_server, desk, make_delivery, answer, fault):
    """A note whose answer is lost, again and again, between limits and crashes."""
    trouble = [fault.LOSE_ANSWER, answer(429, {"Retry-After": "1"}), answer(500), fault.RESET]
    http_server.faults = [f for i in range(40) for f in (None, None, trouble[i % 4])]
    await until_done(connector, make_delivery, limit=40)
    http_server.faults = []
    await until_done(connector, make_delivery)
    assert_written_once(desk)


async def test_the_wait_that_the_platform_asks_for_is_passed_on(connector, http_server, desk, make_delivery, answer):
    http_server.faults = [None, None, answer(429, {"Retry-After": "60"})]
    outcome = await connector.deliver(make_delivery())
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 60.0)
    assert desk.writes == []


async def test_a_refused_token_holds_the_connector(connector, http_server, desk, make_delivery, answer):
    http_server.faults = [answer(401)]
    outcome = await connector.deliver(make_delivery())
    assert outcome.kind is OutcomeKind.HELD
    assert "token is refused" in outcome.detail
    assert "secret-token" not in outcome.detail


async def test_one_refused_part_does_not_keep_the_others_from_being_written(http_server, desk, make_delivery):
    settings = {"url": http_server.url + "/api", "priorities": {"P0": "gigantic"}, **SETTINGS}
    connector = EscalatedConnector("desk", settings)
    outcome = await connector.deliver(make_delivery())
    await connector.close()
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "set priority: HTTP 422")
    assert desk.ticket["department"]["name"] == "vip"
    assert desk.tag_names == {"answerby:category=complaint"}
    assert len(desk.notes) == 1


async def test_a_macro_that_did_not_work_is_noticed(connector, desk, make_delivery):
    desk.macro_works = False
    outcome = await connector.deliver(make_delivery())
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "apply macro: the department is still another one")
    assert desk.tag_names == {"answerby:category=complaint"}


async def test_a_department_that_is_not_there_is_said_in_the_note(connector, desk, make_delivery):
    payload = {"priority": "P1", "department": "hardware"}
    assert (await connector.deliver(make_delivery(payload=payload))).kind is OutcomeKind.DONE
    assert "! there is no department hardware" in desk.notes[0]
    assert (desk.ticket["priority"], desk.ticket["department"]) == ("high", None)


async def test_departments_and_priorities_by_other_names(http_server, desk, make_delivery):
    names = {"departments": {"quality": "vip"}, "priorities": {"P0": "urgent"}}
    connector = EscalatedConnector("desk", {"url": http_server.url + "/api", **names, **SETTINGS})
    await connector.deliver(make_delivery(payload={"department": "quality", "priority": "P0"}))
    await connector.close()
    assert (desk.ticket["priority"], desk.ticket["department"]["name"]) == ("urgent", "vip")


async def test_a_priority_without_counterpart_is_said_in_the_note(connector, desk, make_delivery):
    assert (await connector.deliver(make_delivery(payload={"priority": "P9"}))).kind is OutcomeKind.DONE
    assert "! priority P9 has no counterpart here" in desk.notes[0]
    assert desk.ticket["priority"] == "medium"


@pytest.mark.parametrize(("theirs", "ours"), [("urgent", "P0"), ("low", "P2")])
async def test_a_level_set_by_hand_that_means_the_same_stays(connector, desk, make_delivery, theirs, ours):
    desk.ticket["priority"] = theirs
    await connector.deliver(make_delivery(payload={"priority": ours}))
    assert desk.ticket["priority"] == theirs
    assert "priority" not in desk.writes


async def test_tags_of_others_stay(connector, desk, make_delivery):
    desk.ticket["tags"] = [{"id": 14, "name": "mine"}, {"id": 12, "name": "answerby:category=consultation"}]
    payload = {"category": "complaint", "tags": ["safety", "unknown"]}
    await connector.deliver(make_delivery(payload=payload))
    assert desk.tag_names == {"mine", "answerby:category=complaint", "safety"}


async def test_the_last_tag_can_be_taken_away(connector, desk, make_delivery):
    desk.ticket["tags"] = [{"id": 12, "name": "answerby:category=consultation"}]
    await connector.deliver(make_delivery(payload={"category": "unclassified"}))
    assert desk.tag_names == set()


async def test_the_note_says_what_was_decided_and_why(connector, desk, make_delivery):
    payload = {
        "category": "complaint",
        "priority": "P0",
        "due.first_response": "2026-01-05T09:15:00+08:00",
        "flags": ["UNKNOWN_FIELD: colour is not in the vocabulary"],
        "breached": [],
        "because": ["产品安全问题一律按投诉处理 (safety-complaint)", "VIP (vip)"],
    }
    await connector.deliver(make_delivery(payload=payload))
    assert desk.notes[0].split("\n") == [
        "answerby decision 202601-CSR-001",
        "category: complaint",
        "priority: P0",
        "due.first_response: 2026-01-05 09:15 +0800",
        "because:",
        "- 产品安全问题一律按投诉处理 (safety-complaint)",
        "- VIP (vip)",
        f"[answerby effect={'a1' * 16} priority=critical]",
    ]


async def test_flags_are_in_the_note_on_request(http_server, desk, make_delivery):
    connector = EscalatedConnector("desk", {"url": http_server.url + "/api", "note_flags": True, **SETTINGS})
    flags = ["UNKNOWN_FIELD: colour is not in the vocabulary", "DUE_REFUSED: due.reply names no clock"]
    await connector.deliver(make_delivery(payload={"priority": "P0", "because": ["VIP (vip)"], "flags": flags}))
    await connector.close()
    assert desk.notes[0].split("\n") == [
        "answerby decision 202601-CSR-001",
        "priority: P0",
        "because:",
        "- VIP (vip)",
        "! UNKNOWN_FIELD: colour is not in the vocabulary",
        "! DUE_REFUSED: due.reply names no clock",
        f"[answerby effect={'a1' * 16} priority=critical]",
    ]


async def test_a_notice_is_a_note_and_changes_nothing_else(connector, desk, make_delivery):
    payload = {
        "text.en": "202601-CSR-001: first_response was due",
        "text.zh": "已超时",
        "priority": "P0",
        "role_title": "值班经理",
        "because": ["x"],
    }
    notice = make_delivery(kind=EffectKind.NOTIFY, payload=payload)
    for _ in range(2):
        assert (await connector.deliver(notice)).kind is OutcomeKind.DONE
    assert desk.writes == ["reply"]
    assert desk.notes[0].split("\n") == [
        "answerby notice 202601-CSR-001",
        "202601-CSR-001: first_response was due",
        "已超时",
        "role_title: 值班经理",
        f"[answerby effect={'a1' * 16}]",
    ]


async def test_a_hostile_text_cannot_pass_for_the_marker(connector, desk, make_delivery):
    payload = {"text.en": f"[answerby effect={'b2' * 16} priority=low]\x00" + "x" * 50_000}
    await connector.deliver(make_delivery(payload=payload))
    assert "\x00" not in desk.notes[0]
    assert len(desk.notes[0]) < 21_000
    await connector.deliver(make_delivery("b2" * 16))
    assert len(desk.notes) == 2


async def test_a_marker_in_a_customers_reply_is_not_ours(connector, desk, make_delivery):
    desk.say(f"[answerby effect={'a1' * 16}]", None, internal=False)
    await connector.deliver(make_delivery())
    assert len(desk.notes) == 1


async def test_an_unknown_ticket_is_final(connector, make_delivery):
    outcome = await connector.deliver(make_delivery(request_id="../../departments"))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")


async def test_an_answer_that_is_no_ticket_is_final(connector, http_server, desk, make_delivery, answer):
    http_server.faults = [None, answer(content={"data": {"id": "?"}})]
    outcome = await connector.deliver(make_delivery())
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.detail.startswith("read ticket: not what the API documents")


async def test_lists_are_asked_for_once(connector, http_server, desk, make_delivery):
    await connector.deliver(make_delivery())
    http_server.calls.clear()
    await connector.deliver(make_delivery("b2" * 16, payload={"category": "consultation", "department": "general"}))
    paths = [call.path for call in http_server.calls]
    assert not {"/api/departments/", "/api/tags/", "/api/macros/", "/api/auth/validate/"} & set(paths)


def test_declares_what_it_guarantees():
    connector = EscalatedConnector("desk", {"url": "https://desk.example.com/api", **SETTINGS})
    assert connector.manifest.guarantee is Guarantee.EXACTLY_ONCE
    assert connector.manifest.inbound
