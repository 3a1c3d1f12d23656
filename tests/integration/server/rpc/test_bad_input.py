"""Bad input over a real socket: a clear error or a flagged decision, and a server that goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import redis
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from tests.kit.places import RULES

SUBMIT = "/answerby.v1.RequestService/SubmitEvent"
SHIPPED = RULES
HERE = "hello hello"


@pytest.fixture
def shipped(settings):
    """The rules that ship instead of the small ones; ask for it before `running`."""
    settings["rules"]["folder"] = str(SHIPPED)


async def submit(running, event) -> resources_pb2.Decision:
    return (await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))).decision


async def refused(call) -> tuple[str, set[str]]:
    """The reason, and the fields named, of a call that must be an INVALID_ARGUMENT of ours."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(caught.value).details:
        detail.Unpack(info) or detail.Unpack(bad)
    assert info.domain == "answerby"
    return info.reason, {violation.field for violation in bad.field_violations}


async def still_decides(running, make_event, number=99) -> None:
    """The server is up, serves, and decides a good event."""
    await running.health_is("SERVING")
    decision = await submit(running, make_event(number, facts={"text.body": "I complain"}))
    assert decision.facts["category"].string_value == "complaint"


def codes(decision) -> set[str]:
    return {flag.code for flag in decision.flags}


# ---- Malformed protobuf


def with_bytes(event, raw: bytes) -> bytes:
    """A valid call whose text is replaced by bytes that a decent client cannot send."""
    message = pb.SubmitEventRequest(event=event).SerializeToString()
    assert message.count(HERE.encode()) == 1
    return message.replace(HERE.encode(), raw.ljust(len(HERE), b"x"))


@pytest.mark.parametrize(
    "raw",
    [b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xff\xfe", b"\xc0\xaf", b"\xf4\x90\x80\x80"],
    ids=["high surrogate", "low surrogate", "no UTF-8", "overlong", "beyond Unicode"],
)
async def test_bytes_that_are_no_unicode_are_refused(running, make_event, raw):
    call = running.channel.unary_unary(SUBMIT)
    reason, _ = await refused(call(with_bytes(make_event(facts={"text.body": HERE}), raw)))
    assert reason == "MALFORMED_MESSAGE"
    await still_decides(running, make_event)


@pytest.mark.parametrize("method", ["RequestService/SubmitEvent", "RequestService/SubmitEvents"])
async def test_a_message_cut_off_anywhere_never_harms(running, make_event, method):
    """What is left of it may by chance be a shorter message; then it lacks what is required."""
    whole = pb.SubmitEventRequest(event=make_event(facts={"text.body": HERE})).SerializeToString()
    call = running.channel.unary_unary(f"/answerby.v1.{method}")
    reasons = {(await refused(call(whole[:length])))[0] for length in range(len(whole))}
    assert reasons == {"MALFORMED_MESSAGE", "INVALID_FIELDS"}
    await still_decides(running, make_event)


async def test_a_field_of_another_wire_type_is_ignored_and_then_missing(running):
    """Field 1 of Event as a number: protobuf keeps it as unknown, so the id is empty."""
    event = b"\x08\x05"
    reason, fields = await refused(running.channel.unary_unary(SUBMIT)(b"\x0a" + bytes([len(event)]) + event))
    assert reason == "INVALID_FIELDS"
    assert fields == {"event.id", "event.source", "event.request_id", "event.type", "event.time"}


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(0, -1), (0, 1_000_000_000), (-1, 0), (-(2**63), 0), (2**63 - 1, 0), (253_402_300_799, 999_999_999)],
    ids=["negative nanos", "nanos of a second", "1969", "least", "greatest", "year 9999"],
)
async def test_a_time_that_no_request_can_have_is_refused(running, make_event, seconds, nanos):
    event = make_event()
    event.time.seconds, event.time.nanos = seconds, nanos
    assert await refused(submit(running, event)) == ("INVALID_FIELDS", {"event.time"})
    evaluation = decision_pb.EvaluateRequest(event=make_event())
    evaluation.as_of.seconds, evaluation.as_of.nanos = seconds, nanos
    assert await refused(running.decisions.Evaluate(evaluation)) == ("INVALID_FIELDS", {"as_of"})


