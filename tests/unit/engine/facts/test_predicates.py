"""Atoms: true, false, or an error, with the expected truths written out."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from answerby.domain.condition import Atom, Op
from answerby.domain.errors import InvalidInput
from answerby.engine.facts.plan import FactPlan
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

FIELDS = [
    Field("tier", FieldType.ENUM, ("standard", "silver", "gold", "vip")),
    Field("n", FieldType.INTEGER),
    Field("amount", FieldType.DECIMAL),
    Field("repeat", FieldType.BOOLEAN),
    Field("at", FieldType.INSTANT),
    Field("waited", FieldType.DURATION),
    Field("id", FieldType.STRING),
    Field("tags", FieldType.SET),
    Field("text", FieldType.TEXT),
]
VOCABULARY = Vocabulary({field.name: field for field in FIELDS})
LEXICONS = [Lexicon("safety", ("起火", "fire")), Lexicon("refund", ("退款", "refund"))]


@pytest.fixture(scope="module")
def plan(cases) -> FactPlan:
    return FactPlan(cases.rulebook_of(VOCABULARY, [], LEXICONS, {"office": cases.OfficeHours()}))


@pytest.mark.parametrize(
    ("given", "op", "operands", "truth"),
    [
        ({"tier": "gold"}, Op.EQ, ("gold",), True),
        ({"tier": "gold"}, Op.EQ, ("vip",), False),
        ({"tier": "gold"}, Op.IN, ("gold", "vip"), True),
        ({"tier": "gold"}, Op.AT_LEAST, ("silver",), True),
        ({"tier": "gold"}, Op.MORE_THAN, ("gold",), False),
        ({"tier": "gold"}, Op.AT_MOST, ("gold",), True),
        ({"tier": "gold"}, Op.LESS_THAN, ("gold",), False),
        ({"tier": None}, Op.AT_LEAST, ("standard",), False),
        ({"tier": None}, Op.MISSING, (), True),
        ({"tier": "gold"}, Op.MISSING, (), False),
        ({"tier": "lead"}, Op.EQ, ("gold",), None),
        ({"tier": "lead"}, Op.MISSING, (), None),
        ({"n": 3}, Op.AT_LEAST, (3,), True),
        ({"n": 3}, Op.MORE_THAN, (3,), False),
        ({"n": 3}, Op.AT_MOST, (3,), True),
        ({"n": 3}, Op.LESS_THAN, (3,), False),
        ({"n": 3}, Op.IN, (1, 3), True),
        ({"n": 0}, Op.EQ, (0,), True),
        ({"n": 0}, Op.MISSING, (), False),
        ({"n": None}, Op.EQ, (0,), False),
        ({"n": "3"}, Op.EQ, (3,), None),
        ({"amount": 0.1}, Op.AT_LEAST, ("0.1",), True),
        ({"amount": 0.1}, Op.MORE_THAN, ("0.1",), False),
        ({"amount": 100}, Op.AT_MOST, ("100.00",), True),
        ({"repeat": False}, Op.EQ, (False,), True),
        ({"repeat": True}, Op.EQ, (False,), False),
        ({"at": "2026-01-05T09:00:00+00:00"}, Op.AT_LEAST, ("2026-01-05T17:00:00+08:00",), True),
        ({"at": "2026-01-05T09:00:00+00:00"}, Op.INSIDE, ("office",), True),
        ({"at": "2026-01-05T17:00:00+00:00"}, Op.INSIDE, ("office",), False),
        ({"at": "2027-01-05T09:00:00+00:00"}, Op.INSIDE, ("office",), None),
        ({"at": None}, Op.INSIDE, ("office",), False),
        ({"waited": "PT2H"}, Op.MORE_THAN, ("PT90M",), True),
        ({"waited": "PT2H"}, Op.MORE_THAN, (7_200,), False),
        ({"id": "C1"}, Op.EQ, ("c1",), False),
        ({"id": "C1"}, Op.STARTS_WITH, ("c",), True),
        ({"tags": ["a", "b"]}, Op.HAS_ANY, ("b", "z"), True),
        ({"tags": ["a"]}, Op.HAS_ANY, ("b",), False),
        ({"tags": None}, Op.HAS_ANY, ("b",), False),
        ({"text": "手机起火"}, Op.MENTIONS, ("safety",), True),
        ({"text": "手机起火"}, Op.MENTIONS, ("refund",), False),
        ({"text": "Fire!"}, Op.MENTIONS, ("refund", "safety"), True),
        ({"text": "  ＲＥ: order"}, Op.STARTS_WITH, ("fw:", "re:"), True),
        ({"text": "ＯＫ　\n thanks"}, Op.EQUALS, ("ok thanks",), True),
        ({"text": "订单　ＡＢ１２３４"}, Op.MATCHES, (r"[A-Z]{2}\d{4}",), True),
        ({"text": "ab1234"}, Op.MATCHES, (r"[A-Z]{2}\d{4}",), False),
        ({"text": "ab1234"}, Op.MATCHES, (r"(?i)[A-Z]{2}\d{4}",), True),
        ({"text": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}, Op.MATCHES, (r"^(a+)+$",), False),
        ({"text": None}, Op.MATCHES, (".",), False),
        ({"text": 5}, Op.MENTIONS, ("safety",), None),
    ],
)
def test_truth(plan, given, op, operands, truth):
    (field,) = given
    assert plan.record(given).truth(Atom(field, op, operands)) is truth


@pytest.mark.parametrize(
    ("atom", "why"),
    [
        (Atom("nowhere", Op.EQ, (1,)), "not in the vocabulary"),
        (Atom("tier", Op.EQ, ("platinum",)), "none of the field's values"),
        (Atom("tier", Op.EQ, ()), "needs an operand"),
        (Atom("n", Op.EQ, ("3",)), "whole number"),
        (Atom("n", Op.AT_LEAST, (1, 2)), "one operand"),
        (Atom("n", Op.MENTIONS, ("safety",)), "does not apply"),
        (Atom("text", Op.AT_LEAST, ("a",)), "does not apply"),
        (Atom("tags", Op.EQ, ("a",)), "does not apply"),
        (Atom("amount", Op.EQ, ("much",)), "not a number"),
        (Atom("at", Op.INSIDE, ("nowhere",)), "no calendar"),
        (Atom("at", Op.AT_LEAST, ("2026-01-05T09:00:00",)), "offset"),
        (Atom("text", Op.MATCHES, ("(",)), "RE2"),
        (Atom("text", Op.MATCHES, (r"(a)\1",)), "RE2"),
    ],
)
def test_an_atom_that_does_not_fit_is_refused_when_compiled(cases, atom, why):
    with pytest.raises(InvalidInput, match=why):
        FactPlan(cases.rulebook_of(VOCABULARY, [atom], LEXICONS, {"office": cases.OfficeHours()}))


def test_inside_a_working_calendar(cases):
    from answerby.sla.calendar import Calendar

    hours = ((9 * 3600, 18 * 3600),)
    calendar = Calendar(
        id="cn",
        timezone="Asia/Shanghai",
        weekly=(hours,) * 5 + ((), ()),
        holidays={date(2026, 1, 1): "元旦"},
        years=frozenset({2026}),
    )
    atom = Atom("at", Op.INSIDE, ("cn",))
    plan = FactPlan(cases.rulebook_of(VOCABULARY, [atom], (), {"cn": calendar}))
    assert ZoneInfo(calendar.timezone)
    truths = {
        at: plan.record({"at": at}).truth(atom)
        for at in (
            "2026-01-05T09:00:00+08:00",
            "2026-01-05T18:00:00+08:00",
            "2026-01-04T10:00:00+08:00",
            "2026-01-01T10:00:00+08:00",
            "2031-01-06T10:00:00+08:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
        )
    }
    assert list(truths.values()) == [True, False, False, False, None, None, None]
