"""Generated rulebooks and records, and a run that holds the durable matcher against plain evaluation of the trees.

Run as a script, so that a crash of the C engine is a result: prints one JSON object.
"""

# ruff: noqa: E402 - as a script it must find the project first

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [path for part in (".", "service", "connectors") if (path := str(ROOT / part)) not in sys.path]

from answerby.domain.condition import ALWAYS, All, AnyOf, Atom, Condition, Not, Op
from answerby.domain.errors import CalendarYearMissing
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.matching.reference import ReferenceMatcher
from answerby.rules.model.rulebook import Block, HitPolicy, Lexicon, Numbering, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

WORDS = ("起火", "refund", "退款", "爆炸", "c++", "late", "Ｌate", "投诉", "🔥", "électrique", "no-go", "x")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class OfficeHours:
    """Stands in for a calendar: open from 9 to 17 UTC; of 2027 nothing is known."""

    def is_working(self, instant: datetime) -> bool:
        if instant.year == 2027:
            raise CalendarYearMissing("2027 is not known")
        return 9 <= instant.hour < 17


def rulebook_of(vocabulary, conditions, lexicons=(), calendars=None, stage="priority") -> Rulebook:
    rules = tuple(
        Rule(f"rule-{i}", stage, "block", when, {}, "because", "rules.yaml", i + 1, (100, 100, f"rule-{i}", 0))
        for i, when in enumerate(conditions)
    )
    block = Block("block", stage, HitPolicy.COLLECT, rules)
    return Rulebook(
        revision="generated",
        vocabulary=vocabulary,
        stages=(Stage(stage, HitPolicy.COLLECT, (block,)),),
        lexicons={lexicon.id: lexicon for lexicon in lexicons},
        calendars=calendars or {},
        clocks={},
        ladders={},
        templates={},
        roles={},
        numbering=Numbering(),
    )


class Generator:
    """One vocabulary with rules and records for it, all from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lexicons = [Lexicon(f"lexicon{n}", tuple(self.random.sample(WORDS, 3))) for n in range(3)]
        self.fields = {field.name: field for field in self._fields()}

    def _fields(self) -> list[Field]:
        choose = self.random
        fields = []
        for n in range(choose.randint(1, 6)):
            values = tuple(f"value{v}" for v in range(choose.randint(2, 6)))
            other = values[-1] if choose.random() < 0.3 else ""
            default = choose.choice([*values, None, None])
            fields.append(Field(f"enum.{n}", FieldType.ENUM, values, other=other, default=default))
        fields += [
            Field(f"integer.{n}", FieldType.INTEGER, default=choose.choice([None, 0, 3]))
            for n in range(choose.randint(1, 3))
        ]
        return [
            *fields,
            Field("flag", FieldType.BOOLEAN, default=choose.choice([None, False])),
            Field("amount", FieldType.DECIMAL),
            Field("customer.id", FieldType.STRING),
            Field("at", FieldType.INSTANT),
            Field("tags", FieldType.SET),
            Field("text.subject", FieldType.TEXT),
            Field("text.body", FieldType.TEXT),
            Field("text", FieldType.TEXT, parts=("text.subject", "text.body")),
        ]

    def rulebook(self) -> Rulebook:
        size = self.random.choice([1, 3, 10, 30, 60, 60, 120, 200])
        conditions = [self.condition(self.random.choice([0, 1, 1, 1, 2, 3, 4])) for _ in range(size)]
        return rulebook_of(Vocabulary(self.fields), conditions, self.lexicons, {"office": OfficeHours()})

    def condition(self, depth: int) -> Condition:
        choose = self.random
        if choose.random() < 0.02:
            return choose.choice([ALWAYS, AnyOf(()), Not(ALWAYS)])
        if depth == 0:
            return self.atom()
        children = tuple(self.condition(choose.randint(0, depth - 1)) for _ in range(choose.randint(1, 4)))
        kind = choose.random()
        if kind < 0.55:
            return All(children)
        return AnyOf(children) if kind < 0.85 else Not(children[0])

    def atom(self) -> Atom:
        choose = self.random
        # Most rules ask for enum values, as real ones do.
        enums = [f for f in self.fields.values() if f.type is FieldType.ENUM]
        field = choose.choice(enums) if choose.random() < 0.5 else choose.choice(list(self.fields.values()))
        if choose.random() < 0.08:
            return Atom(field.name, Op.MISSING)
        op, operands = self._test_of(field)
        return Atom(field.name, op, tuple(sorted(operands, key=repr)))

    def _test_of(self, field: Field) -> tuple[Op, tuple]:
        choose = self.random
        comparison = choose.choice([Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN])
        match field.type:
            case FieldType.ENUM:
                if choose.random() < 0.6:
                    return Op.EQ, (choose.choice(field.values),)
                return Op.IN, tuple(choose.sample(field.values, choose.randint(1, len(field.values))))
            case FieldType.INTEGER:
                if choose.random() < 0.2:
                    return Op.IN, (choose.randint(-3, 6), choose.randint(7, 9))
                return choose.choice([Op.EQ, comparison]), (choose.choice([-(2**61), -3, 0, 1, 2, 3, 4, 5, 2**61]),)
            case FieldType.BOOLEAN:
                return Op.EQ, (choose.random() < 0.5,)
            case FieldType.DECIMAL:
                return comparison, (choose.choice(["0.5", "1.25", "-3", 2]),)
            case FieldType.STRING:
                return choose.choice([(Op.EQ, ("costarring",)), (Op.IN, ("c1", "liquid")), (Op.STARTS_WITH, ("C",))])
            case FieldType.INSTANT:
                return choose.choice([(Op.INSIDE, ("office",)), (comparison, (START.isoformat(),))])
            case FieldType.SET:
                return Op.HAS_ANY, tuple(choose.sample(["a", "b", "c", "d"], 2))
            case _:
                return choose.choice(
                    [
                        (Op.MENTIONS, tuple(choose.sample([lexicon.id for lexicon in self.lexicons], 2))),
                        (Op.STARTS_WITH, ("REFUND", "退款")),
                        (Op.EQUALS, ("late x",)),
                        (Op.MATCHES, (r"\d{3}", "退.?款")),
                    ]
                )

    def given(self) -> dict[str, object]:
        """Missing fields, refused values and unknown fields included."""
        choose = self.random
        missing = choose.choice([0.0, 0.2, 0.5])
        broken = choose.choice([0.0, 0.0, 0.1])
        given: dict[str, object] = {}
        for field in self.fields.values():
            if field.parts or choose.random() < missing:
                continue
            if choose.random() < broken:
                given[field.name] = choose.choice([["x"], float("nan"), "no such value", 10**30, {"a": 1}])
            else:
                given[field.name] = self._value_of(field)
        if choose.random() < 0.05:
            given["no.such.field"] = 1
        return given

    def _value_of(self, field: Field) -> object:
        choose = self.random
        match field.type:
            case FieldType.ENUM:
                return choose.choice(field.values)
            case FieldType.INTEGER:
                return choose.choice([-(2**61), -4, -3, 0, 1, 2, 3, 4, 5, 6, 8, 2**61, 2**62 - 1, -(2**62) + 1])
            case FieldType.BOOLEAN:
                return choose.random() < 0.5
            case FieldType.DECIMAL:
                return choose.choice([0.5, 0.49, 1.25, 1, 2, -3, 1e-05, 1e17, 0.00012345678])
            case FieldType.STRING:
                return choose.choice(["costarring", "liquid", "c1", "C1", "5"])
            case FieldType.INSTANT:
                return (START + timedelta(hours=choose.randint(-12, 12), days=choose.choice([0, 0, 365]))).isoformat()
            case FieldType.SET:
                return choose.sample(["a", "b", "c", "d", "e"], choose.randint(0, 3))
            case _:
                return choose.choice(["", " ", "，"]).join(
                    choose.choices((*WORDS, "123", "on time"), k=choose.randint(0, 5))
                )


def truth(condition: Condition, record: Record) -> bool | None:
    """Kleene's logic, written down once more: minimum, maximum and complement over False < error < True."""
    return {0.0: False, 0.5: None, 1.0: True}[degree(condition, record)]


