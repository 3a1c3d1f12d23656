"""The rule that came nearest to giving an expected value, and which of its conditions kept it from it."""

from __future__ import annotations

from collections.abc import Iterator

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op, atoms
from answerby.engine.compiled.rulebook import plain
from answerby.engine.facts.record import Record
from answerby.rules.model.rulebook import Rule
from answerby.workbench.rule_tests.checks import Difference
from answerby.workbench.rule_tests.scene import Scene

PHRASES = {
    "en": {
        "nearest": "nearest: {rule} [{place}] gives {value}, but it needs {needs}",
        "outranked": "nearest: {rule} [{place}] gives {value} and matched, but was outranked",
        "never": "no rule of stage {stage} gives {name} {value}",
        "or": " or ",
        "and": " and ",
        "not": "not ({what})",
        "is": "{what} (is {value})",
        "missing": "missing",
    },
    "zh": {
        "nearest": "最接近的规则：{rule} [{place}] 给出 {value}，但还需 {needs}",
        "outranked": "最接近的规则：{rule} [{place}] 给出 {value} 且已命中，但被更高者覆盖",
        "never": "阶段 {stage} 没有规则给出 {name} {value}",
        "or": " 或 ",
        "and": " 且 ",
        "not": "非（{what}）",
        "is": "{what}（现为 {value}）",
        "missing": "空",
    },
}
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


def nearest(scene: Scene, difference: Difference, language: str = "en") -> Iterator[str]:
    """At most one line; none where no single value of a fact was wanted."""
    name = difference.name.rpartition(": ")[2]
    if difference.wanted is None or not difference.stage:
        return
    words = PHRASES.get(language, PHRASES["en"])
    stage = next((s for s in scene.compiled.stages if s.stage.name == difference.stage), None)
    if stage is None or (name not in stage.derives and name not in ("decided_by", "matched")):
        return
    candidates = [rule for rule in stage.rules if gives(rule, name, difference)]
    if not candidates:
        yield words["never"].format(stage=difference.stage, name=name, value=difference.wanted)
        return
    lacking = {rule.id: list(unmet(rule.when, scene.record, words)) for rule in candidates}
    best = min(candidates, key=lambda rule: (len(lacking[rule.id]), -met(rule.when, scene.record), rule.order))
    needs = lacking[best.id]
    yield words["nearest" if needs else "outranked"].format(
        rule=best.id,
        place=f"{best.file}:{best.line}",
        value=f"{name} {difference.wanted}" if name in stage.derives else "that",
        needs=words["and"].join(needs),
    )


def met(condition: Condition, record: Record) -> int:
    """How much of the condition holds already."""
    return sum(record.truth(atom) is True for atom in set(atoms(condition)))


def gives(rule: Rule, name: str, difference: Difference) -> bool:
    if name in ("decided_by", "matched"):
        return rule.id == difference.wanted
    if name not in rule.then:
        return False
    value = plain(rule.then[name])
    return value == difference.wanted or (isinstance(value, list) and difference.wanted in value)


def unmet(condition: Condition, record: Record, words: dict[str, str]) -> Iterator[str]:
    """What would have to be otherwise for the condition to hold; nothing when it does."""
    if holds(condition, record):
        return
    match condition:
        case Atom():
            yield atom_text(condition, record, words)
        case Not(child):
            yield words["not"].format(what=text(child, record, words))
        case All(children):
            for child in children:
                yield from unmet(child, record, words)
        case AnyOf(children):
            yield words["or"].join(text(child, record, words) for child in children)


def holds(condition: Condition, record: Record) -> bool:
    match condition:
        case Atom():
            return record.truth(condition) is True
        case Not(child):
            return refuted(child, record)
        case All(children):
            return all(holds(child, record) for child in children)
        case AnyOf(children):
            return any(holds(child, record) for child in children)


def refuted(condition: Condition, record: Record) -> bool:
    """Whether it is false, and not merely in error."""
    match condition:
        case Atom():
            return record.truth(condition) is False
        case Not(child):
            return holds(child, record)
        case All(children):
            return any(refuted(child, record) for child in children)
        case AnyOf(children):
            return all(refuted(child, record) for child in children)


def text(condition: Condition, record: Record, words: dict[str, str]) -> str:
    match condition:
        case Atom():
            return atom_text(condition, record, words)
        case Not(child):
            return words["not"].format(what=text(child, record, words))
        case All(children):
            return words["and"].join(text(child, record, words) for child in children)
        case AnyOf(children):
            return words["or"].join(text(child, record, words) for child in children)


def atom_text(atom: Atom, record: Record, words: dict[str, str]) -> str:
    """Such as `impact=wide (is single)`; personal values are not shown."""
    operands = ", ".join(str(operand) for operand in atom.operands)
    sign = SIGNS.get(atom.op, f" {atom.op.value} ")
    if len(atom.operands) > 1:
        operands = f"[{operands}]"
    what = f"{atom.field}{sign}{operands}"
    if record.plan.rulebook.vocabulary[atom.field].personal or atom.op is Op.MISSING:
        return what
    actual = record.value(atom.field)
    shown = words["missing"] if actual is None else ", ".join(actual) if isinstance(actual, list) else str(actual)
    return words["is"].format(what=what, value=shown)
