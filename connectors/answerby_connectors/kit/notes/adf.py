"""The text of Atlassian Document Format. Facts: developer.atlassian.com, Atlassian Document Format, "Structure"."""

from __future__ import annotations

from typing import Any

LINES = frozenset(
    {"paragraph", "heading", "codeBlock", "blockquote", "listItem", "taskItem", "decisionItem", "rule", "tableRow"}
)
"""Nodes that end a line."""
NAMED = ("text", "shortName", "url", "title")
"""Where nodes without text, such as a mention, an emoji or a card, say in their attributes what a reader sees."""


def adf_text(document: object) -> str:
    """What a reader sees of the document: its text, with a line for each block. Media are left out."""
    parts: list[str] = []
    _collect(document, parts)
    lines = "".join(parts).split("\n")
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _collect(node: Any, parts: list[str]) -> None:
    if not isinstance(node, dict):
        return
    kind, attributes = node.get("type"), node.get("attrs")
    if kind == "hardBreak":
        parts.append("\n")
    elif kind == "text":
        parts.append(str(node.get("text", "")))
    elif isinstance(attributes, dict) and not node.get("content"):
        parts.append(next((str(attributes[name]) for name in NAMED if attributes.get(name)), ""))
    for child in node.get("content") or ():
        _collect(child, parts)
    if kind in LINES:
        parts.append("\n")
    elif kind in ("tableCell", "tableHeader"):
        parts.append(" ")