def degree(condition: Condition, record: Record) -> float:
    match condition:
        case Atom():
            return {False: 0.0, None: 0.5, True: 1.0}[record.truth(condition)]
        case Not(child):
            return 1.0 - degree(child, record)
        case All(children):
            return min((degree(child, record) for child in children), default=1.0)
        case AnyOf(children):
            return max((degree(child, record) for child in children), default=0.0)


def expected(rulebook: Rulebook, record: Record) -> MatchSet:
    truths = [truth(rule.when, record) for rule in rulebook.stages[0].rules]
    return MatchSet(
        tuple(i for i, t in enumerate(truths) if t is True), tuple(i for i, t in enumerate(truths) if t is None)
    )


def run(seed: int, cases: int, records_per_rulebook: int = 100) -> dict[str, object]:
    """Compares both matchers with plain evaluation on records of their own each; stops at the first difference."""
    from answerby.engine.matching.durable import (
        DurableMatcher,  # the rest of this module is of use without the extension
    )

    result = {"cases": 0, "rules": 0, "matched": 0, "failed": 0, "full": 0, "faults": 0, "difference": ""}
    while result["cases"] < cases:
        seed += 1
        generator = Generator(seed)
        rulebook = generator.rulebook()
        plan = FactPlan(rulebook)
        durable, reference = DurableMatcher(rulebook, plan, remember=0), ReferenceMatcher(rulebook, plan)
        result["rules"] += len(rulebook.stages[0].rules)
        for number in range(records_per_rulebook):
            given = generator.given()
            want = expected(rulebook, plan.record(given))
            seen, plain = (matcher.match("priority", plan.record(given)) for matcher in (durable, reference))
            result["cases"] += 1
            result["matched"] += len(want.matched)
            result["failed"] += len(want.failed)
            result["full"] += len(want.matched) == len(rulebook.stages[0].rules)
            if not want == seen == plain:
                result["difference"] = (
                    f"seed {seed}, record {number}: expected {want}, durable {seen}, reference {plain}"
                )
                return result
        result["faults"] += durable.faults
        durable.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", type=int, required=True)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.seed, arguments.cases)))


if __name__ == "__main__":
    main()
