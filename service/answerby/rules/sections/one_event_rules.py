"""Rules that hold at one event only: what they set falls away at the next event, and whom they tell hears once.

A request is decided anew at every event. A rule that asks for the type or the actor of the event does not match at the
next one of another kind.
"""

from __future__ import annotations

from collections.abc import Iterable

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op
from answerby.rules.model.rulebook import Rule, RuleMode, Stage
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place

_OF_THE_EVENT = frozenset({"event.type", "event.actor"})
_ONE_OF = frozenset({Op.EQ, Op.IN, Op.EQUALS})
_NOTIFY, _OPEN_CASE = "notify", "open_case"


def check_one_event_rules(scope: NameScope, stages: Iterable[Stage]) -> None:
    """Warns of rules that ask for the event and seem to mean more than this one event. A table is told of once."""
    told: set[tuple[Code, str]] = set()
    for stage in stages:
        for rule in stage.rules:
            asked = sorted(asked_of_event(rule.when))
            if not asked or rule.mode is RuleMode.SHADOW:
                continue
            for code in _codes(rule):
                name = rule.id.rpartition("#")[0] or rule.id
                if (code, name) not in told:
                    told.add((code, name))
                    message, hint = _words(code, name, " and ".join(asked), rule)
                    scope.report.add(code, Place(rule.file, rule.line, 1), message, hint)


def asked_of_event(condition: Condition) -> frozenset[str]:
    """The fields of the event that have one of some values whenever the condition holds."""
    match condition:
        case Atom(field, op):
            return frozenset({field}) if field in _OF_THE_EVENT and op in _ONE_OF else frozenset()
        case All(children):
            return frozenset().union(*map(asked_of_event, children))
        case AnyOf(children):
            found = [asked_of_event(child) for child in children]
            return frozenset().union(*found) if found and all(found) else frozenset()
        case Not():
            return frozenset()


def _codes(rule: Rule) -> Iterable[Code]:
    if _NOTIFY in rule.then:
        yield Code.TOLD_ONCE
    if _kept(rule):
        yield Code.ONE_EVENT


def _kept(rule: Rule) -> list[str]:
    """The outputs that one expects to stay. A case is opened once and stays open."""
    return sorted(name for name in rule.then if name not in (_NOTIFY, _OPEN_CASE))


def _words(code: Code, name: str, asked: str, rule: Rule) -> tuple[str, str]:
    if code is Code.TOLD_ONCE:
        return (
            f"{name} asks for {asked} and tells once: at a second such event in a row nobody is told again",
            "to tell each time, let a clock `start` and `reset` at the event, with a ladder whose step is `at: 0m`",
        )
    outputs = ", ".join(_kept(rule))
    return (
        f"{name} asks for {asked}, so {outputs} holds for that event only: the next event is decided without it",
        "ask for a fact that stays with the request, or let the event set it by hand (`override.<field>`)",
    )
