"""The rules that ship, on the samples that ship, against decisions worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from answerby.cli.event_lines import read_events
from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import LoadResult, load_rulebook, load_texts
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.rule_folder import RuleText
from tests.kit.places import ROOT

RULES = ROOT / "rules"
APART = {"samples", "mappings", "examples"}
"""Folders that are not loaded with the rules."""
SAMPLES = RULES / "samples" / "requests.jsonl"
EXPECTED: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "shipped" / "expected.yaml").read_text()
)
SHANGHAI = timezone(timedelta(hours=8))
RECEIVED = datetime(2026, 9, 8, 2, tzinfo=UTC)
DERIVED = ("category", "urgency", "impact", "priority", "department", "role", "handling")


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    result = load_rulebook(RULES)
    assert result.diagnostics == ()
    assert result.rulebook is not None
    return result.rulebook


@pytest.fixture(scope="module")
def compiled(rulebook: Rulebook) -> CompiledRulebook:
    return compile_rulebook(rulebook, engine="shadow", on_difference=refuse)


def refuse(stage: str, *seen: object) -> None:
    raise AssertionError(f"the two matchers differ in {stage}: {seen}")


@pytest.fixture(scope="module")
def decisions(compiled: CompiledRulebook) -> dict[str, Decision]:
    """By event id; each decided at its own time, in the file's order."""
    states: dict[str, RequestState | None] = {}
    made = {}
    for event in samples():
        decision = decide(compiled, states.get(event.request_id), event, Context(), event.time)
        states[event.request_id] = decision.state
        made[event.id] = decision
    return made


def samples() -> Iterator[Event]:
    with SAMPLES.open("rb") as lines:
        for line in read_events(lines, RECEIVED):
            assert line.event is not None, line.refused
            yield line.event


def moment(text: object) -> datetime:
    """A hand-written local time; YAML may already have read it as one."""
    at = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    return at.replace(tzinfo=SHANGHAI)


def notified(decision: Decision) -> set[str]:
    return {effect.role for effect in decision.effects if effect.kind is EffectKind.NOTIFY}


def cases(decision: Decision) -> list[str]:
    return [str(e.payload["case"]) for e in decision.effects if e.kind is EffectKind.OPEN_CASE]


def check_due(decision: Decision, expected: Mapping[str, object]) -> None:
    clocks = {clock.name: clock for clock in decision.clocks}
    for name, due in expected.items():
        if due == "none":
            assert name not in clocks
        else:
            assert clocks[name].due == moment(due), name


@pytest.mark.parametrize("request_id", sorted(EXPECTED["requests"]))
def test_sample_is_decided_as_by_hand(request_id: str, decisions: dict[str, Decision]) -> None:
    expected = EXPECTED["requests"][request_id]
    decision = decisions[request_id.replace("REQ", "s")]
    assert {n: decision.facts.get(n) for n in DERIVED if n in expected} == {
        n: expected[n] for n in DERIVED if n in expected
    }
    assert decision.facts.get("complaint.kind") == expected.get("kind")
    assert decision.facts.get("missing") == expected["missing"]
    assert sorted(decision.facts.get("tags") or []) == expected.get("tags", []) or "tags" not in expected  # type: ignore[arg-type]
    check_due(decision, expected.get("due", {}))
    if "notified" in expected:
        assert notified(decision) == set(expected["notified"])
    if "cases" in expected:
        assert cases(decision) == expected["cases"]


@pytest.mark.parametrize("event_id", sorted(EXPECTED["events"]))
def test_later_event_changes_what_it_should(event_id: str, decisions: dict[str, Decision]) -> None:
    expected, decision = EXPECTED["events"][event_id], decisions[event_id]
    clocks = {clock.name: clock for clock in decision.clocks}
    assert decision.status == expected.get("status", decision.status)
    assert {name: clocks[name].phase.value for name in expected.get("phases", {})} == expected.get("phases", {})
    check_due(decision, expected.get("due", {}))
    if "breached" in expected:
        assert sorted(clock.name for clock in clocks.values() if clock.breached) == expected["breached"]
    if "notified" in expected:
        assert notified(decision) == set(expected["notified"])
    if "missing" in expected:
        assert decision.facts["missing"] == expected["missing"]


