"""YAML with places: nodes of a mapping file, and mistakes with their line, column and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAP, LIST = yaml.MappingNode, yaml.SequenceNode
Node = yaml.Node
MOST_PROBLEMS = 100
_YAML_HINT = "check quotes and indentation"


@dataclass(frozen=True, slots=True, order=True)
class MappingProblem:
    """A mistake in a mapping. Line and column count from 1."""

    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"line {self.line}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class Problems:
    """The mistakes found so far."""

    def __init__(self) -> None:
        self.found: list[MappingProblem] = []

    def add(self, node: Node, message: str, hint: str = "") -> None:
        self.add_at(node.start_mark.line + 1, node.start_mark.column + 1, message, hint)

    def add_at(self, line: int, column: int, message: str, hint: str = "") -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(MappingProblem(line, column, message, hint))

    def keys(self, node: Node, known: Iterable[str], what: str) -> dict[str, Node]:
        """The values of a mapping by key. A mistake for another kind of node, and for keys unknown or twice there."""
        found: dict[str, Node] = {}
        names = list(known)
        for key, value in self.pairs(node, what):
            name = str(key.value)
            if names and name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                self.add(key, f"{what} has no key {name!r}", f"did you mean {near[0]}?" if near else known_of(names))
            else:
                found[name] = value
        return found

    def pairs(self, node: Node, what: str) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping, each key once."""
        if not isinstance(node, MAP):
            self.add(node, f"{what} must be a mapping", "write keys and values, such as `type: request.received`")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.add(key, "a key must be a text", "put a place such as {ticket.id} in quotes")
            elif key.value in seen:
                self.add(key, f"{key.value} is written twice", "leave one of them out")
            else:
                seen.add(key.value)
                yield key, value

    def members(self, node: Node, what: str) -> list[Node]:
        """The members of a list."""
        if not isinstance(node, LIST):
            self.add(node, f"{what} must be a list", "begin each member with `- `")
            return []
        return list(node.value)


def known_of(names: Iterable[str]) -> str:
    return f"known: {', '.join(names)}"


def compose(text: str, problems: Problems) -> Node | None:
    """The root of the one YAML document; None, with a mistake, for a text that is no YAML or says nothing."""
    try:
        root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problems.add_at(
            line, column, f"no valid YAML: {error.problem or error.context}", "check quotes and indentation"
        )
        return None
    except (yaml.YAMLError, RecursionError) as error:
        problems.add_at(1, 1, f"no valid YAML: {type(error).__name__}", "save it as plain UTF-8 text")
        return None
    if root is None:
        problems.add_at(1, 1, "the file says nothing", "begin with `webhook:`")
    return root


def scalar(node: Node) -> Any:
    """The value of a scalar by YAML's rules: true, 1, null, text. A date stays text."""
    if node.tag in _CONSTRUCTED:
        return _construct(node)
    return node.value


_CONSTRUCTED = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "null"))


def _construct(node: Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    finally:
        loader.dispose()
