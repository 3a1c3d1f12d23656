"""The safe envelope of durable-rules: the rules that the C engine handles. Beyond it, it crashes or is wrong.

The limits are checked on the very rules that the engine gets, so that faults of the compiler are found too.
"""

# Stays interpreted: it runs once per rulebook, and tests change its limits.
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from answerby.domain.errors import EngineLimit

RULES_PER_RULESET = 4_000
RULES_PER_KIND = 48
"""All rules of a kind may be true together, and the engine holds 64 results."""
CONDITIONS_PER_NODE = 400
"""512 distinct conditions below one node hang the engine."""
RULES_PER_LAST_CONDITION = 200
PROPERTIES_PER_FACT = 60
HIGHEST_PRIORITY_NUMBER = 60_000
INTEGER_LIMIT = 2**62
COMPARISONS = frozenset({"$lt", "$lte", "$gt", "$gte"})
KIND = "kind"
RESERVED = ("id", "sid", "$s", KIND)
SYMBOL_NAMES = tuple(f"f{n}" for n in range(PROPERTIES_PER_FACT))
PREDICATE_NAMES = tuple(f"p{n}" for n in range(PROPERTIES_PER_FACT))
PROPERTY_NAMES = SYMBOL_NAMES + PREDICATE_NAMES
"""All property names of facts for the engine. Each kind of fact gives the names its own meaning."""


def fnv1a_32(text: str) -> int:
    """The hash by which the engine tells property names apart (FNV-1a). It never compares the names themselves."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def check_names(names: Iterable[str]) -> None:
    """Raises EngineLimit when two names have the same hash, as the engine would confuse them."""
    by_hash: dict[int, str] = {}
    for name in names:
        other = by_hash.setdefault(fnv1a_32(name), name)
        if other != name:
            raise EngineLimit(f"the property names {other!r} and {name!r} have the same hash; rename one")


def check_ruleset(stage: str, ruleset: Mapping[str, Any]) -> None:
    """Raises EngineLimit, naming stage and remedy, unless every rule has a safe shape and all limits are kept."""
    if len(ruleset) > RULES_PER_RULESET:
        raise EngineLimit(
            f"stage {stage}: {len(ruleset)} conjunctions, the engine takes {RULES_PER_RULESET}; "
            "use fewer rules in this stage or fewer `any` in them, or set the engine to `reference`"
        )
    kinds: dict[int, list[list[str]]] = {}
    for name, rule in ruleset.items():
        tests = _tests(stage, name, rule)
        kinds.setdefault(tests[0][KIND], []).append([_test(stage, name, test) for test in tests[1:]])
    _limit(stage, "kinds of facts", len(kinds), CONDITIONS_PER_NODE)
    for rules in kinds.values():
        _check_kind(stage, rules)


def _check_kind(stage: str, rules: list[list[str]]) -> None:
    """`rules` are the rules of one kind, each the list of its tests as text, the property first."""
    conditions = {test for rule in rules for test in rule}
    last = Counter(rule[-1] if rule else KIND for rule in rules)
    _limit(stage, "rules of one kind", len(rules), RULES_PER_KIND)
    _limit(stage, "conditions of one node", len(conditions), CONDITIONS_PER_NODE)
    _limit(stage, "rules with one last condition", max(last.values()), RULES_PER_LAST_CONDITION)
    # The kind and the id are two more properties of the fact.
    _limit(stage, "properties of a fact", len({c.split()[0] for c in conditions}) + 2, PROPERTIES_PER_FACT)


def _tests(stage: str, name: str, rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    if set(rule) != {"all", "pri"} or not _is_integer(rule["pri"], 0, HIGHEST_PRIORITY_NUMBER):
        raise _unsafe(stage, name, "needs `all` and a `pri` between 0 and 60000, and nothing else")
    aliases = rule["all"]
    if not isinstance(aliases, list) or len(aliases) != 1 or len(aliases[0]) != 1:
        raise _unsafe(stage, name, "must ask for exactly one fact")
    (body,) = aliases[0].values()
    if not isinstance(body, dict) or set(body) != {"$and"} or not isinstance(body["$and"], list) or not body["$and"]:
        raise _unsafe(stage, name, "must be a flat `$and` that is not empty")
    tests = body["$and"]
    if any(not isinstance(test, dict) or len(test) != 1 for test in tests):
        raise _unsafe(stage, name, "every test must have exactly one key")
    if not _is_integer(tests[0].get(KIND), 0, INTEGER_LIMIT):
        raise _unsafe(stage, name, "the first test must be the kind")
    return tests


def _test(stage: str, name: str, test: Mapping[str, Any]) -> str:
    """The test as `property operator value`."""
    ((key, value),) = test.items()
    operator = "$eq"
    if key in COMPARISONS:
        if not isinstance(value, dict) or len(value) != 1:
            raise _unsafe(stage, name, f"{key} must compare one property")
        operator = key
        ((key, value),) = value.items()
    if key not in _KNOWN_NAMES:
        raise _unsafe(stage, name, f"{key!r} is neither a known property nor a safe operator")
    if not _is_integer(value, -INTEGER_LIMIT + 1, INTEGER_LIMIT - 1):
        raise _unsafe(stage, name, f"{key} must be compared with an integer smaller than 2^62 in magnitude")
    return f"{key} {operator} {value}"


def _is_integer(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _limit(stage: str, what: str, count: int, limit: int) -> None:
    if count > limit:
        raise EngineLimit(
            f"stage {stage}: {count} {what}, the engine is safe up to {limit}; "
            "split the stage's largest rules, or set the engine to `reference`"
        )


def _unsafe(stage: str, rule: str, why: str) -> EngineLimit:
    return EngineLimit(f"stage {stage}, compiled rule {rule}: {why}; this is a fault of answerby, please report it")


_KNOWN_NAMES = frozenset(PROPERTY_NAMES)
