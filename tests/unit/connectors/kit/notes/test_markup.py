"""Notes in the text languages of platforms. Text of a customer stays text."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.notes.marker import Marker, announces, find_marker, marked
from answerby_connectors.kit.notes.markup import ADF, COMMONMARK, DJANGO_MARKDOWN, HTML, PLAIN, PLAIN_BYTES, TEXTILE
from answerby_connectors.kit.notes.note import write_note

MARK = "[answerby effect=a1a1a1a1]"


@pytest.mark.parametrize(
    ("markup", "note"),
    [
        (PLAIN, f"a <b>\n*c* & \\\n{MARK}"),
        (HTML, f"a &lt;b&gt;<br>\n*c* &amp; \\<br>\n{MARK}"),
        (COMMONMARK, f"a \\<b\\>\\\n\\*c\\* \\& \\\\\n\n{MARK}"),
        (TEXTILE, f"<pre>\na <b>\n*c* & \\\n</pre>\n\n{MARK}"),
    ],
    ids=["plain", "html", "commonmark", "textile"],
)
def test_a_note_of_two_lines(markup, note):
    assert markup.note(["a <b>", "*c* & \\"], MARK, 100) == note


def test_a_note_of_atlassian_nodes():
    """No node is empty, and a line ends with a hardBreak."""
    (paragraph,) = ADF.note(["a", "", "b"], MARK, 100)["content"]
    texts = [node.get("text", "|") for node in paragraph["content"]]
    assert texts == ["a", "|", "|", "b", "|", MARK]


def test_the_end_of_a_preformatted_text_cannot_be_forged():
    assert TEXTILE.note(["</pre> *x*", "</ PRE >"], MARK, 100).count("</pre>") == 1


@pytest.mark.parametrize("limit", range(1, 30))
def test_a_note_is_cut_before_its_mark_and_never_within_an_escape(limit):
    note = HTML.note(["a&b", "<<<<"], MARK, limit)
    text, _, mark = note.rpartition("<br>\n")
    assert mark == MARK
    assert len(text.replace("<br>\n", "\n")) <= limit + 1
    assert "a&amp;b<br>\n&lt;&lt;&lt;&lt;".startswith(text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("{{ a }} {% b %} {# c #}", r"&#123;&#123; a \}\} &#123;% b %\} &#123;&#35; c &#35;\}"),
        ("    #7 *x* <y>", r"&#35;7 \*x\* &lt;y\>"),
        ("X-HELPDESK-COMMENT-VERBATIM", r"X\-HELPDESK\-COMMENT\-VERBATIM"),
    ],
)
def test_a_note_that_django_and_markdown_read_is_no_template_link_or_code(line, shown):
    assert DJANGO_MARKDOWN.note([line], MARK, 100) == f"{shown}\n\n{MARK}"


def test_a_line_that_is_cut_keeps_its_spaces():
    assert DJANGO_MARKDOWN.note(["a b c d"], MARK, 5) == f"a b c\n\n{MARK}"


def test_values_of_any_text_stay_within_the_mark():
    marker = Marker("a1" * 8, {"cf_12": "battery] fire 火\n", "due.date": "2026-01-05T09:15:00+08:00"})
    found = find_marker(f"x {marker} y")
    assert found == marker


def test_the_last_mark_of_a_note_counts():
    quoted = f"[answerby effect={'b2' * 8} priority=low]\n[answerby effect={'a1' * 8}]"
    assert marked([quoted, "hello"], "a1" * 8) == 1
    assert marked([quoted], "b2" * 8) == 0


def test_values_that_notes_announce():
    notes = [str(Marker("a1" * 8, {"priority_id": "4", "due_date": "2026-01-05"})), "hello"]
    assert announces(notes, {"priority_id": 4})
    assert announces(notes, {"priority_id": "4", "due_date": "2026-01-05"})
    assert not announces(notes, {"priority_id": "4", "due_date": "2026-01-06"})
    assert not announces(notes, {})


@pytest.mark.parametrize("hostile", ["\x00", "\x1b[2J", "\x9b31m", "\u202e", "\u2028", "\x7f"])
def test_no_control_character_reaches_a_platform(make_delivery, hostile):
    note = write_note(make_delivery(payload={"text.en": f"a{hostile}b"}), {}, [])
    assert hostile not in note


def test_a_mark_names_fields_in_capitals():
    mark = Marker("a1" * 16, {"OwnerId": "00G", "Answer_Due__c": "2026-01-07T10:00:00Z"})
    assert find_marker(f"x\n{mark}") == mark


def test_a_limit_in_bytes_cuts_before_a_character_that_does_not_fit():
    """A character of Chinese has three bytes: ten bytes hold three of them, or four letters and two of them."""
    assert PLAIN_BYTES.note(["热" * 9], "M", 10) == "热热热\nM"
    assert PLAIN_BYTES.note(["abcd热热热"], "M", 10) == "abcd热热\nM"
