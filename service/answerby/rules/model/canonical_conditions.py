"""Conditions in one canonical form: conditions that mean the same by reordering are the same tree."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op

_LIST_OPS = {Op.EQ: Op.IN, Op.IN: Op.IN}


def atom(field: str, op: Op, operands: Iterable[str | int | bool]) -> Atom:
    """Operands sorted, each once; an IN of one value is an EQ."""
    found = tuple(sorted(set(operands), key=lambda o: (str(type(o)), o)))
    if op in _LIST_OPS:
        op = Op.EQ if len(found) == 1 else Op.IN
    return Atom(field, op, found)


def all_of(children: Iterable[Condition]) -> Condition:
    """Nested Alls flattened, each child once, in order; a single child stands for itself."""
    found = _sorted(grandchild for c in children for grandchild in (c.children if isinstance(c, All) else (c,)))
    return found[0] if len(found) == 1 else All(found)


def any_of(children: Iterable[Condition]) -> Condition:
    found = _sorted(grandchild for c in children for grandchild in (c.children if isinstance(c, AnyOf) else (c,)))
    return found[0] if len(found) == 1 else AnyOf(found)


def negate(child: Condition) -> Condition:
    return child.child if isinstance(child, Not) else Not(child)


def _sorted(children: Iterable[Condition]) -> tuple[Condition, ...]:
    found = tuple(children)
    if len(found) < 2:
        return found
    return tuple(sorted(set(found), key=sort_key))


def sort_key(condition: Condition) -> str:
    match condition:
        case Atom(field, op, operands):
            return f"{field}\0{op}\0{operands!r}"
        case Not(child):
            return f"\uffff-{sort_key(child)}"
        case All(children):
            return f"\uffff&({chr(0).join(map(sort_key, children))})"
        case AnyOf(children):
            return f"\uffff|({chr(0).join(map(sort_key, children))})"
