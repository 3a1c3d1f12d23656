"""Every finding comes with a request that shows it: decided anew here, from the event alone."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given

from answerby.domain.condition import Op, atoms
from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.model.canonical_conditions import all_of, atom, negate
from answerby.rules.model.rulebook import Block, HitPolicy, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs import Analysis, Finding, analyse
from answerby.workbench.proofs.witnessed_findings import prove, shows
from answerby.workbench.proofs.witnesses.finder import WitnessFinder, WitnessRequest
from tests.kit.examples import chances, examples, scaled
from tests.unit.workbench.proofs.small_rulebooks import (
    DOMAINS,
    EDGES,
    START,
    VOCABULARY,
    canonical,
    condition,
    make_rulebook,
    make_stage,
)

LEVELS = ("none", "low", "high")
STAGED = Vocabulary(
    {
        **VOCABULARY.fields,
        "kind": Field("kind", FieldType.ENUM, ("other", "fault", "wish"), derived_by=("classification",)),
        "level": Field("level", FieldType.ENUM, LEVELS, derived_by=("classification",)),
        "marks": Field("marks", FieldType.SET, ("vip", "hot"), derived_by=("classification",)),
    }
)


def staged(chance: random.Random, second: random.Random) -> Rulebook:
    """Two stages, the second of which asks what the first derives."""
    fields = chance.sample(sorted(DOMAINS), 3)
    first = [
        rule(chance, "classification", n, condition(chance, fields), some_outputs(chance))
        for n in range(chance.randrange(1, 6))
    ]
    hit = chance.choice([HitPolicy.FIRST, HitPolicy.COLLECT, HitPolicy.MOST_SEVERE])
    default = {"kind": "other"} if chance.random() < 0.5 else {}
    classification = Stage("classification", hit, (Block("file:c.yaml", "classification", hit, sort(first)),), default)
    stage, _ = make_stage(second)
    rules = [replace(r, when=derived_condition(chance, r, fields)) for r in stage.rules]
    blocks = tuple(replace(block, rules=tuple(r for r in rules if r.block == block.id)) for block in stage.blocks)
    return make_rulebook(classification, replace(stage, blocks=blocks), vocabulary=STAGED)


def seeded(seed: int) -> Rulebook:
    return staged(random.Random(seed), random.Random(seed))


def rule(chance: random.Random, stage: str, number: int, when: object, then: dict[str, object]) -> Rule:
    return Rule(
        f"c{number}",
        stage,
        "file:c.yaml",
        when,
        then,
        "made up",
        "c.yaml",
        number + 1,
        (50, chance.randrange(3), f"c{number}", 0),
    )


def sort(rules: list[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda r: r.order))


def some_outputs(chance: random.Random) -> dict[str, object]:
    whole = {
        "kind": chance.choice(["other", "fault", "wish"]),
        "level": chance.choice(LEVELS),
        "marks": [chance.choice(["vip", "hot"])],
    }
    return {name: whole[name] for name in sorted(chance.sample(sorted(whole), chance.randrange(1, 4)))}


def derived_condition(chance: random.Random, r: Rule, fields: list[str]) -> object:
    parts = [
        chance.choice(
            [
                atom("kind", Op.EQ, [chance.choice(["other", "fault", "wish"])]),
                atom("level", Op.IN, chance.sample(LEVELS, 2)),
                atom("level", Op.MISSING, ()),
                atom("marks", Op.HAS_ANY, [chance.choice(["vip", "hot"])]),
                negate(atom("marks", Op.HAS_ANY, ["vip"])),
            ]
        )
    ]
    if chance.random() < 0.6:
        parts.append(condition(chance, chance.sample(fields, 1)))
    return all_of(parts)


def check(rulebook: Rulebook) -> tuple[int, int]:
    """How many witnesses there were, and how many findings were dropped."""
    compiled = compile_rulebook(rulebook, "reference")
    analysis = prove(compiled)
    finder = WitnessFinder(compiled)
    shown = 0
    for finding, request in witnessed(finder, analysis):
        decision = decide(compiled, request.state, request.event, request.context, request.event.time)
        show(compiled, finding, request, decision)
        shown += 1
    return shown, analysis.unconfirmed


def witnessed(finder: WitnessFinder, analysis: Analysis) -> Iterator[tuple[Finding, WitnessRequest]]:
    for finding in analysis.findings:
        if finding.witness is None:
            # What never matches has no witness; what is proven for all facts may have none that can be made.
            assert finding.code in {Code.UNREACHABLE_RULE, Code.SHADOWED_RULE, Code.NEVER_WINS, Code.REDUNDANT_ROW}
            continue
        request = finder.find(finding.stage, finding.witness)
        assert request is not None, finding.message
        yield finding, request


def show(compiled: CompiledRulebook, finding: Finding, request: WitnessRequest, decision: Decision) -> None:
    stage = next(s for s in decision.explanation if s.stage == finding.stage)
    won = {reference.id for reference in stage.won}
    matched = won | {reference.id for reference in stage.lost}
    about = (finding.message, request.event.data)
    first = finding.rules[0]
    match finding.code:
        case Code.SHADOWED_RULE | Code.NEVER_WINS:
            assert first in matched, about
            assert first not in won, about
        case Code.OVERLAP:
            assert set(finding.rules) <= matched, about
        case Code.CONFLICT:
            assert set(finding.rules) <= matched, about
            assert first in won, about
        case Code.GAP:
            rules = {r.id for s in compiled.rulebook.stages for b in s.blocks if b.id == finding.block for r in b.rules}
            assert not matched & rules, about
            assert not any(set(finding.outputs) & set(reference.outputs) for reference in stage.won), about
        case Code.REDUNDANT_ROW:
            assert first in won, about
            without = decide(
                without_rule(compiled, first), request.state, request.event, request.context, request.event.time
            )
            after = next(s for s in without.explanation if s.stage == finding.stage)
            names = set(stage.outputs) | set(after.outputs)
            assert all(canonical(stage.outputs.get(n)) == canonical(after.outputs.get(n)) for n in names), about


def without_rule(compiled: CompiledRulebook, rule: str) -> CompiledRulebook:
    rulebook = compiled.rulebook
    stages = tuple(
        replace(s, blocks=tuple(replace(b, rules=tuple(r for r in b.rules if r.id != rule)) for b in s.blocks))
        for s in rulebook.stages
    )
    return compile_rulebook(replace(rulebook, stages=stages), "reference")


@pytest.mark.generated
def test_witnesses_of_one_stage_reproduce_and_none_is_dropped() -> None:
    total = 0

    @examples(200, deep=4_000)
    @given(chance=chances)
    def one_stage(chance: random.Random) -> None:
        nonlocal total
        shown, dropped = check(make_rulebook(make_stage(chance)[0]))
        total += shown
        assert dropped == 0

    one_stage()
    assert total > scaled(200) / 4


@pytest.mark.generated
def test_witnesses_reach_derived_facts_through_earlier_stages() -> None:
    total = 0

    @examples(120, deep=4_000)
    @given(chance=chances)
    def two_stages(chance: random.Random) -> None:
        nonlocal total
        total += check(staged(chance, chance))[0]

    two_stages()
    assert total > scaled(120) / 4


def test_findings_are_dropped_only_where_no_request_shows_them() -> None:
    """Such as where a derived field would have to be missing although a rule always gives it."""
    dropped, wrongly = 0, []
    for seed in range(scaled(90)):
        compiled = compile_rulebook(seeded(seed), "reference")
        lost = lost_findings(compiled)
        decided = list(everything(compiled)) if lost else []
        dropped += len(lost)
        wrongly += [f.message for f in lost if any(shows(compiled, f, request) for request in decided)]
    assert dropped > scaled(90) / 6
    assert len(wrongly) <= 1, wrongly


def lost_findings(compiled: CompiledRulebook) -> list[Finding]:
    finder = WitnessFinder(compiled)
    tried: dict[tuple[object, ...], Finding] = {}
    found: set[tuple[object, ...]] = set()

    def confirm(finding: Finding) -> bool:
        request = None if finding.witness is None else finder.find(finding.stage, finding.witness)
        confirmed = finding.witness is None or (request is not None and shows(compiled, finding, request))
        key = (finding.code, finding.rules, finding.outputs)
        tried.setdefault(key, finding)
        if confirmed:
            found.add(key)
        return confirmed

    analyse(compiled.rulebook, confirm)
    return [finding for key, finding in tried.items() if key not in found]


def everything(compiled: CompiledRulebook) -> Iterator[WitnessRequest]:
    """Every combination of the facts that the rules look at, decided."""
    rules = [r for stage in compiled.rulebook.stages for r in stage.rules]
    fields = sorted({atom.field for r in rules for atom in atoms(r.when)} & set(DOMAINS))
    for values in product(*(DOMAINS[field] for field in fields)):
        for at in (START, *EDGES):
            event = Event(
                source="t",
                id="1",
                type="request.received",
                time=at,
                request_id="r",
                data=dict(zip(fields, values, strict=True)),
            )
            yield WitnessRequest(event, None, Context(), decide(compiled, None, event, Context(), at))


def test_the_same_rules_give_the_same_findings() -> None:
    compiled = compile_rulebook(seeded(11), "reference")
    assert prove(compiled) == prove(compile_rulebook(seeded(11), "reference"))
