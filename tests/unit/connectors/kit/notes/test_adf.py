"""The text of Atlassian documents."""

from __future__ import annotations

from answerby_connectors.kit.notes.adf import adf_text
from answerby_connectors.kit.notes.markup import ADF


def test_a_reader_sees_lines():
    def said(*texts: str) -> dict:
        return {"type": "paragraph", "content": [{"type": "text", "text": text} for text in texts]}

    items = [{"type": "listItem", "content": [said("one")]}, {"type": "listItem", "content": [said("two")]}]
    inside = [{"type": "mention", "attrs": {"id": "1", "text": "@Ana"}}, {"type": "text", "text": " look "}]
    inside += [{"type": "emoji", "attrs": {"shortName": ":fire:"}}]
    inside += [{"type": "inlineCard", "attrs": {"url": "https://example.com"}}]
    media = {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "photo"}}]}
    cells = [{"type": "tableCell", "content": [said("a")]}, {"type": "tableCell", "content": [said("b")]}]
    table = {"type": "table", "attrs": {"layout": "x"}, "content": [{"type": "tableRow", "content": cells}]}
    blocks = [said("Hello ", "world"), {"type": "bulletList", "content": items}, media]
    blocks += [{"type": "paragraph", "content": inside}, table]
    assert adf_text({"type": "doc", "version": 1, "content": blocks}) == (
        "Hello world\none\ntwo\n@Ana look :fire:https://example.com\na\n b"
    )


def test_our_own_notes_read_back_as_they_were_written():
    assert adf_text(ADF.note(["one", "", "<b>two</b>"], "[mark]", 100)) == "one\n<b>two</b>\n[mark]"


def test_nothing_has_no_text():
    assert (adf_text(None), adf_text({}), adf_text({"type": "doc", "content": []})) == ("", "", "")
