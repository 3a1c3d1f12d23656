"""The rule that came nearest to giving an expected value, and the conditions that kept it from matching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op, atoms
from answerby.engine.compiled.rulebook import plain
from answerby.engine.facts.record import Record
from answerby.rules.model.rulebook import Rule
from answerby.workbench.rule_tests.checks.difference import Difference
from answerby.workbench.rule_tests.phrases import NEAREST_RULE
from answerby.workbench.rule_tests.snapshot import RequestSnapshot
from answerby.workbench.rule_tests.suite.known_names import reassigned_values

SIGNS = {
    Op.EQ: "=",
    Op.IN: " in ",
    Op.AT_LEAST: " >= ",
    Op.AT_MOST: " <= ",
    Op.MORE_THAN: " > ",
    Op.LESS_THAN: " < ",
    Op.HAS_ANY: " has ",
    Op.MISSING: " is missing",
}
Phrases = Mapping[str, str]


def nearest_rule(snapshot: RequestSnapshot, difference: Difference, language: str = "en") -> Iterator[str]:
    """At most one line. No line for a difference that is about no single value."""
    name = difference.name.rpartition(": ")[2]
    if difference.wanted is None or not difference.stage:
        return
    phrases = NEAREST_RULE.get(language, NEAREST_RULE["en"])
    stage = next((s for s in snapshot.compiled.stages if s.stage.name == difference.stage), None)
    if stage is None or (name not in stage.derives and name not in ("decided_by", "matched")):
        return
    candidates = [rule for rule in stage.rules if gives(rule, name, difference)]
    ladders = [
        ladder
        for field, value, ladder in reassigned_values(snapshot.compiled.rulebook)
        if (field, value) == (name, difference.wanted)
    ]
    if not candidates and ladders:
        yield phrases["ladder"].format(ladders=phrases["or"].join(ladders), name=name, value=difference.wanted)
        return
    if not candidates:
        yield phrases["never"].format(stage=difference.stage, name=name, value=difference.wanted)
        return
    unmet = {rule.id: list(unmet_parts(rule.when, snapshot.record, phrases)) for rule in candidates}
    best = min(candidates, key=lambda rule: (len(unmet[rule.id]), -true_atoms(rule.when, snapshot.record), rule.order))
    needs = unmet[best.id]
    yield phrases["nearest" if needs else "outranked"].format(
        rule=best.id,
        place=f"{best.file}:{best.line}",
        value=f"{name} {difference.wanted}" if name in stage.derives else "that",
        needs=phrases["and"].join(needs),
    )


def true_atoms(condition: Condition, record: Record) -> int:
    """The number of atoms of the condition that hold."""
    return sum(record.truth(atom) is True for atom in set(atoms(condition)))


def gives(rule: Rule, name: str, difference: Difference) -> bool:
    """Whether the rule gives the wanted value or, for a list of rule ids, is the wanted rule."""
    if name in ("decided_by", "matched"):
        return rule.id == difference.wanted
    if name not in rule.then:
        return False
    value = plain(rule.then[name])
    return value == difference.wanted or (isinstance(value, list) and difference.wanted in value)


def unmet_parts(condition: Condition, record: Record, phrases: Phrases) -> Iterator[str]:
    """The parts of the condition that do not hold, in words; nothing when the condition holds."""
    if holds(condition, record):
        return
    match condition:
        case Atom():
            yield atom_text(condition, record, phrases)
        case Not(child):
            yield phrases["not"].format(what=condition_text(child, record, phrases))
        case All(children):
            for child in children:
                yield from unmet_parts(child, record, phrases)
        case AnyOf(children):
            yield phrases["or"].join(condition_text(child, record, phrases) for child in children)


def holds(condition: Condition, record: Record) -> bool:
    """Whether the condition is true. A condition in error is not."""
    match condition:
        case Atom():
            return record.truth(condition) is True
        case Not(child):
            return is_false(child, record)
        case All(children):
            return all(holds(child, record) for child in children)
        case AnyOf(children):
            return any(holds(child, record) for child in children)


def is_false(condition: Condition, record: Record) -> bool:
    """Whether the condition is false. A condition in error is neither true nor false."""
    match condition:
        case Atom():
            return record.truth(condition) is False
        case Not(child):
            return holds(child, record)
        case All(children):
            return any(is_false(child, record) for child in children)
        case AnyOf(children):
            return all(is_false(child, record) for child in children)


def condition_text(condition: Condition, record: Record, phrases: Phrases) -> str:
    match condition:
        case Atom():
            return atom_text(condition, record, phrases)
        case Not(child):
            return phrases["not"].format(what=condition_text(child, record, phrases))
        case All(children):
            return phrases["and"].join(condition_text(child, record, phrases) for child in children)
        case AnyOf(children):
            return phrases["or"].join(condition_text(child, record, phrases) for child in children)


def atom_text(atom: Atom, record: Record, phrases: Phrases) -> str:
    """An atom with the present value, such as `impact=wide (is single)`. Personal values are left out."""
    operands = ", ".join(str(operand) for operand in atom.operands)
    sign = SIGNS.get(atom.op, f" {atom.op.value} ")
    if len(atom.operands) > 1:
        operands = f"[{operands}]"
    what = f"{atom.field}{sign}{operands}"
    if record.plan.rulebook.vocabulary[atom.field].personal or atom.op is Op.MISSING:
        return what
    actual = record.value(atom.field)
    shown = phrases["missing"] if actual is None else ", ".join(actual) if isinstance(actual, list) else str(actual)
    return phrases["is"].format(what=what, value=shown)
