"""Compiles the rules of a stage to a ruleset of the C engine, in shards within its limits."""

# Stays interpreted: it runs once per rulebook.
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from answerby.domain.condition import Condition
from answerby.engine.matching.conjunctions import Column, ColumnKind, Conjoiner, Conjunction, Test
from answerby.engine.matching.envelope import (
    KIND,
    PREDICATE_NAMES,
    PROPERTIES_PER_FACT,
    PROPERTY_NAMES,
    RESERVED,
    RULES_PER_KIND,
    RULES_PER_RULESET,
    SYMBOL_NAMES,
    check_names,
    check_ruleset,
)
from answerby.rules.model.rulebook import Stage
from answerby.rules.model.vocabulary import Vocabulary

BUDGETS = (24, 6, 1)
"""Conjunctions per rule. The next smaller budget is taken when the ruleset would be too large."""
COLUMNS_PER_SHARD = PROPERTIES_PER_FACT - 4
TESTS_PER_SHARD = 380
TESTS_PER_RULE = 40
CANARY_KIND = 0
CANARY = "canary"
CANARY_PROPERTIES = f'"{KIND}":{CANARY_KIND}'
"""The fact for which the canary rule must fire."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The conjunctions of one kind of fact. The fact has only the columns that they test."""

    columns: tuple[int, ...]
    """Positions in the program's columns."""
    template: str
    """The fact without its id; `%` fills in the values of the columns."""
    guards: tuple[tuple[int, frozenset[int]], ...]
    """Columns that every conjunction tests for equality, with the tested values. With any other value none matches."""


@dataclass(frozen=True, slots=True)
class Program:
    """One stage for the engine."""

    stage: str
    columns: tuple[Column, ...]
    shards: tuple[Shard, ...]
    ruleset: dict[str, Any]
    rules: dict[str, int]
    """Name of a compiled rule to the index of the stage's rule that it is a conjunction of."""


def compile_stage(stage: Stage, vocabulary: Vocabulary) -> Program:
    """Raises EngineLimit when the stage cannot be expressed inside the safe envelope."""
    conjunctions = _within_limit([rule.when for rule in stage.rules], vocabulary)
    columns = tuple(sorted({test.column for _, c in conjunctions for test in c}, key=_column_key))
    positions = {column: position for position, column in enumerate(columns)}
    ruleset: dict[str, Any] = {CANARY: _rule(0, [{KIND: CANARY_KIND}])}
    rules: dict[str, int] = {}
    shards: list[Shard] = []
    for kind, members in enumerate(_pack(conjunctions), start=CANARY_KIND + 1):
        names = _names(members)
        for priority, (index, conjunction) in enumerate(members):
            name = f"r{len(rules)}"
            rules[name] = index
            tests = sorted(conjunction, key=lambda test: _test_key(names, test))
            ruleset[name] = _rule(priority, [{KIND: kind}, *(_condition(names, test) for test in tests)])
        shards.append(_shard(kind, names, positions, [conjunction for _, conjunction in members]))
    check_names((*RESERVED, *PROPERTY_NAMES))
    check_ruleset(stage.name, ruleset)
    return Program(stage.name, columns, tuple(shards), ruleset, rules)


def _within_limit(conditions: list[Condition], vocabulary: Vocabulary) -> list[tuple[int, Conjunction]]:
    """The conjunctions of all rules, each with the index of its rule."""
    found: list[tuple[int, Conjunction]] = []
    for budget in BUDGETS:
        conjoiner = Conjoiner(vocabulary, budget, TESTS_PER_RULE)
        found = [(index, c) for index, when in enumerate(conditions) for c in conjoiner.conjunctions(when)]
        if len(found) < RULES_PER_RULESET:
            break
    return found


def _pack(conjunctions: list[tuple[int, Conjunction]]) -> list[list[tuple[int, Conjunction]]]:
    """The conjunctions in shards. Those that test alike come together, so that guards skip many shards."""
    shards: list[list[tuple[int, Conjunction]]] = []
    columns: set[Column] = set()
    tests: set[Test] = set()
    for index, conjunction in _alike_together(conjunctions):
        more_columns = columns | {test.column for test in conjunction}
        more_tests = tests | conjunction
        full = not shards or len(shards[-1]) >= RULES_PER_KIND
        if full or len(more_columns) > COLUMNS_PER_SHARD or len(more_tests) > TESTS_PER_SHARD:
            shards.append([])
            more_columns, more_tests = {test.column for test in conjunction}, set(conjunction)
        shards[-1].append((index, conjunction))
        columns, tests = more_columns, more_tests
    return shards


def _alike_together(conjunctions: list[tuple[int, Conjunction]]) -> list[tuple[int, Conjunction]]:
    frequency = Counter(test.column for _, c in conjunctions for test in c if test.operator == "$eq")
    order = sorted(frequency, key=lambda column: (-frequency[column], _column_key(column)))

    def key(item: tuple[int, Conjunction]) -> tuple[list[int], int]:
        values = {test.column: test.value for test in item[1] if test.operator == "$eq"}
        return [values.get(column, -1) for column in order], item[0]

    return sorted(conjunctions, key=key)


def _names(members: list[tuple[int, Conjunction]]) -> dict[Column, str]:
    """Property names of the shard's columns, the most tested columns first."""
    frequency = Counter(test.column for _, conjunction in members for test in conjunction)
    ordered = sorted(frequency, key=lambda column: (-frequency[column], _column_key(column)))
    truths = [column for column in ordered if column.kind >= ColumnKind.TRUE]
    symbols = [column for column in ordered if column.kind < ColumnKind.TRUE]
    names = dict(zip(symbols, SYMBOL_NAMES, strict=False)) | dict(zip(truths, PREDICATE_NAMES, strict=False))
    return {column: names[column] for column in ordered}


def _shard(kind: int, names: dict[Column, str], positions: dict[Column, int], conjunctions: list[Conjunction]) -> Shard:
    properties = "".join(f',"{name}":%d' for name in names.values())
    guards = []
    for column in names:
        values = [{t.value for t in c if t.column == column and t.operator == "$eq"} for c in conjunctions]
        if all(values):
            guards.append((positions[column], frozenset().union(*values)))
    guards.sort(key=lambda guard: (len(guard[1]), guard[0]))
    return Shard(
        columns=tuple(positions[column] for column in names),
        template=f'"{KIND}":{kind}{properties}',
        guards=tuple(guards),
    )


def _rule(priority: int, tests: list[dict[str, Any]]) -> dict[str, Any]:
    return {"pri": priority, "all": [{"m": {"$and": tests}}]}


def _condition(names: dict[Column, str], test: Test) -> dict[str, Any]:
    name = names[test.column]
    return {name: test.value} if test.operator == "$eq" else {test.operator: {name: test.value}}


def _test_key(names: dict[Column, str], test: Test) -> tuple[bool, int, str, int]:
    """Equalities first, the most used column of the shard first, so that rules share the engine's nodes."""
    return test.operator != "$eq", list(names).index(test.column), test.operator, test.value


def _column_key(column: Column) -> tuple[int, str]:
    return column.kind, repr(column.subject)
