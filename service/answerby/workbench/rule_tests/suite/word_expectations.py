"""Expectations of single words: the status of a request, the prefix of its number, the state of a clock."""

from __future__ import annotations

import re

from answerby.domain.request import RequestStatus
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import MappingNode, Node
from answerby.workbench.rule_tests.checks.difference import Check
from answerby.workbench.rule_tests.checks.fact_checks import WordCheck

_PREFIX = re.compile(r"[0-9]{6}-[A-Z0-9]+\Z")


def read_word(
    nodes: NodeReader, name: str, node: Node, known: tuple[str, ...], *, negative: bool, stage: str = ""
) -> list[Check]:
    """A word, or `{not: ...}` with a word or a list of words."""
    if isinstance(node, MappingNode) and [*node.keys()] == ["not"] and not negative:
        return read_word(nodes, name, node.entries[0][1], known, negative=True, stage=stage)
    items = nodes.one_or_more(node, name) if negative else (node,)
    words = tuple(word for item in items if (word := nodes.choice(item, name, known)) is not None)
    return [WordCheck(name, words, negative, stage)] if words and len(words) == len(items) else []


def read_status(nodes: NodeReader, node: Node, *, negative: bool) -> list[Check]:
    known = tuple(status.value for status in RequestStatus)
    return read_word(nodes, "status", node, known, negative=negative)


def read_number_prefix(nodes: NodeReader, rulebook: Rulebook, node: Node, *, negative: bool) -> list[Check]:
    """Year, month and department code of a request number, such as `202609-CSR`."""
    text = nodes.text(node, "number_prefix")
    if text is None:
        return []
    numbering = rulebook.numbering
    codes = {numbering.default_code, *numbering.department_codes.values()}
    if not _PREFIX.match(text) or text.partition("-")[2] not in codes:
        hint = f"write year, month and a department code, such as 202609-{numbering.default_code}"
        nodes.report.add(Code.WRONG_VALUE, node, f'"{text[:40]}" begins no request number', hint)
        return []
    return [WordCheck("number_prefix", (text,), negative, "routing")]
