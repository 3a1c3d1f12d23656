"""The text of HTML that people wrote."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.notes.plain import plain_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("battery", "battery"),
        ("充电时<b>冒烟</b>", "充电时冒烟"),
        ("<p>one</p>\n<p>two</p>", "one\ntwo"),
        ("one<br>two<br/>\n<br>three", "one\ntwo\nthree"),
        ("a &lt; b &amp;&nbsp;c", "a < b & c"),
        ("<style>p {}</style><script>x()</script>seen", "seen"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("a\n  b", "a b"),
        ("1 < 2", "1 < 2"),
        ("", ""),
    ],
)
def test_the_text_is_what_a_reader_sees(html, text):
    assert plain_of(html) == text
