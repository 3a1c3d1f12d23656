"""Facts: every given value is typed, defaulted, flagged or refused, and nothing raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from answerby.domain.condition import Atom, Op
from answerby.domain.errors import InvalidInput
from answerby.engine.facts.plan import FactPlan
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

FIELDS = [
    Field("channel", FieldType.ENUM, ("web", "phone", "other"), {"电话": "phone"}, other="other", default="web"),
    Field("impact", FieldType.ENUM, ("1", "2", "3")),
    Field("customer.tier", FieldType.ENUM, ("standard", "VIP"), default="standard"),
    Field("count", FieldType.INTEGER, default=0),
    Field("amount", FieldType.DECIMAL),
    Field("repeat", FieldType.BOOLEAN),
    Field("ordered", FieldType.INSTANT),
    Field("waited", FieldType.DURATION),
    Field("customer.id", FieldType.STRING, personal=True),
    Field("labels", FieldType.SET),
    Field("skills", FieldType.SET, ("a", "b")),
    Field("category", FieldType.ENUM, ("complaint", "inquiry"), derived_by=("classification",)),
    Field("secret", FieldType.ENUM, ("x", "y"), personal=True),
    Field("text.subject", FieldType.TEXT, personal=True),
    Field("text.body", FieldType.TEXT, personal=True),
    Field("text", FieldType.TEXT, parts=("text.subject", "text.body"), personal=True),
]


@pytest.fixture(scope="module")
def plan(cases) -> FactPlan:
    conditions = [
        Atom("text", Op.MENTIONS, ("safety",)),
        Atom("category", Op.EQ, ("complaint",)),
        Atom("count", Op.AT_LEAST, (3,)),
    ]
    vocabulary = Vocabulary({field.name: field for field in FIELDS})
    return FactPlan(cases.rulebook_of(vocabulary, conditions, [Lexicon("safety", ("起火", "fire"))]))


@pytest.mark.parametrize(
    ("field", "given", "typed"),
    [
        ("channel", "phone", "phone"),
        ("channel", " ＰＨＯＮＥ ", "phone"),
        ("channel", "电话", "phone"),
        ("customer.tier", "vip", "VIP"),
        ("impact", 2, "2"),
        ("impact", 2.0, "2"),
        ("count", 3, 3),
        ("count", 3.0, 3),
        ("count", -(2**62) + 1, -(2**62) + 1),
        ("amount", 12, 12),
        ("amount", 0.1, 0.1),
        ("repeat", False, False),
        ("ordered", "2026-01-05T09:00:00+08:00", datetime(2026, 1, 5, 1, tzinfo=UTC)),
        ("ordered", "2026-01-05T01:00:00Z", datetime(2026, 1, 5, 1, tzinfo=UTC)),
        ("ordered", "9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("waited", "PT15M", 900),
        ("waited", "P1DT2H", 93_600),
        ("waited", "-PT1.5S", -1.5),
        ("customer.id", " 0017 ", " 0017 "),
        ("labels", ["b", "a", "a"], frozenset({"a", "b"})),
        ("labels", "a", frozenset({"a"})),
        ("skills", ["A"], frozenset({"a"})),
        ("text.body", "起火\0\ud800", "起火 \ufffd"),
    ],
)
def test_types(plan, field, given, typed):
    record = plan.record({field: given})
    assert record.get(field) == typed
    assert type(record.get(field)) is type(typed)
    assert record.errors == []


@pytest.mark.parametrize(
    ("field", "given", "why"),
    [
        ("impact", "4", "none of 1, 2, 3"),
        ("impact", True, "must be text"),
        ("customer.tier", ["vip"], "must be text"),
        ("count", "3", "must be a whole number, not text"),
        ("count", True, "must be a whole number, not true or false"),
        ("count", 3.5, "must be a whole number"),
        ("count", float("nan"), "must be a whole number, not nan"),
        ("count", float("inf"), "must be a whole number, not inf"),
        ("count", 2**62, "2^62"),
        ("amount", float("nan"), "finite"),
        ("amount", float("-inf"), "finite"),
        ("amount", "1.5", "must be a number"),
        ("amount", 10**400, "2^62"),
        ("repeat", "true", "true or false"),
        ("repeat", 1, "true or false"),
        ("ordered", "2026-01-05T09:00:00", "offset"),
        ("ordered", "2026-01-05", "offset"),
        ("ordered", "yesterday", "ISO-8601"),
        ("ordered", "9999-12-31T23:59:59-05:00", "9999"),
        ("ordered", 1_767_000_000, "ISO-8601"),
        ("waited", "P1M", "ISO-8601"),
        ("waited", "P", "ISO-8601"),
        ("waited", 5, "ISO-8601"),
        ("customer.id", 17, "must be text"),
        ("customer.id", "x" * 1_025, "at most 1024"),
        ("labels", 3, "list"),
        ("labels", [1], "must be text"),
        ("labels", ["x"] * 1_001, "at most 1000"),
        ("skills", ["c"], "none of a, b"),
        ("text.body", 3, "must be text"),
    ],
)
def test_refused_values_are_errors_not_missing(plan, field, given, why):
    record = plan.record({field: given})
    assert record.get(field) is None
    assert why in record.error(field).message
    assert [error.field for error in record.errors] == [field]
    assert record.truth(Atom(field, Op.MISSING)) is None


def test_missing_fields_have_their_defaults(plan):
    record = plan.record({"count": None, "channel": "  ", "text.subject": "", "labels": []})
    assert record.get("channel") == "web"
    assert record.get("count") == 0
    assert record.get("text.subject") is None
    assert record.get("labels") is None
    assert record.truth(Atom("labels", Op.MISSING)) is True
    assert record.flags == record.errors == []


def test_an_unknown_spelling_becomes_other_and_is_flagged(plan):
    record = plan.record({"channel": "carrier pigeon"})
    assert record.get("channel") == "other"
    assert [(f.code, "carrier pigeon" in f.message) for f in record.flags] == [("UNKNOWN_VALUE", True)]


def test_messages_never_show_a_personal_value(plan):
    record = plan.record({"secret": "my illness", "customer.id": ["my illness"], "text.body": {"my illness": 1}})
    assert "illness" not in repr((record.flags, record.errors))
    assert len(record.errors) == 3


def test_unknown_and_derived_fields_are_flagged_and_ignored(plan):
    record = plan.record({"no.such": 1, "category": "complaint"})
    assert [f.code for f in record.flags] == ["UNKNOWN_FIELD", "DERIVED_FIELD"]
    assert record.get("no.such") is None
    assert record.get("category") is None


def test_a_range_and_a_promise_are_kept(cases):
    fields = [
        Field("age", FieldType.INTEGER, always=True, least=Decimal(0), most=Decimal(130)),
        Field("weight", FieldType.DECIMAL, least=Decimal("0.5")),
    ]
    vocabulary = Vocabulary({field.name: field for field in fields})
    plan = FactPlan(cases.rulebook_of(vocabulary, [Atom("age", Op.AT_LEAST, (18,))], []))
    for given, refused, flags in (
        ({"age": 0, "weight": 0.5}, [], []),
        ({"age": 130, "weight": 3}, [], []),
        ({"age": 131}, ["must be at most 130"], []),
        ({"age": -1, "weight": 0.4}, ["must be at least 0", "must be at least 0.5"], []),
        ({"weight": 1}, [], ["MISSING_FACT"]),
        ({"age": None}, [], ["MISSING_FACT"]),
    ):
        record = plan.record(given)
        assert [error.message for error in record.errors] == refused
        assert [flag.code for flag in record.flags] == flags


def test_a_hostile_event_cannot_swell_its_flags(plan):
    record = plan.record({f"unknown.{n}\0\ud800": "x" for n in range(10_000)} | {"y" * 10**6: 1})
    assert len(record.flags) == 51
    json.dumps([f.message for f in record.flags]).encode()
    assert sum(len(f.message) for f in record.flags) < 10_000
    assert "\0" not in record.flags[0].message


def test_a_long_text_is_cut_and_flagged(plan):
    record = plan.record({"text.body": "a" * 65_530 + "起火 fire beyond"})
    assert len(record.get("text.body")) == 65_536
    assert [f.code for f in record.flags] == ["TEXT_CUT"]
    assert record.truth(Atom("text", Op.MENTIONS, ("safety",))) is True


def test_a_megabyte_of_expanding_characters_is_survived(plan):
    record = plan.record({"text.body": "\ufdfa" * 1_000_000})
    assert record.truth(Atom("text", Op.MENTIONS, ("safety",))) is False


def test_composite_text_joins_its_parts(plan):
    assert plan.record({"text.subject": "a", "text.body": "b"}).get("text") == "a\nb"
    assert plan.record({"text.body": "b"}).get("text") == "b"
    assert plan.record({}).get("text") is None
    broken = plan.record({"text.subject": "起火", "text.body": 5})
    assert broken.truth(Atom("text", Op.MENTIONS, ("safety",))) is None
    assert [error.field for error in broken.errors] == ["text.body"]


def test_extra_facts_win_and_may_be_derived(plan):
    now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    extra = {
        "count": 5,
        "category": "inquiry",
        "ordered": now,
        "waited": timedelta(minutes=2),
        "labels": frozenset({"x"}),
        "not.there": 1,
    }
    record = plan.record({"count": "bad"}, extra)
    assert [record.get(name) for name in extra] == [5, "inquiry", now, 120, frozenset({"x"}), None]
    assert record.error("count") is None


def test_setting_a_fact_forgets_what_was_known_of_it(plan):
    record = plan.record({"text.body": "nothing"})
    mentions, complaint = Atom("text", Op.MENTIONS, ("safety",)), Atom("category", Op.EQ, ("complaint",))
    assert (record.truth(mentions), record.truth(complaint)) == (False, False)
    record.set("category", "complaint")
    record.set("text.body", "起火")
    assert (record.truth(mentions), record.truth(complaint)) == (True, True)
    record.set("category", "nonsense")
    assert record.truth(complaint) is None
    record.set("category", None)
    assert record.truth(complaint) is False
    record.set("labels", ["b", "a"])
    assert record.get("labels") == {"a", "b"}


def test_values_as_they_travel(plan):
    record = plan.record({"ordered": "2026-01-05T09:00:00+08:00", "labels": ["b", "a"], "count": 2, "repeat": True})
    assert [record.value(n) for n in ("ordered", "labels", "count", "repeat", "amount")] == [
        "2026-01-05T01:00:00Z",
        ["a", "b"],
        2,
        True,
        None,
    ]


def test_a_default_that_is_no_value_is_refused_at_once(cases):
    vocabulary = Vocabulary({"n": Field("n", FieldType.INTEGER, default="three")})
    with pytest.raises(InvalidInput, match=r"n: its default must be a whole number"):
        FactPlan(cases.rulebook_of(vocabulary, []))
