"""Values and conditions in the words of the rule files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, timedelta

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op

WORDS = {
    Op.EQ: "is",
    Op.IN: "is one of",
    Op.AT_LEAST: "at least",
    Op.AT_MOST: "at most",
    Op.MORE_THAN: "more than",
    Op.LESS_THAN: "less than",
    Op.HAS_ANY: "has",
    Op.MENTIONS: "mentions",
    Op.STARTS_WITH: "starts with",
    Op.EQUALS: "equals",
    Op.MATCHES: "matches",
    Op.INSIDE: "inside",
}


def condition_text(condition: Condition) -> str:
    match condition:
        case Atom(field, Op.MISSING):
            return f"{field} is missing"
        case Atom(field, op, operands):
            return f"{field} {WORDS[op]} {', '.join(map(value_text, operands))}"
        case Not(child):
            return f"not ({condition_text(child)})"
        case All(()):
            return "always"
        case All(children):
            return " and ".join(map(_nested, children))
        case AnyOf(children):
            return " or ".join(map(_nested, children))


def _nested(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, (All, AnyOf)) else text


def value_text(value: object) -> str:
    """Any value of a rulebook in words, never as Python writes it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}s"
        case Atom() | Not() | All() | AnyOf():
            return condition_text(value)
        case Mapping():
            return _named({str(key): item for key, item in value.items()})
        case set() | frozenset():
            return value_text(sorted(value, key=str))
        case list() | tuple():
            return "[" + ", ".join(map(value_text, value)) + "]"
        case _ if names := attribute_names(value):
            found = {name: getattr(value, name) for name in names}
            return _named({name: item for name, item in found.items() if not _is_nothing(item)})
        case _:
            return str(value)


def _is_nothing(value: object) -> bool:
    """Whether an attribute has the value that is the same as none."""
    return value is None or value in ("", (), 0) or value == {}


def _named(items: Mapping[str, object]) -> str:
    return f"({', '.join(f'{name}={value_text(item)}' for name, item in items.items())})"


def attribute_names(item: object) -> tuple[str, ...]:
    """The attributes of a dataclass or a struct that count in comparisons; none for anything else."""
    if dataclasses.is_dataclass(item):
        return tuple(field.name for field in dataclasses.fields(item) if field.compare)
    return tuple(getattr(item, "__struct_fields__", ()))
