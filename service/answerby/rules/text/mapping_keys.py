"""Typed access to the keys of one mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, is_nothing


class MappingKeys:
    """The keys of one mapping. Unknown keys are reported at once. An absent key reads as its default."""

    def __init__(self, reader: NodeReader, node: MappingNode, what: str, allowed: Collection[str]) -> None:
        self.node = node
        self.what = what
        self._reader = reader
        self._values = {key.text: value for key, value in node.entries}
        for key, _ in node.entries:
            if key.text not in allowed:
                hint = reader.report.suggest(key.text, allowed)
                if key.text == "<<":
                    hint = "YAML 1.2 has no merge key; write the keys out"
                reader.report.add(Code.UNKNOWN_KEY, key, f'{what} has no key "{key.text}"', hint)

    def get(self, key: str) -> Node | None:
        """The value of a key. None when the key is absent."""
        return self._values.get(key)

    def require(self, key: str) -> Node | None:
        """The value of a key. None, with a diagnostic, when the key is absent."""
        if key not in self._values:
            hint = f"add `{key}: ...`"
            self._reader.report.add(Code.MISSING_KEY, self.node, f"{self.what} needs `{key}`", hint)
        return self._values.get(key)

    def because(self, *, needed: bool = True) -> str:
        """The reason under `because`. A missing or empty reason is reported when `needed`, and reads as empty text."""
        node = self.get("because")
        if node is not None and not is_nothing(node):
            text = self._reader.text(node, "because")
            if text is None or text.strip():
                return text or ""
        if needed or node is not None:
            message = f"{self.what} does not say why it exists"
            self._reader.report.add(Code.MISSING_BECAUSE, node or self.node, message, "add `because: ...`")
        return ""

    def text(self, key: str, default: str = "") -> str:
        """The text under a key. `default` when the key is absent, or the value is empty or no text."""
        node = self.get(key)
        return default if node is None else self._reader.text(node, key) or default

    def integer(self, key: str, default: int, least: int | None = None, most: int | None = None) -> int:
        """The whole number under a key, from `least` to `most`. `default` when the key is absent or the value wrong."""
        node = self.get(key)
        value = None if node is None else self._reader.integer(node, key, least, most)
        return default if value is None else value

    def boolean(self, key: str) -> bool:
        """The boolean under a key. False when the key is absent or the value wrong."""
        node = self.get(key)
        return bool(node is not None and self._reader.boolean(node, key))

    def mapping(self, key: str) -> MappingNode | None:
        """The mapping under a key. None when the key is absent or the value wrong."""
        node = self.get(key)
        return None if node is None else self._reader.mapping(node, key)

    def items(self, key: str) -> Iterator[tuple[ScalarNode, Node]]:
        """The entries of the mapping under `key`. No entries when the key is absent."""
        node = self.mapping(key)
        yield from node.entries if node else ()
