"""Replaces single values in the text of a YAML file. All else stays byte for byte: comments, layout, quotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import yaml


class Edit(NamedTuple):
    """A new text for the value that begins at a place. Line and column count from 1."""

    line: int
    column: int
    text: str


class Span(NamedTuple):
    """The characters of a value, the end excluded."""

    start: int
    end: int


def value_spans(text: str) -> Mapping[tuple[int, int], Span]:
    """The values of a file that can be replaced, by line and column. Raises yaml.YAMLError."""
    found: dict[tuple[int, int], Span] = {}
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    for node in _values(root):
        span = _span(node, text)
        if span is not None:
            found[(node.start_mark.line + 1, node.start_mark.column + 1)] = span
    return found


def edited(text: str, edits: Iterable[Edit]) -> str | None:
    """The text with the edits, at most one for each place. None if one of them meets no value that can be replaced."""
    spans = value_spans(text)
    places = [(spans.get((edit.line, edit.column)), edit.text) for edit in edits]
    ordered: list[tuple[Span, str]] = []
    for span, new in places:
        if span is None:
            return None
        ordered.append((span, new))
    for span, new in sorted(ordered, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text


def _values(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """The values of mappings and the items of lists, at any depth."""
    if isinstance(node, yaml.MappingNode):
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = list(node.value)
    else:
        return
    for child in children:
        yield child
        yield from _values(child)


def _span(node: yaml.Node, text: str) -> Span | None:
    """None for a value over several lines whose comments would be lost, and for a block of text."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        return Span(start, end) if node.style not in ("|", ">") else None
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        end = _last_leaf(node).end_mark.index
    return Span(start, end) if "#" not in text[start:end] else None


def _last_leaf(node: yaml.Node) -> yaml.Node:
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node
