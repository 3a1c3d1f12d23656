"""Personal data stays where it is needed: in no log line, flag, explanation, effect, metric or refusal."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToJson
from prometheus_client import generate_latest

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.rules.loader import load_rulebook
from answerby.server.flow.processing import processor
from answerby.store.requests.requests import Requests
from tests.kit.patience import eventually
from tests.kit.places import RULES

SHIPPED = RULES
SECRET = "Zhang-Wei-秘密"
NUMBER = 13800138000
"""Told as a number where a text belongs: the refusal must not quote it."""


def personal_fields() -> list[str]:
    rulebook = load_rulebook(SHIPPED).rulebook
    assert rulebook is not None
    return sorted(name for name, field in rulebook.vocabulary.fields.items() if field.personal)


def secret(kind: str) -> resources_pb2.FactValue:
    match kind:
        case "text":
            return resources_pb2.FactValue(string_value=f"{SECRET} 要投诉, caught fire")
        case "list":
            return resources_pb2.FactValue(list_value=resources_pb2.StringList(values=[SECRET]))
        case "number":
            return resources_pb2.FactValue(int_value=NUMBER)
        case "too long":
            return resources_pb2.FactValue(string_value=SECRET * 8000)
        case _:
            return resources_pb2.FactValue(string_value=f"{SECRET}\0{SECRET}")


@pytest.fixture
def shipped(settings, tmp_path) -> Path:
    """The rules that ship, a connector that is told everything and one that always fails; the file of the first.

    Ask for it before `running`.
    """
    settings["rules"]["folder"] = str(SHIPPED)
    told = tmp_path / "told.jsonl"
    everything = {"sources": ["*"], "effects": ["notify", "create_task", "open_case"]}
    closed = {"url": "http://127.0.0.1:9/closed", "secrets": ["whsec_" + "bG9uZyBlbm91Z2ggdG8gc2lnbiB3aXRo"]}
    settings["connectors"] = [
        {"name": "file", "type": "file", "settings": {"path": str(told)}} | everything,
        {"name": "closed", "type": "webhook", "settings": closed | {"allow_private": True}} | everything,
    ]
    return told


def assert_silent(said: str, where: str) -> None:
    for word in (SECRET, "Zhang", "秘密", str(NUMBER)):
        assert word not in said, f"{word} in {where}"


def test_the_shipped_vocabulary_marks_who_asked_and_what_they_said():
    assert {
        "customer.id",
        "contact.name",
        "contact.phone",
        "contact.email",
        "text",
        "text.body",
        "order.number",
    } <= set(personal_fields())


@pytest.mark.parametrize("kind", ["text", "list", "number", "too long", "nul"])
async def test_what_a_personal_field_holds_is_told_nowhere(shipped, running, make_event, kind):
    event = make_event(1, facts={})
    for name in personal_fields():
        event.facts[name].CopyFrom(secret(kind))
    decision = (await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))).decision
    assert (kind in {"list", "number", "too long"}) == any(flag.code == "FACT_REFUSED" for flag in decision.flags)
    evaluated = await running.decisions.Evaluate(decision_pb.EvaluateRequest(event=event))
    told = {
        "the decision": MessageToJson(decision, ensure_ascii=False),
        "the evaluation": MessageToJson(evaluated, ensure_ascii=False),
        "the request": MessageToJson(
            await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1")), ensure_ascii=False
        ),
        "the list": MessageToJson(await running.requests.ListRequests(pb.ListRequestsRequest()), ensure_ascii=False),
    }
    for language in ("en", "zh"):
        request = decision_pb.ExplainRequest(request_id="R-1", language_code=language)
        told[f"the explanation in {language}"] = (await running.decisions.Explain(request)).text
        request.why_not.extend(
            ["priority=P2", "priority=P1", "category=consultation", "rule=safety-fire", "complete=true"]
        )
        request.alternatives = True
        request.max_changes = 6
        explained = await running.decisions.Explain(request)
        assert explained.reproduced
        assert len(explained.counterfactuals) == 5
        told[f"why not, in {language}"] = MessageToJson(explained, ensure_ascii=False)
    async for message in running.requests.WatchDecisions(pb.WatchDecisionsRequest(from_start=True)):
        told["the watch"] = MessageToJson(message, ensure_ascii=False)
        break
    told["the log"] = running.log.getvalue()
    assert '"request_id":"R-1"' in told["the log"]
    for where, said in told.items():
        assert_silent(said, where)


async def test_what_is_delivered_and_what_cannot_be_hold_no_personal_data(shipped, running, make_event):
    event = make_event(1, facts={})
    for name in personal_fields():
        event.facts[name].CopyFrom(secret("text"))
    decision = (await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))).decision

    async def delivered() -> bool:
        written = shipped.exists() and len(shipped.read_text("utf-8").splitlines()) >= len(decision.effects)
        return written and '"connector":"closed"' in running.log.getvalue()

    assert len(decision.effects) >= 3
    await eventually(delivered)
    assert_silent(shipped.read_text("utf-8"), "the effects")
    assert_silent(running.log.getvalue(), "the log")


async def test_refusals_and_failures_quote_nothing(shipped, running, make_event, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError(SECRET)

    bad = make_event(1, facts={"text.body": SECRET * 30_000, "no good name!": SECRET})
    errors = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=bad))
    errors.append(caught.value)
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(2, facts={"text.body": SECRET})))
    again = make_event(2, facts={"text.body": SECRET + "!"})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=again))
    errors.append(caught.value)
    monkeypatch.setattr(processor, "decide", fail)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(3, facts={"text.body": SECRET})))
    errors.append(caught.value)
    monkeypatch.setattr(Requests, "snapshot", fail)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-2"))
    errors.append(caught.value)
    for error in errors:
        assert_silent(f"{error.details()} {error.trailing_metadata()}", "an error")
    log = running.log.getvalue()
    assert "ValueError" in log
    assert_silent(log, "the log")


async def test_the_metrics_name_no_customer(shipped, running, make_event):
    facts = dict.fromkeys([*personal_fields(), "channel", "nobody.declared.this"], SECRET)
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(1, facts=facts)))
    shown = generate_latest(running.registry).decode()
    assert 'answerby_decision_flags_total{code="UNKNOWN_VALUE"} 1.0' in shown
    assert_silent(shown, "the metrics")
