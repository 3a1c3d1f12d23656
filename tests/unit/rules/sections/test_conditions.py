"""What conditions and outputs become."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.condition import ALWAYS, All, AnyOf, Atom, Not, Op
from answerby.domain.ladder import Notification
from answerby.rules.model.rulebook import HitPolicy


@pytest.fixture
def rule(load):
    """The single rule of a file, as compiled."""

    def compile_rule(body: str, stage: str = "classification", then: str = "{category: complaint}"):
        text = f"stage: {stage}\nrules:\n- id: tried\n  because: To try it.\n  then: {then}\n{body}"
        result = load({"tried.yaml": text})
        assert result.rulebook is not None, [str(d) for d in result.diagnostics]
        return next(r for s in result.rulebook.stages for r in s.rules if r.id == "tried")

    return compile_rule


GOLD_UP = Atom("customer.tier", Op.IN, ("gold", "vip"))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("urgency: urgent", Atom("urgency", Op.EQ, ("urgent",))),
        ("urgency: [urgent]", Atom("urgency", Op.EQ, ("urgent",))),
        ("channel: [web, phone, web]", Atom("channel", Op.IN, ("phone", "web"))),
        ("channel: 电话", Atom("channel", Op.EQ, ("phone",))),
        ("channel: ＷＥＢ", None),
        ("customer.tier: {at_least: gold}", GOLD_UP),
        ("customer.tier: {more_than: silver}", GOLD_UP),
        ("customer.tier: {at_most: standard}", Atom("customer.tier", Op.EQ, ("standard",))),
        ("customer.tier: {less_than: gold}", Atom("customer.tier", Op.IN, ("silver", "standard"))),
        ("customer.tier: {between: [gold, vip]}", GOLD_UP),
        ("customer.tier: {not: vip}", Not(Atom("customer.tier", Op.EQ, ("vip",)))),
        ("customer.tier: {not: {not: {at_least: gold}}}", GOLD_UP),
        ("customer.complaints_24h: 3", Atom("customer.complaints_24h", Op.EQ, (3,))),
        ("customer.complaints_24h: [10, 9]", Atom("customer.complaints_24h", Op.IN, (9, 10))),
        ("customer.complaints_24h: {at_least: 3}", Atom("customer.complaints_24h", Op.AT_LEAST, (3,))),
        (
            "customer.complaints_24h: {between: [1, 3]}",
            All(
                (
                    Atom("customer.complaints_24h", Op.AT_LEAST, (1,)),
                    Atom("customer.complaints_24h", Op.AT_MOST, (3,)),
                )
            ),
        ),
        (
            "customer.complaints_24h: {more_than: 1, not: 5}",
            All(
                (
                    Atom("customer.complaints_24h", Op.MORE_THAN, (1,)),
                    Not(Atom("customer.complaints_24h", Op.EQ, (5,))),
                )
            ),
        ),
        ("customer.discount: {less_than: 12.50}", Atom("customer.discount", Op.LESS_THAN, ("12.5",))),
        ("customer.discount: {less_than: 10}", Atom("customer.discount", Op.LESS_THAN, ("10",))),
        ("contract.response: {at_most: 1h30m}", Atom("contract.response", Op.AT_MOST, (5400,))),
        ("contract.active: true", Atom("contract.active", Op.EQ, (True,))),
        (
            "customer.since: {less_than: 2026-01-01}",
            Atom("customer.since", Op.LESS_THAN, ("2025-12-31T16:00:00+00:00",)),
        ),
        ("customer.id: A-1", Atom("customer.id", Op.EQ, ("A-1",))),
        ("customer.id: 12315", Atom("customer.id", Op.EQ, ("12315",))),
        ("customer.id: {starts_with: [B, A]}", Atom("customer.id", Op.STARTS_WITH, ("A", "B"))),
        ("text: {mentions: [safety, burning]}", Atom("text", Op.MENTIONS, ("burning", "safety"))),
        ("text: {equals: 退款}", Atom("text", Op.EQUALS, ("退款",))),
        ("text: 退款", Atom("text", Op.EQUALS, ("退款",))),
        (r"text: {matches: '\d{6}'}", Atom("text", Op.MATCHES, (r"\d{6}",))),
        ("customer.id: {is: missing}", Atom("customer.id", Op.MISSING)),
        ("customer.id: {is: present}", Not(Atom("customer.id", Op.MISSING))),
        ("event.time: {inside: cn-business}", Atom("event.time", Op.INSIDE, ("cn-business",))),
        ("event.time: {outside: always}", Not(Atom("event.time", Op.INSIDE, ("always",)))),
        ("not: {urgency: urgent}", Not(Atom("urgency", Op.EQ, ("urgent",)))),
        (
            "any: [{urgency: urgent}, {customer.tier: vip}]",
            AnyOf((Atom("customer.tier", Op.EQ, ("vip",)), Atom("urgency", Op.EQ, ("urgent",)))),
        ),
        (
            "any: [{urgency: urgent}, {any: [{channel: web}]}]",
            AnyOf((Atom("channel", Op.EQ, ("web",)), Atom("urgency", Op.EQ, ("urgent",)))),
        ),
        ("all: [{urgency: urgent}, {urgency: urgent}]", Atom("urgency", Op.EQ, ("urgent",))),
    ],
)
def test_a_condition_becomes_a_tree(rule, load, when, expected):
    if expected is None:
        text = f"stage: classification\nrules:\n- id: a\n  because: x\n  when:\n    {when}\n  then: {{category: inquiry}}\n"
        # A value is found by its folded aliases, not by its own folded name: rule files are written exactly.
        assert [d.code for d in load({"a.yaml": text}).diagnostics] == ["unknown-value"]
    else:
        assert rule(f"  when:\n    {when}\n").when == expected


def test_the_tags_of_an_earlier_stage_are_asked_with_has_any(rule):
    body = "  when: {tags: [vip, safety]}\n"
    expected = Atom("tags", Op.HAS_ANY, ("safety", "vip"))

    assert rule(body, "priority", "{priority: P0}").when == expected
    assert rule("  when: {tags: {has: [vip, safety]}}\n", "priority", "{priority: P0}").when == expected


def test_a_rule_without_when_always_applies(rule):
    assert rule("").when == ALWAYS


def test_the_order_in_which_a_condition_is_written_does_not_matter(rule):
    one = "  when: {urgency: urgent, channel: [web, phone], any: [{contract.active: true}, {customer.id: {is: missing}}]}\n"
    two = "  when: {any: [{customer.id: {is: missing}}, {contract.active: true}], channel: [phone, web], urgency: urgent}\n"

    assert rule(one).when == rule(two).when


@pytest.mark.parametrize(
    ("stage", "then", "expected"),
    [
        (
            "classification",
            "{category: complaint, tags: [vip, safety]}",
            {"category": "complaint", "tags": ["safety", "vip"]},
        ),
        ("classification", "{tags: vip}", {"tags": ["vip"]}),
        ("sla", "{sla.first_response: 15m}", {"sla.first_response": Target(900, TargetUnit.SECONDS, "cn-business")}),
        (
            "sla",
            "{sla.first_response: PT1H30M}",
            {"sla.first_response": Target(5400, TargetUnit.SECONDS, "cn-business")},
        ),
        ("sla", "{sla.first_response: 2bd}", {"sla.first_response": Target(2, TargetUnit.WORKING_DAYS, "cn-business")}),
        (
            "sla",
            "{sla.first_response: {within: P1BD, calendar: always}}",
            {"sla.first_response": Target(1, TargetUnit.WORKING_DAYS, "always")},
        ),
        ("escalation", "{ladder.first_response: standard}", {"ladder.first_response": "standard"}),
        ("escalation", "{open_case: recall}", {"open_case": "recall"}),
        (
            "escalation",
            "{notify: [{roles: [owner, duty-manager], template: warn, urgent: true}, {role: owner}]}",
            {
                "notify": (
                    Notification(("duty-manager", "owner"), "warn", urgent=True),
                    Notification(("owner",)),
                )
            },
        ),
        ("completeness", "{require: [text.body, customer.id]}", {"require": ["customer.id", "text.body"]}),
        ("completeness", "{complete: false}", {"complete": False}),
        ("routing", "{department: quality, role: duty-manager}", {"department": "quality", "role": "duty-manager"}),
    ],
)
def test_outputs_are_typed(rule, stage, then, expected):
    assert dict(rule("", stage, then).then) == expected


def test_dates_count_from_the_start_and_to_the_end_of_the_day(rule):
    tried = rule("  enabled_from: 2026-05-01\n  until: 2026-05-07\n")

    # Shanghai is eight hours ahead of UTC.
    assert tried.enabled_from == datetime(2026, 4, 30, 16, tzinfo=UTC)
    assert tried.until == datetime(2026, 5, 7, 16, tzinfo=UTC)


def test_instants_are_taken_as_they_are(rule):
    tried = rule('  enabled_from: "2026-05-01T10:00+08:00"\n  until: "2026-05-01T12:00Z"\n')

    assert tried.enabled_from == datetime(2026, 5, 1, 2, tzinfo=UTC)
    assert tried.until == datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_rule_knows_where_it_stands(rule):
    tried = rule("  rank: 7\n")

    assert (tried.file, tried.line, tried.because) == ("tried.yaml", 3, "To try it.")
    assert tried.order == (100, 7, "tried", 0)


TABLE = """\
stage: priority
rank: 50
owner: quality
table:
  id: matrix
  because: The SOP says so.
  inputs: [customer.tier, customer.complaints_24h]
  output: priority
  rows:
    - [vip, {at_least: 3}, P0]
    - {when: [[gold, vip], any], then: [P1], because: They pay., until: 2026-12-31}
    - [any, any, P2]