async def test_a_message_without_an_event_names_what_it_lacks(running):
    required = {"event.id", "event.source", "event.request_id", "event.type", "event.time"}
    for call in (
        running.requests.SubmitEvent(pb.SubmitEventRequest()),
        running.decisions.Evaluate(decision_pb.EvaluateRequest()),
    ):
        assert await refused(call) == ("INVALID_FIELDS", required)


async def test_a_fact_with_no_kind_clears_and_a_fact_of_another_kind_is_flagged(running, make_event):
    await submit(running, make_event(1, facts={"text.body": "I complain", "channel": "phone"}))
    event = make_event(2, request_id="R-1", type="request.updated", facts={})
    event.facts["channel"].SetInParent()
    event.facts["text.body"].int_value = 5
    event.facts["customer.complaints"].string_value = "many"
    event.facts["customer.id"].list_value.values.append("c-1")
    decision = await submit(running, event)
    assert codes(decision) == {"CONDITION_ERROR", "FACT_REFUSED"}
    assert decision.facts["category"].string_value == "other"  # the stage's safe side
    kept = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"))
    assert "channel" not in kept.request.given


# ---- Texts


@pytest.mark.parametrize("letter", ["x", "诉", "😀", "\0", "\ufdfa"], ids=["ascii", "cjk", "emoji", "nul", "expanding"])
async def test_a_text_of_a_megabyte_is_refused_by_name(running, make_event, letter):
    text = letter * (1_048_576 // len(letter.encode()))
    event = make_event(facts={"text.body": text})
    assert await refused(submit(running, event)) == ("INVALID_FIELDS", {"event.facts.text.body"})
    batch = await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=[event, make_event(2)]))
    assert [result.code for result in batch.results] == [3, 0]
    await still_decides(running, make_event)


async def test_the_longest_text_that_is_taken_is_cut_and_flagged(running, make_event):
    decision = await submit(running, make_event(facts={"text.body": "我要投诉" + "x" * 262_100}))
    assert "TEXT_CUT" in codes(decision)
    assert decision.facts["category"].string_value == "complaint"


async def test_a_message_beyond_the_limit_is_refused_and_the_connection_lives(running, make_event):
    event = make_event(facts={f"text.part{n}": "x" * 262_144 for n in range(20)})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await submit(running, event)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    await still_decides(running, make_event)


@pytest.mark.parametrize(
    ("text", "category", "flags"),
    [
        ("", "unclassified", set()),
        ("   \n\t\u3000", "unclassified", set()),
        ("投诉\0：设备起火", "complaint", {"TEXT_CLEANED"}),
        ("🔥🔥 充电器起火了 🔥🔥 👩‍👩‍👧‍👦", "complaint", set()),
        ("æˆ‘è¦æŠ•è¯‰", "unclassified", set()),  # 我要投诉, read as another encoding
        ("锟斤拷锟斤拷", "unclassified", set()),
        ("\u202e\ufeff设备起火", "complaint", set()),
        ("投\u200b诉", None, set()),
    ],
    ids=["empty", "blank", "nul", "emoji", "mojibake", "mojibake zh", "bidi", "zero width"],
)
async def test_odd_texts_are_decided_by_the_shipped_rules(shipped, running, make_event, text, category, flags):
    decision = await submit(running, make_event(facts={"text.body": text, "channel": "phone"}))
    assert codes(decision) - {"CALENDAR_PROVISIONAL"} == flags
    assert category in {None, decision.facts["category"].string_value}
    assert decision.facts["priority"].string_value in {"P0", "P1", "P2"}
    assert decision.next_due_time.seconds


# ---- Unknown values


async def test_an_unknown_channel_and_category_are_taken_as_other_and_flagged(shipped, running, make_event):
    facts = {"channel": "carrier pigeon", "stated.category": "狮子", "text.body": "充电器起火"}
    decision = await submit(running, make_event(facts=facts))
    unknown = sorted(flag.message for flag in decision.flags if flag.code == "UNKNOWN_VALUE")
    assert [message.partition(":")[0] for message in unknown] == ["channel", "stated.category"]
    assert decision.facts["category"].string_value == "complaint"


