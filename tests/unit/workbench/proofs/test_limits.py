"""What cannot be proven is said: too many branches, too many combinations, patterns."""

import random

from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.condition import Op
from answerby.engine.facts.lexicons import LexiconIndex
from answerby.rules.model.canonical_conditions import all_of, any_of, atom
from answerby.rules.model.rulebook import Block, HitPolicy, Lexicon, Rule, Stage
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.folding import fold
from answerby.workbench.proofs import analyse
from answerby.workbench.proofs.space.lexicon_terms import implications, mentioned
from tests.kit.examples import examples
from tests.unit.workbench.proofs.small_rulebooks import VOCABULARY, make_rulebook

ALPHABET = st.sampled_from(["fire", "on", "no", " ", "-", "着", "火", "没", "a", "é", "_", "1"])
TERMS = st.lists(ALPHABET, min_size=1, max_size=4).map("".join).filter(lambda term: fold(term) != "")


def rule(name: str, when: object, rank: int = 100, **then: object) -> Rule:
    return Rule(
        name, "priority", "file:r.yaml", when, then or {"priority": "P1"}, "b", "r.yaml", 1, (100, rank, name, 0)
    )


def stage(*rules: Rule, hit: HitPolicy = HitPolicy.FIRST) -> Stage:
    return Stage("priority", hit, (Block("file:r.yaml", "priority", hit, tuple(sorted(rules, key=lambda r: r.order))),))


def test_a_condition_with_too_many_branches_is_named_and_shadows_nothing() -> None:
    branches = all_of(
        any_of([atom("words", Op.HAS_ANY, [f"a{n}"]), atom("words", Op.HAS_ANY, [f"b{n}"]), atom("count", Op.EQ, [n])])
        for n in range(10)
    )
    vocabulary = Vocabulary({**VOCABULARY.fields, "words": Field("words", FieldType.SET)})
    rules = rule("large", branches, 1), rule("after", atom("count", Op.AT_LEAST, [1]), 2)
    analysis = analyse(make_rulebook(stage(*rules), vocabulary=vocabulary))
    (named,) = analysis.not_analysable
    assert (named.code, named.rules) == (Code.NOT_ANALYSABLE, ("large",))
    assert "too many branches" in named.message
    assert analysis.of(Code.SHADOWED_RULE) == ()


def test_a_budget_that_runs_out_is_said_and_always_runs_out_at_the_same_question() -> None:
    chance = random.Random(5)
    rules = []
    for n in range(60):
        low = chance.randrange(50)
        when = all_of(
            [
                atom("count", Op.AT_LEAST, [low]),
                atom("count", Op.AT_MOST, [low + 30]),
                atom("colour", Op.IN, chance.sample(["red", "green", "blue"], 2)),
            ]
        )
        rules.append(rule(f"r{n:02}", when, n, priority=chance.choice(["P0", "P1"])))
    rulebook = make_rulebook(stage(*rules))
    short = analyse(rulebook, budget=700)
    assert any("too many combinations" in f.message for f in short.not_analysable)
    assert short == analyse(rulebook, budget=700)
    full = analyse(rulebook)
    assert full.not_analysable == ()
    known = {(f.code, f.rules[0]) for f in full.findings}
    assert {(f.code, f.rules[0]) for f in short.findings} <= known


def test_patterns_are_named_and_what_is_certain_is_still_found() -> None:
    pattern = atom("text", Op.MATCHES, ["[0-9]+"])
    narrow = all_of([pattern, atom("count", Op.AT_LEAST, [3])])
    analysis = analyse(make_rulebook(stage(rule("wide", pattern, 1), rule("narrow", narrow, 2))))
    assert {f.rules[0] for f in analysis.not_analysable} == {"wide", "narrow"}
    assert {f.rules for f in analysis.of(Code.SHADOWED_RULE)} == {("narrow", "wide")}


@examples(400)
@given(
    st.lists(TERMS, min_size=1, max_size=4), st.lists(TERMS, max_size=3), st.lists(ALPHABET, max_size=8).map("".join)
)
def test_lexicons_are_read_as_the_engine_reads_them(terms: list[str], phrases: list[str], text: str) -> None:
    lexicons = {
        "main": Lexicon("main", tuple(terms), exceptions=("phrases",)),
        "plain": Lexicon("plain", tuple(terms)),
        "phrases": Lexicon("phrases", tuple(phrases)),
    }
    assert mentioned(lexicons, fold(text)) == LexiconIndex(lexicons).mentioned(fold(text))


@examples(400)
@given(
    st.lists(TERMS, min_size=1, max_size=3),
    st.lists(TERMS, min_size=1, max_size=3),
    st.lists(TERMS, max_size=2),
    st.lists(ALPHABET, max_size=8).map("".join),
)
def test_an_implication_between_lexicons_holds_in_every_text(
    one: list[str], two: list[str], phrases: list[str], text: str
) -> None:
    lexicons = {
        "one": Lexicon("one", tuple(one), exceptions=("phrases",)),
        "two": Lexicon("two", tuple(two)),
        "three": Lexicon("three", tuple(two), exceptions=("phrases",)),
        "phrases": Lexicon("phrases", tuple(phrases)),
    }
    index = LexiconIndex(lexicons)
    for name, others in implications(lexicons, lexicons).items():
        for sample in (text, *one, *two, *(f"{a}{text}{b}" for a in one for b in phrases)):
            found = index.mentioned(fold(sample))
            assert name not in found or found.issuperset(others)
