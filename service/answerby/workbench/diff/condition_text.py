"""Values and conditions in the words of the rule files."""

from __future__ import annotations

from datetime import datetime

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
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return "[" + ", ".join(value_text(item) for item in value) + "]"
        case _:
            return str(value)