def test_every_sample_is_expected() -> None:
    events = list(samples())
    assert {event.request_id for event in events} == set(EXPECTED["requests"])
    assert len(EXPECTED["requests"]) >= 30


def test_samples_cover_every_channel_and_no_decision_is_in_doubt(
    rulebook: Rulebook, decisions: dict[str, Decision]
) -> None:
    flags = {(event_id, flag.code) for event_id, d in decisions.items() for flag in d.flags}
    assert {event_id for event_id, _ in flags} == {"s-12"}, "the unknown channel is the only flagged sample"
    known = rulebook.vocabulary["channel"]
    given = [str(e.data["channel"]) for e in samples() if "channel" in e.data]
    taken = {known.aliases.get(c, c if c in known.values else known.other) for c in given}
    assert taken == set(known.values)


def test_every_combination_of_value_urgency_and_impact_has_exactly_one_row(rulebook: Rulebook) -> None:
    stage = next(s for s in rulebook.stages if s.name == "priority")
    matrix = next(b for b in stage.blocks if any(r.id.startswith("priority-matrix#") for r in b.rules))
    assert matrix.hit == "unique"
    assert len(matrix.rules) == 27
    vocabulary = rulebook.vocabulary
    every = set(product(vocabulary["customer.value"].values, vocabulary["urgency"].values, vocabulary["impact"].values))
    assert {cells(rule.when) for rule in matrix.rules} == every


def cells(condition: Any) -> tuple[str, str, str]:
    by_field = {atom.field: atom.operands[0] for atom in condition.children}
    return by_field["customer.value"], by_field["urgency"], by_field["impact"]


def said(compiled: CompiledRulebook, text: str, **facts: Any) -> dict[str, Any]:
    data = {"text.body": text} | {name.replace("__", "."): value for name, value in facts.items()}
    event = Event(source="test", id="1", type="request.received", time=RECEIVED, request_id="1", data=data)
    return decide(compiled, None, event, Context(), RECEIVED).facts


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("非常紧急，请处理", "urgent"),
        ("这个不是非常紧急", "low"),
        ("不急，慢慢来", "low"),
        ("It is not very urgent", "low"),
        ("This is urgent", "urgent"),
        ("a non-urgent matter", "low"),
        ("the insurgent movement", "normal"),
        ("急诊室的打印机", "normal"),
        ("where is the emergency exit sign sold?", "normal"),
        ("应该更加急需改进", "urgent"),
        ("不着急！！", "low"),
        ("十万火急", "urgent"),
        ("Please do not treat this as urgent", "low"),
        ("ASAP please", "urgent"),
        ("please fix the Asapeda theme", "normal"),
    ],
)
def test_urgency_words(compiled: CompiledRulebook, text: str, urgency: str) -> None:
    assert said(compiled, text)["urgency"] == urgency


@pytest.mark.parametrize(
    "text",
    [
        "充电器起火了",
        "插座冒烟，有焦糊味",
        "洗衣机漏电，被电了一下",
        "热水壶爆炸，孩子烫伤",
        "电池鼓包了",
        "The kettle caught fire",
        "smoke came out of the adapter",
        "I got an electric shock from the housing",
        "my son was injured by the blade",
        "The kettle caught fire, luckily nobody was hurt",
        "ｃａｕｇｈｔ　ｆｉｒｅ",
        "煤气泄漏",
        "电动车着火",
        "the battery is smoking",
        "the housing shocked me",
        "孩子误吞了纽扣电池",
    ],
)
def test_safety_outranks_whatever_else_is_said(compiled: CompiledRulebook, text: str) -> None:
    facts = said(
        compiled,
        f"{text}。不急，只是建议。",
        stated__category="consultation",
        stated__urgency="low",
        customer__value="low",
    )
    assert "safety" in facts["tags"]
    assert (facts["category"], facts["complaint.kind"]) == ("complaint", "complaint")
    assert (facts["urgency"], facts["priority"], facts["department"]) == ("urgent", "P0", "quality")


