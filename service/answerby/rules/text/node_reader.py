"""Typed access to nodes. A wrong node is reported and read as None, so that one load finds all mistakes."""

from __future__ import annotations

import re
from collections.abc import Collection

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe
from answerby.rules.text.yaml_punctuation import mapping_hint
from answerby.rules.text.yaml_scalars import trap

_BOOLEAN_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "y", "1", "是", "真"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0", "否", "假"), "false"),
}
_ID = re.compile(r"\w[\w.\-]*\Z")
MAX_ID = 128
MAX_TEXT = 4_096


class NodeReader:
    """Reads single nodes. The parameter `what` names the node in messages, such as `rule id`."""

    def __init__(self, report: DiagnosticReport) -> None:
        self.report = report

    def text(self, node: Node, what: str) -> str | None:
        """A text of at most MAX_TEXT characters. A plain whole number counts as text; other numbers need quotes."""
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            if len(node.value) <= MAX_TEXT:
                return node.value
            self.wrong(node, f"{what} is longer than {MAX_TEXT} characters")
            return None
        if isinstance(node, ScalarNode) and type(node.value) is int and str(node.value) == node.text:
            return node.text
        quotable = isinstance(node, ScalarNode) and node.value is not None
        hint = f'quote it: "{node.text}"' if quotable and isinstance(node, ScalarNode) else ""
        self.wrong(node, f"{what} must be text, not {describe(node)}", hint)
        return None

    def nonempty_text(self, node: Node, what: str) -> str | None:
        """A text that is not blank."""
        text = self.text(node, what)
        if text is not None and not text.strip():
            self.report.add(Code.WRONG_VALUE, node, f"{what} is empty")
            return None
        return text

    def identifier(self, node: Node, what: str) -> str | None:
        """A name of letters (of any script), digits, `_`, `-` and `.`, at most MAX_ID characters long."""
        text = self.text(node, what)
        if text is None or (_ID.match(text) and len(text) <= MAX_ID):
            return text
        self.report.add(
            Code.INVALID_ID,
            node,
            f'{what} "{text[:40]}" is not a name',
            f"use letters, digits, _ - and . only, at most {MAX_ID} characters",
        )
        return None

    def integer(self, node: Node, what: str, least: int | None = None, most: int | None = None) -> int | None:
        """A whole number from `least` to `most`, both included. None, with a diagnostic, otherwise."""
        if _is_trap(node):
            return None
        if not isinstance(node, ScalarNode) or type(node.value) is not int:
            hint = "write it in digits"
            if isinstance(node, ScalarNode) and node.text.isdecimal():
                hint = "remove the quotes"
            self.wrong(node, f"{what} must be a whole number, not {describe(node)}", hint)
            return None
        if (least is not None and node.value < least) or (most is not None and node.value > most):
            bounds = f"at least {least}" if most is None else f"from {least} to {most}"
            self.report.add(Code.WRONG_VALUE, node, f"{what} must be {bounds}, not {node.text}", f"write {bounds}")
            return None
        return node.value

    def boolean(self, node: Node, what: str) -> bool | None:
        """A boolean. None, with a diagnostic, otherwise."""
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return node.value
        if not _is_trap(node):
            meant = _BOOLEAN_WORDS.get(node.text.strip().casefold(), "") if isinstance(node, ScalarNode) else ""
            hint = f"write {meant}, without quotes" if meant else ""
            self.wrong(node, f"{what} must be true or false, not {describe(node)}", hint)
        return None

    def choice(self, node: Node, what: str, known: Collection[str], code: Code = Code.WRONG_VALUE) -> str | None:
        """A text that is one of `known`. Any other text is reported with `code`."""
        text = self.text(node, what)
        if text is None or text in known:
            return text
        self.report.add(code, node, f'{what} "{text}" is not known', self.report.suggest(text, known))
        return None

    def mapping(self, node: Node, what: str) -> MappingNode | None:
        """A mapping. None, with a diagnostic, otherwise."""
        if isinstance(node, MappingNode):
            return node
        hint = mapping_hint(node.text) if isinstance(node, ScalarNode) and node.plain else ""
        message = f"{what} must be a mapping (key: value), not {describe(node)}"
        self.wrong(node, message, hint or "write `key: value`, each on a line of its own, or {key: value}")
        return None

    def sequence(self, node: Node, what: str) -> tuple[Node, ...]:
        """The items of a list. An empty list is reported."""
        if not isinstance(node, SequenceNode):
            self.wrong(
                node, f"{what} must be a list, not {describe(node)}", "write [a, b], or each item on a line with `- `"
            )
            return ()
        if not node.items:
            self.report.add(Code.EMPTY_LIST, node, f"{what} is an empty list", "list something, or leave the key out")
        return node.items

    def one_or_more(self, node: Node, what: str) -> tuple[Node, ...]:
        """The items of a list. A scalar stands for a list of one item."""
        return (node,) if isinstance(node, ScalarNode) else self.sequence(node, what)

    def texts(self, node: Node, what: str) -> list[str]:
        """The texts of a list or of a single scalar. Items that are no text are reported and left out."""
        found = (self.text(item, what) for item in self.one_or_more(node, what))
        return [text for text in found if text is not None]

    def wrong(self, node: Node, message: str, hint: str = "") -> None:
        """Reports a node of the wrong type."""
        self.report.add(Code.WRONG_TYPE, node, message, hint)


def _is_trap(node: Node) -> bool:
    """Whether the parser has reported the scalar already. A second finding at the same place would add nothing."""
    return isinstance(node, ScalarNode) and node.plain and bool(trap(node.text))
