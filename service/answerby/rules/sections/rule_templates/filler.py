"""Nodes of a rule template, with arguments in place of `{parameter}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode, describe

MAX_NODES = 500_000
"""Most nodes that all uses of a rulebook fill in together. A hundred characters count as one node."""
_CHARACTERS_A_NODE = 100
_NAME = r"[^\W\d]\w*"
_PLACE = re.compile(rf"\{{\{{({_NAME})\}}\}}|\{{ *({_NAME}) *\}}")
"""A parameter in a text. `{{name}}` stands for the text `{name}`. Braces around anything but a name stay."""
_WHOLE = re.compile(rf"\{{ *({_NAME}) *\}}\Z")


class TooLarge(Exception):
    """The uses of rule templates fill in more than a rulebook may hold."""


class FillBudget:
    """The number of nodes and characters that uses may still fill in."""

    def __init__(self) -> None:
        self._left = MAX_NODES * _CHARACTERS_A_NODE

    def spend(self, characters: int) -> None:
        """Spends one node of so many characters. Raises TooLarge when the budget is used up."""
        self._left -= _CHARACTERS_A_NODE + characters
        if self._left < 0:
            raise TooLarge


def names_in(node: Node, parameters: Mapping[str, object]) -> Iterator[tuple[str, Node]]:
    """Every name in braces, with the node that contains it."""
    match node:
        case ScalarNode(text=text):
            yield from ((found[2], node) for found in _PLACE.finditer(text) if found[2])
        case SequenceNode(items=items):
            for item in items:
                yield from names_in(item, parameters)
        case MappingNode(entries=entries):
            bare = _bare(node, parameters)
            if bare is not None:
                yield bare, node
                return
            for key, value in entries:
                yield from names_in(key, parameters)
                yield from names_in(value, parameters)


class TemplateFiller:
    """Fills in the nodes of one template for one use. Diagnostics name the use and the line of the template."""

    def __init__(self, arguments: Mapping[str, Node], use: Place, budget: FillBudget, report: DiagnosticReport) -> None:
        self._arguments = arguments
        self._use = use
        self._budget = budget
        self._report = report

    def fill(self, node: Node) -> Node:
        """The node with arguments in place of parameters. Raises TooLarge when the budget is used up."""
        self._budget.spend(len(node.text) if isinstance(node, ScalarNode) else 0)
        argument = self._whole(node)
        if argument is not None:
            return self._carry(argument, node)
        match node:
            case ScalarNode():
                return self._scalar(node)
            case SequenceNode(items=items):
                return SequenceNode(self._place(node), tuple(self._items(items)))
            case MappingNode():
                return self._mapping(node)

    def _whole(self, node: Node) -> Node | None:
        """The argument for a node that is a single parameter: `"{area}"`, or `{area}` without quotes. Else None."""
        if isinstance(node, MappingNode):
            bare = _bare(node, self._arguments)
            return None if bare is None else self._arguments[bare]
        found = _WHOLE.match(node.text) if isinstance(node, ScalarNode) else None
        return self._arguments.get(found[1]) if found else None

    def _items(self, items: tuple[Node, ...]) -> Iterator[Node]:
        """The items, filled in. A list as the argument of one item contributes all its items."""
        for item in items:
            node = self.fill(item)
            if isinstance(node, SequenceNode) and isinstance(self._whole(item), SequenceNode):
                yield from node.items
            else:
                yield node

    def _mapping(self, node: MappingNode) -> MappingNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in node.entries:
            self._budget.spend(len(key.text))
            new_key = self._scalar(key)
            if new_key.text in entries:
                message = f"{new_key.text[:40]} comes twice once it is filled in"
                self._report.add(Code.YAML_DUPLICATE_KEY, new_key, message)
            entries[new_key.text] = (new_key, self.fill(value))
        return MappingNode(self._place(node), tuple(entries.values()))

    def _scalar(self, node: ScalarNode) -> ScalarNode:
        place = self._place(node)
        text = _PLACE.sub(lambda found: self._text(found, place), node.text)
        if text == node.text:
            return ScalarNode(place, node.value, node.text, node.plain)
        self._budget.spend(len(text))
        return ScalarNode(place, text, text, plain=False)

    def _text(self, found: re.Match[str], place: Place) -> str:
        if found[1]:
            return f"{{{found[1]}}}"
        argument = self._arguments.get(found[2])
        if isinstance(argument, ScalarNode):
            return argument.text
        if argument is not None:
            message = f"{found[2]} is {describe(argument)}, which cannot be part of a text"
            self._report.add(Code.WRONG_PARAMETER, place, message, f'let "{{{found[2]}}}" stand alone')
        return found[0]

    def _carry(self, argument: Node, hole: Node) -> Node:
        """A copy of the argument. Its place is where the author of the use wrote it, with the line of the template."""
        self._budget.spend(len(argument.text) if isinstance(argument, ScalarNode) else 0)
        place = self._place(hole)
        if argument.place.file == self._use.file or argument.place.template:
            place = place._replace(line=argument.place.line, column=argument.place.column)
        match argument:
            case ScalarNode(value=value, text=text, plain=plain):
                return ScalarNode(place, value, text, plain)
            case SequenceNode(items=items):
                return SequenceNode(place, tuple(self._carry(item, hole) for item in items))
            case MappingNode(entries=entries):
                entries_copy = tuple(
                    (ScalarNode(place, k.value, k.text, k.plain), self._carry(v, hole)) for k, v in entries
                )
                return MappingNode(place, entries_copy)

    def _place(self, node: Node) -> Place:
        origin = node.place
        outer = f", used at {self._use.template}" if self._use.template else ""
        return self._use._replace(template=f"{origin.file}:{origin.line}:{origin.column}{outer}")


def _bare(node: MappingNode, parameters: Mapping[str, object]) -> str | None:
    """The parameter of `{area}` without quotes, else None. YAML reads `{area}` as a mapping from area to nothing."""
    if len(node.entries) != 1:
        return None
    key, value = node.entries[0]
    is_bare = isinstance(value, ScalarNode) and value.value is None and not value.text
    return key.text if is_bare and key.text in parameters else None