@pytest.mark.parametrize(
    "text",
    [
        "充电器起火了，请问会不会爆炸？",
        "请问漏电保护器坏了怎么换？外壳漏电把我手电麻了",
        "The device did not catch fire, but the cable started smoking",
        "上次没有冒烟，这次冒烟了",
        "The kettle never caught fire before, today it caught fire",
        "没有人受伤，但是我的手被烫伤了",
    ],
)
def test_a_denial_or_question_takes_nothing_from_a_hazard_beside_it(compiled: CompiledRulebook, text: str) -> None:
    facts = said(compiled, text)
    assert facts["tags"] == ["safety", "safety-check"]
    assert facts["priority"] == "P0"


@pytest.mark.parametrize(
    "text",
    [
        "电池短路保护功能怎么设置？",
        "打印机没有冒烟，也没有着火，只是开不了机",
        "被困难吓倒不是我们的风格，请问价格多少",
        "No smoke, no fire: the printer ignores the second tray",
        "漏电保护总是跳闸，能派人看看吗",
    ],
)
def test_harmless_phrases_are_read_by_a_person_and_raise_no_alarm(compiled: CompiledRulebook, text: str) -> None:
    facts = said(compiled, text)
    assert facts["tags"] == ["safety-check"]
    assert facts["priority"] == "P2"


@pytest.mark.parametrize(
    "text",
    [
        "How do I fire the employee from the team list?",
        "a hot topic in our forum",
        "The fire brigade bought twenty licences",
        "打印机没有起火，也没有冒烟，只是不工作",
        "请问这款电池会不会爆炸？",
        "信息爆炸的时代",
        "请看着火车时刻表",
        "请问这款充电器会不会着火？",
        "建议缩短路灯的关闭时间",
        "电脑中毒了怎么办",
        "非常受伤害的感觉",
        "the process was killed",
        "please send the exploded view",
        "sticker shock about the price",
        "smokeless grill",
        "is there a carbon monoxide detector?",
    ],
)
def test_harmless_words_raise_no_alarm(compiled: CompiledRulebook, text: str) -> None:
    facts = said(compiled, text)
    assert "safety" not in (facts.get("tags") or [])
    assert facts["priority"] == "P2"


@pytest.mark.parametrize(
    ("text", "category", "kind"),
    [
        ("我要投诉你们的客服", "complaint", "complaint"),
        ("我不是投诉，请问怎么换货？", "consultation", None),
        ("我不是投诉，上次才是投诉", "complaint", "complaint"),
        ("希望能增加按门店导出报表的功能", "feature_request", None),
        ("增加了导出功能以后系统报错", "service", None),
        ("谢谢，问题已经解决了", "unclassified", None),
        ("问题还没解决，第三次来问了", "complaint", "complaint"),
        ("The issue has not been resolved", "complaint", "complaint"),
        ("没收到发票", "service", None),
        ("客服电话打不通，差评", "complaint", "complaint"),
        ("I'm not unhappy with it, how do I export my data?", "consultation", None),
        ("Not a complaint, please correct the address on the invoice", "service", None),
        ("如何投诉？", "consultation", None),
        ("建议增加自行车停车位", "complaint", "suggestion"),
        ("建议增加导出功能", "feature_request", None),
        ("请问质保期多久？", "consultation", None),
        ("怎么申请退款？", "consultation", None),
        ("申请退款", "service", None),
        ("打印机坏了怎么办", "service", None),
        ("I want to file a complaint about the courier", "complaint", "complaint"),
        ("This is not a complaint, what is the warranty period?", "consultation", None),
        ("It would be great if you added dark mode", "feature_request", None),
        ("I suggest opening earlier on Saturdays", "complaint", "suggestion"),
        ("How do I reset my password?", "consultation", None),
        ("Please reset my password", "service", None),
        ("Your support is rude and nobody answers", "complaint", "complaint"),
        ("客服小李服务很好，特此表扬", "complaint", "praise"),
        ("4711", "unclassified", None),
        ("", "unclassified", None),
    ],
)
def test_category_words(compiled: CompiledRulebook, text: str, category: str, kind: str | None) -> None:
    facts = said(compiled, text)
    assert (facts["category"], facts.get("complaint.kind")) == (category, kind)


