"""`templates:` to message templates by id and language."""

from __future__ import annotations

import re
import string
from types import MappingProxyType
from typing import NamedTuple

from answerby.domain.message_words import FORMAT_MARK
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z")
_PLACEHOLDER = re.compile(r"[^\W\d]\w*(\.\w+)*\Z")

Templates = dict[str, MappingProxyType[str, str]]


class Placeholder(NamedTuple):
    """A name in braces, with its template, its form (empty: none), and the node of its text."""

    template: str
    name: str
    node: Node
    shape: str = ""


def compile_templates(scope: NameScope, sections: list[Node]) -> tuple[Templates, list[Placeholder]]:
    """The templates by id and language, and their placeholders, which are checked when all uses are known."""
    found: Templates = {}
    placeholders: list[Placeholder] = []
    for section in sections:
        mapping = scope.reader.mapping(section, "templates")
        for key, node in mapping.entries if mapping else ():
            if scope.reader.identifier(key, "template id") and scope.declare(NameKind.TEMPLATE, key.text, key):
                found[key.text] = MappingProxyType(_languages(scope, key.text, node, placeholders))
    return dict(sorted(found.items())), placeholders


def _languages(scope: NameScope, template: str, node: Node, placeholders: list[Placeholder]) -> dict[str, str]:
    found: dict[str, str] = {}
    mapping = scope.reader.mapping(node, "template")
    if mapping is not None and not mapping.entries:
        scope.report.add(
            Code.EMPTY_LIST,
            node,
            "the template has no text in any language",
            'add one, such as `en: "{number} is late"`',
        )
    for key, value in mapping.entries if mapping else ():
        if not _LANGUAGE.match(key.text):
            scope.report.add(Code.WRONG_VALUE, key, f'"{key.text}" is not a language', "write zh, en or zh-Hant")
        text = scope.reader.nonempty_text(value, "template text")
        names = None if text is None else _placeholders(scope, value, text)
        if text is not None and names is not None:
            found[key.text] = text
            placeholders += [Placeholder(template, name, value, shape) for name, shape in names]
    return dict(sorted(found.items()))


def _placeholders(scope: NameScope, node: Node, text: str) -> list[tuple[str, str]] | None:
    """The names in braces, each with its form. None, with a diagnostic, when the text is no valid template."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        scope.report.add(Code.TEMPLATE_SYNTAX, node, f"not a template: {error}", "write {{ and }} for braces")
        return None
    found = []
    for written in names:
        name, mark, shape = written.partition(FORMAT_MARK)
        if not _PLACEHOLDER.match(name) or (mark and not shape.isidentifier()):
            message = f'"{{{written}}}" is not a placeholder'
            scope.report.add(Code.TEMPLATE_SYNTAX, node, message, "write a name in braces, such as {number}")
            return None
        found.append((name, shape))
    return found