async def test_an_unknown_value_of_a_field_without_other_takes_the_safe_side(running, rules, make_event):
    text = "\n  - {id: by-phone, because: Phones ring., when: {channel: phone}, then: {priority: low}}\n"
    (rules / "priority.yaml").write_text((rules / "priority.yaml").read_text("utf-8") + text, "utf-8")
    await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    decision = await submit(running, make_event(facts={"channel": "carrier pigeon", "text.body": "hello"}))
    assert codes(decision) == {"FACT_REFUSED", "CONDITION_ERROR"}
    assert decision.facts["priority"].string_value == "high"


async def test_fields_that_nobody_declared_are_ignored_and_flagged(running, make_event):
    event = make_event(facts={"text.body": "I complain", "客户.星座": "狮子", "priority": "low", "timer.id": "x"})
    decision = await submit(running, event)
    assert codes(decision) == {"UNKNOWN_FIELD", "DERIVED_FIELD"}
    assert decision.facts["priority"].string_value == "high"


# ---- Times


@pytest.mark.parametrize(
    "value", ["2026-01-05T09:00:00", "2026-01-05", "9999-12-31T23:59:59-23:59", "tomorrow", "今天"]
)
async def test_an_instant_without_offset_or_beyond_time_is_flagged(running, rules, make_event, value):
    fields = (rules / "vocabulary.yaml").read_text("utf-8") + "  promised: {type: instant}\n"
    (rules / "vocabulary.yaml").write_text(fields, "utf-8")
    text = "\n  - {id: was-promised, because: Kept., when: {promised: {is: present}}, then: {priority: low}}\n"
    (rules / "priority.yaml").write_text((rules / "priority.yaml").read_text("utf-8") + text, "utf-8")
    await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    decision = await submit(running, make_event(facts={"promised": value, "text.body": "I complain"}))
    assert codes(decision) == {"FACT_REFUSED", "CONDITION_ERROR"}
    good = await submit(running, make_event(2, facts={"promised": "2026-01-05T09:00:00+08:00"}))
    assert codes(good) == set()


@pytest.mark.parametrize("year", [1970, 2199])
async def test_the_first_and_the_last_year_are_decided_and_flagged(shipped, running, make_event, year):
    when = datetime(year, 12, 30, 3, tzinfo=UTC)
    decision = await submit(running, make_event(facts={"text.body": "请问怎么安装"}, when=when))
    # What is dated ahead counts when it is received.
    assert codes(decision) >= ({"CALENDAR_YEAR_MISSING"} if year == 1970 else {"IN_THE_FUTURE"})
    assert ("CALENDAR_YEAR_MISSING" in codes(decision)) == (year == 1970)
    assert decision.facts["category"].string_value == "consultation"


@pytest.mark.parametrize(
    "type_",
    ["request.replied", "request.closed", "request.reopened", "request.on_hold", "request.completed", "request.rated"],
)
async def test_an_event_before_its_request_begins_it_and_is_flagged(running, make_event, type_):
    first = await submit(running, make_event(1, type=type_))
    assert codes(first) == {"STARTED_WITHOUT_RECEIPT"}
    assert first.number
    received = await submit(running, make_event(2, request_id="R-1", facts={"text.body": "I complain"}))
    assert received.sequence == 2
    assert received.facts["category"].string_value == "complaint"


async def test_events_out_of_order_are_kept_and_put_in_order(running, make_event, store):
    at = [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 10, 11)]
    await submit(running, make_event(1, when=at[1]))
    await submit(running, make_event(2, request_id="R-1", type="request.on_hold", when=at[2]))
    between = await submit(running, make_event(3, request_id="R-1", type="request.updated", when=at[1]))
    before = await submit(running, make_event(4, request_id="R-1", type="request.updated", when=at[0]))
    assert (codes(between), codes(before)) == ({"RETROACTIVE"}, {"RETROACTIVE", "STARTED_WITHOUT_RECEIPT"})
    assert before.status == "on_hold"
    ours = [event.id for event in await store.requests.events("default", "R-1") if event.source == "crm/test"]
    assert ours == ["e-1", "e-2", "e-3", "e-4"]


