"""Lexicons: which terms a text mentions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.engine.facts.lexicons import LexiconIndex
from answerby.rules.model.rulebook import Lexicon
from answerby.rules.text.folding import fold
from tests.kit.examples import examples


def index(**lexicons) -> LexiconIndex:
    return LexiconIndex({name: Lexicon(name, terms) for name, terms in lexicons.items()})


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("fire", "it caught fire!", True),
        ("fire", "he was fired", False),
        ("fire", "misfire", False),
        ("fire", "FIRE", True),
        ("fire", "手机fire了", True),
        ("fire", "ｆｉｒｅ", True),
        ("fire", "fire_alarm", False),
        ("caf", "café", False),
        ("electric shock", "an electric\n shock", True),
        ("electric shock", "electric shocks", False),
        ("c++", "written in c++11", True),
        ("no-go", "a no-go area", True),
        ("no-go", "casino-gold", False),
        ("起火", "手机昨天起火了", True),
        ("起火", "起\u200b火", True),
        ("起火", "起了火", False),
        ("起火fire", "电池起火fired", True),
        ("🔥", "phone 🔥🔥", True),
        ("电话", "電話", False),
        ("起火", "手机起火".encode().decode("latin-1"), False),
        ("起火", "手机起火".encode("gbk").decode("gbk"), True),
    ],
)
def test_terms(term, text, found):
    assert index(it=(term,)).mentioned(fold(text)) == (frozenset({"it"}) if found else frozenset())


def test_a_term_of_several_lexicons_and_overlapping_terms_are_all_found():
    lexicons = index(short=("退款",), long=("申请退款", "款"), other=("退款", "refund"))
    assert lexicons.mentioned("我申请退款") == {"short", "long", "other"}


def test_the_second_occurrence_counts_when_the_first_is_inside_a_word():
    assert index(it=("fire",)).mentioned("fired by fire") == {"it"}


def test_terms_are_the_evidence():
    lexicons = index(safety=("起火", "caught fire"), other=("手机",))
    assert lexicons.terms(fold("手机Caught Fire, 起火"), ["safety"]) == ["caught fire", "起火"]


def test_no_terms_find_nothing():
    assert index(it=(" ", "")).mentioned("text") == frozenset()
    assert index().mentioned("text") == frozenset()


def fire_index() -> LexiconIndex:
    return LexiconIndex(
        {
            "fire": Lexicon("fire", ("起火", "着火", "caught fire"), exceptions=("harmless",)),
            "harmless": Lexicon("harmless", ("没有起火", "看着火车", "never caught fire", "起火点", "发动机着")),
            "plain": Lexicon("plain", ("起火",)),
        }
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("手机起火", {"fire", "plain"}),
        ("没有起火", {"harmless", "plain"}),
        ("看着火车", {"harmless"}),
        ("没有起火，后来起火了", {"fire", "harmless", "plain"}),
        ("起火了，上次没有起火", {"fire", "harmless", "plain"}),
        ("it never caught fire", {"harmless"}),
        ("it never caught fire until it caught fire", {"fire", "harmless"}),
        ("it neverness caught fire", {"fire"}),
        ("没有起火点", {"harmless", "plain"}),
        ("看着火", {"fire"}),
        ("非着火 着火车 看着火车", {"fire", "harmless"}),
        ("发动机着火", {"harmless"}),
        ("没有起火，看着火车", {"harmless", "plain"}),
    ],
)
def test_a_term_that_meets_an_exception_does_not_count_but_another_does(text, found):
    assert fire_index().mentioned(text) == found


def test_evidence_leaves_out_what_does_not_count():
    lexicons = fire_index()
    assert lexicons.terms("没有起火，但是着火了", ["fire"]) == ["着火"]
    assert lexicons.terms("没有起火", ["fire"]) == []
    assert lexicons.terms("没有起火", ["fire", "plain"]) == ["起火"]


SIGNS = "甲乙丙"


@examples(1000)
@given(
    terms=st.sets(st.text(SIGNS, min_size=1, max_size=3), min_size=1, max_size=3),
    phrases=st.sets(st.text(SIGNS, min_size=1, max_size=4), min_size=1, max_size=3),
    text=st.text(SIGNS, max_size=10),
)
def test_each_term_is_judged_as_if_every_place_were_compared_with_every_phrase(terms, phrases, text):
    exceptions = Lexicon("b", tuple(sorted(phrases)))
    lexicons = LexiconIndex({"a": Lexicon("a", tuple(sorted(terms)), exceptions=("b",)), "b": exceptions})

    covered = [range(i, i + len(p)) for p in phrases for i in range(len(text)) if text.startswith(p, i)]
    places = [range(i, i + len(t)) for t in terms for i in range(len(text)) if text.startswith(t, i)]
    counts = any(not any(set(place) & set(phrase) for phrase in covered) for place in places)
    assert ("a" in lexicons.mentioned(text)) == counts


def test_a_long_text_of_nothing_but_exceptions_is_no_matter():
    assert fire_index().mentioned("没有起火" * 16_000) == {"harmless", "plain"}
