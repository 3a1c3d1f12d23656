"""The examples of a how-to: fenced blocks, of which those with a file name are one rule set together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import plain_data
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.yaml_parser import parse_yaml
from tests.kit.places import REFERENCE

FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced example: what follows ```yaml names the file, or says that it is a list of `when` or `then`."""

    language: str
    name: str
    text: str


class Page:
    def __init__(self, name: str) -> None:
        self.text = (REFERENCE / name).read_text("utf-8")
        self.blocks = [Block(*found) for found in FENCE.findall(self.text)]
        self.files = {b.name: b.text for b in self.blocks if "." in b.name}

    def conditions(self) -> Iterator[str]:
        """The items of all lists of conditions, each as text."""
        for block in self.blocks:
            if block.name == "when":
                yield from (line for line in block.text.splitlines() if line.startswith("- "))

    def load(self, **more: str) -> LoadResult:
        files = {**{name: text for name, text in self.files.items() if not name.endswith("_test.yaml")}, **more}
        return load_texts(RuleText(path, text, "") for path, text in files.items())


def content(block: Block) -> object:
    """What an example says, without its comments."""
    if block.language != "yaml":
        return block.text
    node = parse_yaml(block.text, block.name, DiagnosticReport())
    assert node is not None, block
    return plain_data(node)