@pytest.mark.parametrize(
    ("text", "impact"),
    [
        ("全公司都无法登录", "wide"),
        ("只有我一个人无法登录，所有人都正常", "single"),
        ("整个部门都无法打印", "group"),
        ("all users are affected", "wide"),
        ("only me, everyone else is fine", "single"),
        ("several colleagues cannot print", "group"),
    ],
)
def test_impact_words(compiled: CompiledRulebook, text: str, impact: str) -> None:
    assert said(compiled, text)["impact"] == impact


def shipped_with(file: str, old: str, new: str) -> LoadResult:
    """The shipped rules with one change."""
    texts = {
        path: path.read_text("utf-8")
        for path in RULES.rglob("*.yaml")
        if path.relative_to(RULES).parts[0] not in APART
        and not path.stem.endswith("_test")
        and not path.name.endswith("_test.yaml")
    }
    path = RULES / file
    assert old in texts[path]
    texts[path] = texts[path].replace(old, new, 1)
    return load_texts(RuleText(p.relative_to(RULES).as_posix(), text, "") for p, text in texts.items())


def test_a_refusal_carries_reason_template_and_alternative(rulebook: Rulebook) -> None:
    routing = next(stage for stage in rulebook.stages if stage.name == "routing")
    refusals = [rule for rule in routing.rules if rule.then.get("handling") == "decline"]
    assert refusals
    for rule in refusals:
        assert rule.then["decline.reason"]
        assert rule.then["decline.template"] in rulebook.templates
        assert rule.then["decline.alternatives"]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("decline.reason: technology, ", "", "incomplete-output", "but not decline.reason"),
        ("decline.template: decline-technology, ", "", "incomplete-output", "but not decline.template"),
        (", decline.alternatives: [workaround, third-party]", "", "incomplete-output", "but not decline.alternatives"),
        ("decline.alternatives: [workaround, third-party]", "decline.alternatives: []", "empty-list", "empty list"),
        ("decline.template: decline-technology", "decline.template: decline-tech", "unknown-template", "decline-tech"),
    ],
)
def test_a_refusal_that_lacks_something_is_refused_itself(old: str, new: str, code: str, said: str) -> None:
    assert shipped_with("routing/feasibility.yaml", "stage: routing", "stage: routing").diagnostics == ()

    result = shipped_with("routing/feasibility.yaml", old, new)

    assert result.rulebook is None
    (diagnostic,) = result.diagnostics
    assert (diagnostic.file, diagnostic.code) == ("routing/feasibility.yaml", code)
    assert said in diagnostic.message


def test_third_complaint_of_a_day_is_marked(compiled: CompiledRulebook) -> None:
    event = next(event for event in samples() if event.request_id == "REQ-22")
    decision = decide(compiled, None, event, Context({"customer.complaints_24h": 2}), event.time)
    assert decision.facts["tags"] == ["repeat-complaint"]
    assert decision.facts["priority"] == "P1"
    assert "duty-manager" in notified(decision)


def test_size_of_the_rule_set(rulebook: Rulebook) -> None:
    rules = [rule for stage in rulebook.stages for rule in stage.rules]
    assert len(rules) >= 40
    assert all(rule.because.startswith("SOP") for rule in rules)
    terms = {term for lexicon in rulebook.lexicons.values() for term in lexicon.terms}
    assert sum(not term.isascii() for term in terms) >= 150
    assert sum(term.isascii() for term in terms) >= 100


def test_samples_are_valid_json_lines() -> None:
    ids = [orjson.loads(line)["id"] for line in SAMPLES.read_bytes().splitlines()]
    assert len(ids) == len(set(ids))
