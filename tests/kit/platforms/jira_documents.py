"""Documents of Jira: made of text, judged, and read."""

from __future__ import annotations

from typing import Any


def document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def well_formed(body: dict[str, Any]) -> bool:
    """Whether the document has no empty text and no line end within a text."""
    texts = [one["text"] for block in body["content"] for one in block["content"] if one["type"] == "text"]
    return body["type"] == "doc" and body["version"] == 1 and all(one and "\n" not in one for one in texts)


def text_of(body: dict[str, Any]) -> str:
    inside = [one for block in body["content"] for one in block["content"]]
    return "".join("\n" if one["type"] == "hardBreak" else one["text"] for one in inside)
