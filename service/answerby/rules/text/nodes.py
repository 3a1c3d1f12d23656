"""Nodes of a parsed file. Each node has a place, so that every diagnostic can name line and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

Plain = str | int | float | bool | None
"""Values of scalars by the YAML 1.2 core schema."""


class Place(NamedTuple):
    """A place in the rule folder. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    template: str = ""
    """For a node filled in from a rule template: `file:line:column` of the template. The other parts name the use."""


@dataclass(slots=True, eq=False)
class ScalarNode:
    """One scalar: `value` by the YAML 1.2 core schema, `text` as written without quotes, `plain` when not quoted."""

    place: Place
    value: Plain
    text: str
    plain: bool


@dataclass(slots=True, eq=False)
class RefusedNode(ScalarNode):
    """A value with a mistake that is reported already. Readers skip the value."""

    @classmethod
    def at(cls, place: Place) -> RefusedNode:
        """A refused node at this place."""
        return cls(place, None, "", plain=True)


@dataclass(slots=True, eq=False)
class SequenceNode:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class MappingNode:
    """A mapping. Keys are scalars, and unique by their text."""

    place: Place
    entries: tuple[tuple[ScalarNode, Node], ...]

    def get(self, key: str) -> Node | None:
        """The value of a key. None when the key is absent."""
        return next((value for name, value in self.entries if name.text == key), None)

    def keys(self) -> Iterator[str]:
        """The texts of the keys, in the order of the file."""
        return (name.text for name, _ in self.entries)


Node = ScalarNode | SequenceNode | MappingNode


def describe(node: Node) -> str:
    """A name for the node in messages, such as `a list`."""
    match node:
        case MappingNode():
            return "a mapping"
        case SequenceNode():
            return "a list"
        case ScalarNode(value=None):
            return "nothing"
        case ScalarNode(value=bool()):
            return f"the boolean {node.text}"
        case ScalarNode(value=int() | float()):
            return f"the number {node.text}"
        case _:
            return f'the text "{node.text}"'


def plain_data(node: Node) -> object:
    """The node as plain Python data (dict, list, scalar), without places."""
    match node:
        case MappingNode():
            return {key.text: plain_data(value) for key, value in node.entries}
        case SequenceNode():
            return [plain_data(item) for item in node.items]
        case ScalarNode():
            return node.value


def is_nothing(node: Node) -> bool:
    """Whether the node is the empty value of a key."""
    return isinstance(node, ScalarNode) and node.value is None
