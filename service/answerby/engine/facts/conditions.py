"""Conditions as functions of a record, in Kleene's three-valued logic: the definition of their meaning."""

from __future__ import annotations

from functools import partial

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import UNSET, Evaluator, Record


def compile_condition(condition: Condition, plan: FactPlan) -> Evaluator:
    """The condition as a function of a record: True, False, or None for an error.

    All: one False makes it False, else one error makes it an error. AnyOf: one True makes it True, else one error makes
    it an error. Not: an error stays one. Raises KeyError for an atom that is in no rule of the plan's rulebook.
    """
    match condition:
        case Atom():
            return partial(_atom, plan.numbers[condition])
        case Not(child):
            return partial(_negation, compile_condition(child, plan))
        case All(children) if all(isinstance(child, Atom) for child in children):
            return partial(_all_atoms, tuple(plan.numbers[c] for c in children if isinstance(c, Atom)))
        case All(children):
            return partial(_all, tuple(compile_condition(child, plan) for child in children))
        case AnyOf(children):
            return partial(_any, tuple(compile_condition(child, plan) for child in children))


def _atom(number: int, record: Record) -> bool | None:
    return record.truth_of(number)


def _negation(child: Evaluator, record: Record) -> bool | None:
    truth = child(record)
    return None if truth is None else not truth


def _all_atoms(numbers: tuple[int, ...], record: Record) -> bool | None:
    """`_all` of atoms, the usual rule, without a call for each atom that is already known."""
    truths = record.truths
    result: bool | None = True
    for number in numbers:
        truth = truths[number]
        if truth is UNSET:
            truth = record.truth_of(number)
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def _all(children: tuple[Evaluator, ...], record: Record) -> bool | None:
    result: bool | None = True
    for child in children:
        truth = child(record)
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def _any(children: tuple[Evaluator, ...], record: Record) -> bool | None:
    result: bool | None = False
    for child in children:
        truth = child(record)
        if truth is True:
            return True
        if truth is None:
            result = None
    return result
