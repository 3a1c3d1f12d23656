"""The safe envelope: every limit of the C engine refuses what lies beyond it, naming the stage."""

from __future__ import annotations

import pytest

from answerby.domain.condition import ALWAYS, All, AnyOf, Atom, Not, Op
from answerby.domain.errors import EngineLimit
from answerby.engine.matching.durable_compiler import compile_stage
from answerby.engine.matching.envelope import PROPERTY_NAMES, RESERVED, check_names, check_ruleset, fnv1a_32
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary


def rule(*tests, kind=1, **changes):
    return {"pri": 0, "all": [{"m": {"$and": [{"kind": kind}, *tests]}}]} | changes


def refused(ruleset, why):
    with pytest.raises(EngineLimit, match=why) as raised:
        check_ruleset("priority", ruleset)
    assert "priority" in raised.value.message


def test_a_safe_ruleset_passes():
    check_ruleset("priority", {"a": rule(), "b": rule({"f0": 1}, {"p3": 1}, {"$gte": {"f2": -5}})})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (rule(count=3), "nothing else"),
        (rule(run="x"), "nothing else"),
        (rule(pri=-1), "between 0 and 60000"),
        (rule(pri=60_001), "between 0 and 60000"),
        (rule(all=[]), "exactly one fact"),
        (rule(all=[{"a": {}}, {"b": {}}]), "exactly one fact"),
        (rule(all=[{"m": {"$and": []}}]), "not empty"),
        (rule(all=[{"m": {"$or": [{"kind": 1}]}}]), "flat"),
        (rule(all=[{"m": {"$and": [{"f0": 1}, {"kind": 1}]}}]), "first test must be the kind"),
        (rule(all=[{"m": {"$and": [{"kind": "1"}]}}]), "first test must be the kind"),
        (rule({"f0": 1, "f1": 2}), "exactly one key"),
        (rule({}), "exactly one key"),
        (rule({"$or": [{"f0": 1}]}), "safe operator"),
        (rule({"$nex": {"f0": 1}}), "safe operator"),
        (rule({"$mt": {"f0": "x"}}), "safe operator"),
        (rule({"customer.id": 1}), "known property"),
        (rule({"$gte": {"f0": 1, "f1": 1}}), "one property"),
        (rule({"f0": "text"}), "integer"),
        (rule({"f0": True}), "integer"),
        (rule({"f0": 1.5}), "integer"),
        (rule({"f0": None}), "integer"),
        (rule({"f0": 2**62}), "2\\^62"),
        (rule({"$lt": {"f0": {"m": "f1"}}}), "integer"),
    ],
)
def test_unsafe_shapes(bad, why):
    refused({"good": rule(), "bad": bad}, why)


def test_too_many_rules_of_a_kind():
    refused({f"r{n}": rule({"f0": n}) for n in range(49)}, "49 rules of one kind, the engine is safe up to 48")


def test_too_many_conditions_of_a_node():
    wide = {f"r{n}": rule(*({"$gte": {f"f{p}": n}} for p in range(9))) for n in range(48)}
    refused(wide, "432 conditions of one node, the engine is safe up to 400")


def test_too_many_kinds():
    refused({f"r{n}": rule(kind=n) for n in range(401)}, "401 kinds of facts")


def test_too_many_properties():
    refused({"r": rule(*({f"f{n}": 1} for n in range(59)))}, "61 properties of a fact")


def test_too_many_rules():
    refused({f"r{n}": rule(kind=n // 40) for n in range(4_001)}, "4001 conjunctions, the engine takes 4000")


def test_names_with_one_hash_are_told():
    # The engine's notorious pair.
    assert fnv1a_32("costarring") == fnv1a_32("liquid")
    with pytest.raises(EngineLimit, match="'costarring' and 'liquid'"):
        check_names(["kind", "costarring", "liquid"])
    check_names([*RESERVED, *PROPERTY_NAMES])


def test_the_hash_is_the_published_one():
    assert [fnv1a_32(text) for text in ("", "a", "foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]


FIELDS = [Field(f"e{n}", FieldType.ENUM, tuple(f"v{v}" for v in range(8))) for n in range(70)]
VOCABULARY = Vocabulary({field.name: field for field in FIELDS})


def eq(field: int, value: int) -> Atom:
    return Atom(f"e{field}", Op.EQ, (f"v{value}",))


def compiled(cases, conditions):
    return compile_stage(cases.rulebook_of(VOCABULARY, conditions).stages[0], VOCABULARY)


def test_one_any_becomes_one_conjunction_each(cases):
    program = compiled(cases, [AnyOf((eq(0, 1), eq(1, 1))), eq(2, 1), ALWAYS, AnyOf(())])
    assert sorted(program.rules.values()) == [0, 0, 1, 2]


def test_an_exploding_condition_is_decided_in_the_facts(cases):
    exploding = All(tuple(AnyOf((eq(n, 1), eq(n + 1, 2))) for n in range(0, 40, 2)))
    program = compiled(cases, [exploding])
    assert 1 <= len(program.rules) <= 24
    wide = All(tuple(eq(n, 1) for n in range(70)))
    assert len(compiled(cases, [wide, Not(wide)]).rules) == 2


def test_many_rules_are_spread_over_kinds(cases):
    program = compiled(cases, [All((eq(n % 60, n % 8), eq((n + 1) % 60, 3))) for n in range(2_000)])
    assert len(program.rules) == 2_000
    assert len(program.shards) >= 2_000 / 48


def test_a_stage_that_would_expand_beyond_the_engine_is_expanded_less(cases):
    conditions = [AnyOf((eq(n % 60, 1), eq((n + 7) % 60, 2), eq((n + 9) % 60, n % 8))) for n in range(3_000)]
    assert len(compiled(cases, conditions).rules) == 3_000


def test_a_stage_beyond_the_engine_is_refused(cases):
    with pytest.raises(EngineLimit, match=r"stage priority: 4001 conjunctions.*`reference`"):
        compiled(cases, [eq(n % 60, n % 8) for n in range(4_000)])
