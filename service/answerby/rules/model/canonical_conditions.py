"""Conditions in canonical form. Conditions that differ only in the order of their parts become the same tree."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op

_LIST_OPS = {Op.EQ: Op.IN, Op.IN: Op.IN}


def atom(field: str, op: Op, operands: Iterable[str | int | bool]) -> Atom:
    """An atom with sorted operands, each once. An IN of one value becomes an EQ."""
    found = tuple(sorted(set(operands), key=lambda o: (str(type(o)), o)))
    if op in _LIST_OPS:
        op = Op.EQ if len(found) == 1 else Op.IN
    return Atom(field, op, found)


def all_of(children: Iterable[Condition]) -> Condition:
    """The conjunction, with nested Alls flattened and children sorted, each once. A single child stands for itself."""
    found = _sorted(grandchild for c in children for grandchild in (c.children if isinstance(c, All) else (c,)))
    return found[0] if len(found) == 1 else All(found)


def any_of(children: Iterable[Condition]) -> Condition:
    """The disjunction, with nested AnyOfs flattened and the children sorted, each once."""
    found = _sorted(grandchild for c in children for grandchild in (c.children if isinstance(c, AnyOf) else (c,)))
    return found[0] if len(found) == 1 else AnyOf(found)


def negate(child: Condition) -> Condition:
    """The negation. A double negation is the condition itself."""
    return child.child if isinstance(child, Not) else Not(child)


def _sorted(children: Iterable[Condition]) -> tuple[Condition, ...]:
    found = tuple(children)
    if len(found) < 2:
        return found
    return tuple(sorted(set(found), key=sort_key))


def sort_key(condition: Condition) -> str:
    """A key that sorts atoms before negations and nested conditions. Equal conditions have equal keys."""
    match condition:
        case Atom(field, op, operands):
            return f"{field}\0{op}\0{operands!r}"
        case Not(child):
            return f"\uffff-{sort_key(child)}"
        case All(children):
            return f"\uffff&({chr(0).join(map(sort_key, children))})"
        case AnyOf(children):
            return f"\uffff|({chr(0).join(map(sort_key, children))})"
