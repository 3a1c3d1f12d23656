"""Events of a YAML parser to nodes with places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode
from answerby.rules.text.yaml_punctuation import CommentCuts, strange_key, strange_text
from answerby.rules.text.yaml_scalars import resolve, trap, trap_remedy

MAX_DEPTH = 24


MAX_ALIASES = 32
"""Most aliases in one file."""


MAX_ALIASED_NODES = 2_000
"""Most nodes that all aliases of one file stand for together. The limit stops a bomb of nested aliases."""


class FileRefused(Exception):
    """The file is refused. The report holds the diagnostic."""


class _Anchor(NamedTuple):
    node: Node
    size: int
    """Number of nodes, the node itself included."""
    height: int


@dataclass(slots=True)
class _OpenCollection:
    """A mapping or list whose end has not come yet."""

    place: Place
    is_mapping: bool
    is_flow: bool
    anchor: str | None
    nodes_before: int
    height: int = 1
    """Levels of the collection so far, its own level included."""
    children: list[Node] = field(default_factory=list)


class NodeBuilder:
    """Builds nodes from parser events. PyYAML's own constructors know no places and resolve values by YAML 1.1."""

    def __init__(self, file: str, report: DiagnosticReport, cuts: CommentCuts) -> None:
        self.root: Node | None = None
        self._cuts = cuts
        self._file = file
        self._report = report
        self._open: list[_OpenCollection] = []
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._aliases = 0
        self._aliased_nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Takes the next event. Raises FileRefused, with a diagnostic, when the file cannot be read any further."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._refuse(
                        Code.YAML_UNSUPPORTED,
                        self._place(event),
                        "one document a file",
                        "remove the line ---, or put what follows in its own file",
                    )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self._place(event)
        self._check_tag(event.tag, place)
        plain = not event.style
        text = event.value
        reason = trap(text) if plain else ""
        if reason:
            self._report.add(Code.YAML_TRAP, place, f"{_short(text)} {reason}", trap_remedy(_short(text)))
        elif plain and text:
            self._check_punctuation(event, place)
        node = ScalarNode(place, resolve(text) if plain else text, text, plain)
        self._nodes += 1
        self._finish(node, event.anchor, 1, 0)

    def _check_punctuation(self, event: yaml.ScalarEvent, place: Place) -> None:
        parent = self._open[-1] if self._open else None
        is_key = parent is not None and parent.is_mapping and len(parent.children) % 2 == 0
        text = event.value
        if not text.isascii():
            is_item = parent is not None and parent.is_flow and not parent.is_mapping
            strange = strange_key(text) if is_key else strange_text(text, in_flow_list=is_item)
            if strange is not None:
                self._report.add(Code.YAML_PUNCTUATION, place, f"{_short(text)} {strange[0]}", strange[1])
        assert event.end_mark is not None
        cut = "" if is_key else self._cuts.after(event.end_mark.index)
        if cut:
            message = f"the text ends before {_short(cut)}, which YAML takes for a comment"
            hint = "put the text in quotes if it belongs to it, else write a space after the #"
            self._report.add(Code.YAML_CUT, place, message, hint)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._place(event)
        self._aliases += 1
        if (event.anchor or "") not in self._anchors:
            self._refuse(
                Code.YAML_ALIAS,
                place,
                f"*{event.anchor} refers to nothing complete above it",
                "write the repeated part out, or quote a text that begins with *",
            )
        node, size, height = self._anchors[event.anchor or ""]
        self._aliased_nodes += size
        self._check_depth(len(self._open) + height, place)
        if self._aliases > MAX_ALIASES or self._aliased_nodes > MAX_ALIASED_NODES:
            self._refuse(Code.YAML_ALIAS, place, "too many aliases in this file", "write the repeated part out")
        self._nodes += size
        self._finish(node, None, size, height)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        place = self._place(event)
        self._check_tag(event.tag, place)
        self._check_depth(len(self._open) + 1, place)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_OpenCollection(place, is_mapping, bool(event.flow_style), event.anchor, self._nodes))
        self._nodes += 1

    def _end(self) -> None:
        collection = self._open.pop()
        node = (
            self._mapping(collection)
            if collection.is_mapping
            else SequenceNode(collection.place, tuple(collection.children))
        )
        self._finish(node, collection.anchor, self._nodes - collection.nodes_before, collection.height)

    def _mapping(self, collection: _OpenCollection) -> MappingNode:
        seen: dict[str, Place] = {}
        entries = []
        for key, value in zip(collection.children[::2], collection.children[1::2], strict=True):
            if not isinstance(key, ScalarNode) or not key.text:
                self._refuse(Code.YAML_UNSUPPORTED, key.place, "a key must be a word or a text")
            elif key.text in seen:
                first = seen[key.text].line
                self._report.add(
                    Code.YAML_DUPLICATE_KEY,
                    key,
                    f"{_short(key.text)} was already given in line {first}",
                    "keep one of the two",
                )
            else:
                seen[key.text] = key.place
                entries.append((key, value))
        return MappingNode(collection.place, tuple(entries))

    def _finish(self, node: Node, anchor: str | None, size: int, height: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = _Anchor(node, size, height)
        if self._open:
            parent = self._open[-1]
            parent.children.append(node)
            parent.height = max(parent.height, height + 1)
        else:
            self.root = node

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            self._refuse(Code.YAML_DEPTH, place, message, "split it into several rules")

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._report.add(Code.YAML_UNSUPPORTED, place, f"the tag {shown} has no meaning here", "leave it out")

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _refuse(self, code: Code, place: Place, message: str, hint: str = "") -> None:
        self._report.add(code, place, message, hint)
        raise FileRefused


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
