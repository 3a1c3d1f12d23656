"""The excerpt under a finding: the caret stands under the place in a terminal, and nothing commands the terminal."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from answerby.cli.check.source_lines import MAX_WIDTH, Sources, mark, printable, printable_lines


@pytest.mark.parametrize(
    ("line", "column", "caret"),
    [
        ("when: {customer.teir: vip}", 8, "       ^^^^^^^^^^^^^"),
        ("客户: {等级: vip}", 6, "       ^^^^"),
        ("because: 因为, id: x", 14, "               ^^"),
        ('terms: ["a, b", c]', 9, "        ^^^^^^"),
        ("terms: ['it''s', c]", 9, "        ^^^^^^^"),
        ("at: 17:30, x", 5, "    ^^^^^"),
        ("\tid: a", 2, "    ^^"),
        ("    - [a, b]", 1, "    ^"),
        ("ｆｕｌｌ: x", 7, "          ^"),
        ("e\u0301te: x", 7, "     ^"),
        ("short", 40, "     ^"),
    ],
)
def test_the_caret_stands_under_the_place(line, column, caret):
    assert mark(line, column).caret == caret


def test_a_long_line_is_cut_around_the_place():
    line = "because: " + "很长的理由" * 60 + ", when: {customer.teir: vip}, then: " + "x" * 300
    column = line.index("customer.teir") + 1

    text, caret = mark(line, column)

    assert cell_len(text) <= MAX_WIDTH
    assert text.startswith("…")
    assert text.endswith("…")
    start = len(caret) - len(caret.lstrip())
    shown = text.encode().decode()
    assert caret.strip() == "^" * len("customer.teir")
    assert cell_len(shown[: shown.index("customer.teir")]) == start


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.integers(1, 90))
def test_nothing_commands_the_terminal_and_the_caret_never_leaves_the_line(line, column):
    text, caret = mark(line, column)

    assert text.isprintable() or all(c.isprintable() or c.isspace() for c in text)
    assert not set(text) & set("\x1b\x07\r\n\u202e\u2066")
    assert len(caret) <= max(MAX_WIDTH, cell_len(text)) + 1


def test_what_would_turn_text_around_is_shown_by_its_number():
    assert printable("a\u202eb\x1b[31m\x00") == "a\\u{202e}b\\u{1b}[31m\\u{0}"


def test_lines_are_counted_as_the_parser_counts_them(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n\xff four")

    sources = Sources(tmp_path)

    assert [sources.line("a.yaml", n) for n in (1, 2, 3, 4, 5)] == ["one", "two", "three", "\ufffd four", None]
    assert sources.line("nowhere.yaml", 1) is None


def test_a_line_of_a_million_characters_is_cut_at_once():
    shown = mark("a" * 500_000 + " " + "b" * 500_000, 500_002)
    assert cell_len(shown.text) <= MAX_WIDTH
    assert shown.text.startswith("…a")
    assert shown.text.endswith("b…")


def test_a_pipe_among_the_rules_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.yaml")
    assert Sources(tmp_path).line("p.yaml", 1) is None


def test_lines_stay_lines_and_command_no_terminal():
    assert printable_lines("area=\x1b[2J\n  起火\u202e") == "area=\\u{1b}[2J\n  起火\\u{202e}"
