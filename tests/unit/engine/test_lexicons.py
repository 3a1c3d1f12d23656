"""Lexicons: which terms a text mentions."""

from __future__ import annotations

import pytest

from service.engine.lexicons import LexiconIndex
from service.rules.folding import fold
from service.rules.model import Lexicon


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
