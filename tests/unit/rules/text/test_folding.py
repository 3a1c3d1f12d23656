"""Folding: texts that people take for the same are the same."""

from __future__ import annotations

import sys

import pytest

from answerby.engine.facts.characters import clean, is_word_character
from answerby.rules.text.folding import fold, normalize_width


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Refund ME", "refund me"),
        ("ＲＥＦＵＮＤ　１２３", "refund 123"),
        ("手机　起火！", "手机 起火!"),
        ("  a\t\n b  ", "a b"),
        ("ﾃｽﾄ", "テスト"),
        ("STRASSE straße", "strasse strasse"),
        ("cafe\u0301", "café"),
        ("起\u200b火", "起火"),
        ("re\u00adfund", "refund"),
        ("\ufeff投诉", "投诉"),
        ("⚠\ufe0f", "⚠"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("①㎏", "1kg"),
        ("", ""),
    ],
)
def test_folds(text, folded):
    assert fold(text) == folded


def test_folding_twice_changes_nothing_for_any_character():
    changed = []
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code <= 0xDFFF:
            continue
        once = fold(f"a{chr(code)}B")
        if fold(once) != once:
            changed.append(hex(code))
    assert changed == []


def test_mojibake_stays_what_it_is():
    mojibake = "手机起火".encode().decode("latin-1")
    assert fold(mojibake) == fold(fold(mojibake)) != fold("手机起火")


def test_patterns_see_case_and_spaces_but_one_width():
    assert normalize_width("ＡＢ　１２  cD") == "AB 12  cD"


def test_clean_takes_out_what_no_store_can_carry():
    assert clean("a\0b\ud800c\udfff") == "a b\ufffdc\ufffd"
    assert clean("起火\0").encode() == "起火 ".encode()


def test_clean_leaves_a_good_text_alone():
    text = "手机 🔥 fire"
    assert clean(text) is text


@pytest.mark.parametrize(("character", "joins"), [("a", True), ("7", True), ("_", True), ("é", True), ("ж", True)])
def test_word_characters(character, joins):
    assert is_word_character(character) is joins


@pytest.mark.parametrize("character", ["火", "あ", " ", "-", "🔥", "，"])
def test_other_scripts_do_not_continue_a_word(character):
    assert not is_word_character(character)