# ---- The rules folder


def broken_by(rules: Path, text: str) -> None:
    (rules / "broken.yaml").write_text(text, "utf-8")


def removed(rules: Path) -> None:
    emptied(rules)
    rules.rmdir()


def emptied(rules: Path) -> None:
    for file in rules.glob("*.yaml"):
        file.unlink()


def unreadable(rules: Path) -> None:
    """A link to nowhere: nobody can read it, root included."""
    (rules / "clocks.yaml").unlink()
    (rules / "clocks.yaml").symlink_to(rules / "nowhere.yaml")


def half_written(rules: Path) -> None:
    for file in rules.glob("*.yaml"):
        file.write_bytes(file.read_bytes()[:25])


def duplicate_id(rules: Path) -> None:
    broken_by(rules, (rules / "priority.yaml").read_text("utf-8"))


def duplicate_key(rules: Path) -> None:
    broken_by(rules, "lexicons:\n  one: {terms: [a]}\n  one: {terms: [b]}\n")


def yaml_trap(rules: Path) -> None:
    broken_by(rules, "lexicons: {countries: {terms: [SE, NO, DK]}}\n")


def lexicon_cycle(rules: Path) -> None:
    broken_by(rules, "lexicons: {a: {include: [b], terms: [x]}, b: {include: [a], terms: [y]}}\n")


def stage_cycle(rules: Path) -> None:
    rule = "- {id: circle, because: x, when: {department: desk}, then: {category: other}}"
    broken_by(rules, f"stage: classification\nrules:\n  {rule}\n")


def no_text(rules: Path) -> None:
    (rules / "clocks.yaml").write_bytes(b"\xff\xfe\x00clocks")


BROKEN = [
    (removed, "folder-missing"),
    (emptied, "folder-empty"),
    (unreadable, "file-unreadable"),
    (half_written, "yaml-syntax"),
    (duplicate_id, "duplicate-id"),
    (duplicate_key, "yaml-duplicate-key"),
    (yaml_trap, "yaml-trap"),
    (lexicon_cycle, "lexicon-cycle"),
    (stage_cycle, "reads-later-stage"),
    (no_text, "file-encoding"),
]
each_broken = pytest.mark.parametrize(("spoil", "code"), BROKEN, ids=[spoil.__name__ for spoil, _ in BROKEN])


async def rulebook_of(running) -> rulebook_pb.Rulebook:
    return (await running.rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest())).rulebook


@each_broken
async def test_a_spoilt_folder_is_refused_and_the_last_good_rules_go_on(
    running, rules, make_event, spoil: Callable[[Path], None], code: str
):
    before = await rulebook_of(running)
    spoil(rules)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    after = await rulebook_of(running)
    assert after.state == rulebook_pb.RULEBOOK_STATE_DEGRADED
    assert after.revision == before.revision
    assert code in {diagnostic.code for diagnostic in after.diagnostics}
    assert all(diagnostic.message for diagnostic in after.diagnostics)
    await still_decides(running, make_event)


@each_broken
async def test_a_server_started_on_a_spoilt_folder_serves_the_last_good_rules_or_none(
    launch, rules, settings: dict[str, Any], tmp_path, make_event, spoil: Callable[[Path], None], code: str
):
    async with launch() as running:
        good = await rulebook_of(running)
    spoil(rules)
    async with launch() as running:
        assert (await rulebook_of(running)).revision == good.revision
        await still_decides(running, make_event)

    # Neither the store nor the data folder has kept good rules.
    settings["store"]["data_folder"] = str(tmp_path / "elsewhere")
    redis.Redis.from_url(settings["store"]["redis_url"]).flushall()
    async with launch(serving=False) as running:
        await running.health_is("NOT_SERVING")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await submit(running, make_event(1))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