"""


def test_a_table_becomes_a_rule_per_row(load):
    stage = load({"table.yaml": TABLE}).rulebook.stages[2]
    block = next(b for b in stage.blocks if b.id == "matrix")

    assert block.hit is HitPolicy.FIRST
    assert [(r.id, r.line, r.order, r.because, dict(r.then)) for r in block.rules] == [
        ("matrix#1", 10, (50, 100, "matrix", 1), "The SOP says so.", {"priority": "P0"}),
        ("matrix#2", 11, (50, 100, "matrix", 2), "They pay.", {"priority": "P1"}),
        ("matrix#3", 12, (50, 100, "matrix", 3), "The SOP says so.", {"priority": "P2"}),
    ]
    assert block.rules[0].when == All(
        (Atom("customer.complaints_24h", Op.AT_LEAST, (3,)), Atom("customer.tier", Op.EQ, ("vip",)))
    )
    assert block.rules[1].when == GOLD_UP
    assert block.rules[1].until == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert block.rules[2].when == ALWAYS
    assert {r.owner for r in block.rules} == {"quality"}


@pytest.mark.parametrize(
    ("head", "inside", "expected"),
    [
        ("", "", HitPolicy.FIRST),
        ("hit: unique\n", "", HitPolicy.UNIQUE),
        ("hit: unique\n", "  hit: collect\n", HitPolicy.COLLECT),
    ],
)
def test_the_hit_policy_of_a_table(load, head, inside, expected):
    text = TABLE.replace("rank: 50\n", head).replace("  output:", f"{inside}  output:")

    blocks = load({"table.yaml": text}).rulebook.stages[2].blocks

    assert next(b.hit for b in blocks if b.id == "matrix") is expected
