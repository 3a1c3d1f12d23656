"""Small made-up rulebooks, and everything that can happen under them: the whole product of their facts."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

from answerby.domain.condition import ALWAYS, Condition, Op
from answerby.domain.ladder import Notification
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.stages.hit import Resolution, in_force, outputs_with_defaults, resolve
from answerby.rules.model.builtin_fields import BUILTIN_FIELDS
from answerby.rules.model.canonical_conditions import all_of, any_of, atom, negate
from answerby.rules.model.rulebook import (
    STAGES,
    Block,
    HitPolicy,
    Lexicon,
    Numbering,
    Rule,
    Rulebook,
    RuleMode,
    Stage,
)
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

START = datetime(2026, 1, 1, tzinfo=UTC)
EDGES = [START + timedelta(days=n) for n in (10, 20)]
COLOURS = ("red", "green", "blue")
LEXICONS = {
    "fire": Lexicon("fire", ("fire", "burning down")),
    "burn": Lexicon("burn", ("burn", "burning")),
    "any-fire": Lexicon("any-fire", ("fire", "burning", "smoke")),
    "word": Lexicon("word", ("hello",)),
}
TEXTS = [
    None,
    "nothing",
    "fire",
    "burning",
    "burning down",
    "burn",
    "smoke",
    "hello",
    "hello fire",
    "hello burn",
    "hello smoke",
    "burn fire",
    "burn smoke",
    "fire hello burn",
    "burn smoke hello",
    "hello burning",
]
"""Every combination of lexicons that a text can mention, and more."""
VOCABULARY = Vocabulary(
    {
        field.name: field
        for field in (
            *BUILTIN_FIELDS,
            Field("colour", FieldType.ENUM, COLOURS),
            Field("size", FieldType.ENUM, ("small", "large"), default="small"),
            Field("count", FieldType.INTEGER, default=0),
            Field("weight", FieldType.DECIMAL),
            Field("urgent", FieldType.BOOLEAN),
            Field("members", FieldType.SET, ("one", "two")),
            Field("text", FieldType.TEXT),
            Field("name", FieldType.STRING),
            Field("priority", FieldType.ENUM, ("P2", "P1", "P0"), derived_by=("priority",)),
            Field("team", FieldType.STRING, derived_by=("priority",)),
            Field("tags", FieldType.SET, derived_by=("priority",)),
        )
    }
)
NAMES = [None, "bob", "Bob", "bobby", "ann"]
DOMAINS: dict[str, list[object]] = {
    "colour": [None, *COLOURS],
    "size": ["small", "large"],
    "count": [-1, 0, 1, 2, 3, 4, 5],
    "weight": [None, -1, 0, 0.5, 1, 1.5, 2, 3],
    "urgent": [None, False, True],
    "members": [None, ["one"], ["two"], ["one", "two"]],
    "text": TEXTS,
    "name": NAMES,
}


def literal(chance: random.Random, field: str) -> Condition:
    pick: dict[str, list[tuple[Op, list[object]]]] = {
        "colour": [(Op.IN, chance.sample(COLOURS, chance.randrange(1, 3))), (Op.MISSING, []), (Op.AT_LEAST, ["green"])],
        "size": [(Op.EQ, ["small"]), (Op.EQ, ["large"])],
        "count": [(op, [chance.randrange(5)]) for op in (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQ)],
        "weight": [
            (op, [chance.choice(["0", "1", "2"])])
            for op in (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQ, Op.MISSING)
        ],
        "urgent": [(Op.EQ, [True]), (Op.EQ, [False]), (Op.MISSING, [])],
        "members": [(Op.HAS_ANY, ["one"]), (Op.HAS_ANY, ["two"]), (Op.HAS_ANY, ["one", "two"]), (Op.MISSING, [])],
        "text": [(Op.MENTIONS, chance.sample(sorted(LEXICONS), chance.randrange(1, 3))), (Op.MISSING, [])],
        "name": [(Op.EQ, ["bob"]), (Op.EQUALS, ["BOB"]), (Op.STARTS_WITH, ["bo"]), (Op.MISSING, [])],
    }
    op, operands = chance.choice(pick[field])
    found = atom(field, op, () if op is Op.MISSING else operands)
    return negate(found) if chance.random() < 0.25 else found


def condition(chance: random.Random, fields: list[str]) -> Condition:
    parts = [literal(chance, field) for field in chance.sample(fields, chance.randrange(1, len(fields) + 1))]
    if len(parts) > 1 and chance.random() < 0.3:
        parts = [any_of(parts[:2]), *parts[2:]]
    if chance.random() < 0.08:
        return ALWAYS
    whole = all_of(parts)
    return negate(whole) if chance.random() < 0.1 else whole


def outputs(chance: random.Random, names: list[str]) -> dict[str, object]:
    pools = {
        "priority": ["P2", "P1", "P0"],
        "team": ["desk", "lab"],
        "tags": [["a"], ["b"], ["a", "b"]],
        "notify": [(Notification(("clerk",)),), (Notification(("chief",)), Notification(("clerk",)))],
    }
    return {name: chance.choice(pools[name]) for name in sorted(names)}


def make_stage(chance: random.Random) -> tuple[Stage, list[str]]:
    """A stage of one or two blocks, and the fields that its conditions look at."""
    fields = chance.sample(sorted(DOMAINS), chance.randrange(1, 4))
    columns = chance.choice(
        [["priority"], ["priority"], ["team"], ["priority", "team"], ["tags"], ["priority", "tags"], ["notify", "team"]]
    )
    blocks = []
    for number in range(chance.randrange(1, 4)):
        hit = chance.choice(list(HitPolicy))
        is_table = chance.random() < 0.5
        block = f"t{number}" if is_table else f"file:f{number}.yaml"
        rank = chance.choice([10, 20])
        rows = chance.randrange(1, 6 if number == 0 else 4)
        rules = []
        for row in range(1, rows + 1):
            name = f"{block}#{row}" if is_table else f"r{number}-{row}"
            chosen = columns if is_table else chance.sample(columns, chance.randrange(1, len(columns) + 1))
            order = (rank, 100, block, row) if is_table else (rank, chance.choice([1, 2]), name, 0)
            dated = chance.random()
            rules.append(
                Rule(
                    name,
                    "priority",
                    block,
                    condition(chance, fields),
                    outputs(chance, chosen),
                    "made up",
                    f"{number}.yaml",
                    row,
                    order,
                    enabled_from=EDGES[0] if dated < 0.05 else None,
                    until=EDGES[1] if 0.03 < dated < 0.08 else None,
                    mode=RuleMode.SHADOW if chance.random() < 0.04 else RuleMode.LIVE,
                )
            )
        blocks.append(Block(block, "priority", hit, tuple(sorted(rules, key=lambda r: r.order))))
    settled: dict[str, dict[str, object]] = {"default": {}, "on_error": {}}
    for part, share in (("default", 0.3), ("on_error", 0.5)):
        if chance.random() < share:
            settled[part] = outputs(chance, [c for c in columns if c != "notify"])
    return Stage("priority", chance.choice(list(HitPolicy)), tuple(blocks), **settled), fields


def make_rulebook(*stages: Stage, vocabulary: Vocabulary = VOCABULARY) -> Rulebook:
    by_name = {stage.name: stage for stage in stages}
    everything = tuple(by_name.get(name, Stage(name, HitPolicy.COLLECT, ())) for name in STAGES)
    return Rulebook("r-test", vocabulary, everything, LEXICONS, {}, {}, {}, {}, {}, Numbering())


class World:
    """Every combination of facts under a stage, decided by the engine's own parts."""

    def __init__(self, stage: Stage, fields: list[str]) -> None:
        rulebook = make_rulebook(stage)
        self.stage = stage
        self._plan = FactPlan(rulebook)
        self._rules = stage.rules
        self._conditions = [compile_condition(rule.when, self._plan) for rule in self._rules]
        self.match_sets = sorted(set(self._all_matches(fields)))

    def _all_matches(self, fields: list[str]) -> Iterator[tuple[int, ...]]:
        dated = any(rule.enabled_from or rule.until for rule in self._rules)
        times = [START, EDGES[0], EDGES[1]] if dated else [START]
        for values in product(*(DOMAINS[field] for field in fields)):
            record = self._plan.record(dict(zip(fields, values, strict=True)))
            matched = [n for n, holds in enumerate(self._conditions) if holds(record)]
            for at in times:
                yield tuple(n for n in matched if in_force(self._rules[n], at) and self._rules[n].mode is RuleMode.LIVE)

    def resolution(self, matched: tuple[int, ...]) -> Resolution:
        return resolve(self.stage, VOCABULARY, [self._rules[n] for n in matched], [])

    def outputs(self, matched: tuple[int, ...]) -> dict[str, object]:
        return {
            name: canonical(value)
            for name, value in outputs_with_defaults(self.stage, self.resolution(matched)).items()
        }


def canonical(value: object) -> object:
    return frozenset(map(repr, value)) if isinstance(value, list | tuple) else value
