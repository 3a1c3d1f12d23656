"""YAML text to nodes. Mistakes in the syntax are reported with a hint."""

from __future__ import annotations

import re

import yaml
from yaml.reader import ReaderError

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Node, Place
from answerby.rules.text.yaml_nodes import FileRefused, NodeBuilder
from answerby.rules.text.yaml_punctuation import CommentCuts
from answerby.rules.text.yaml_syntax_errors import explain_syntax

_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_COMMENT = re.compile(r"(^|\s)#")


def parse_yaml(text: str, file: str, report: DiagnosticReport, loader: type = _LOADER) -> Node | None:
    """The root node of one YAML document. None, with a diagnostic, when the text cannot be read.

    Duplicate keys, tabs, and values that YAML readers understand differently are reported.
    """
    if _report_tabs(text, file, report):
        return None
    builder = NodeBuilder(file, report, CommentCuts(text))
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, text, file, report)
        return None
    except ReaderError as error:
        _report_character(error, text, file, report)
        return None
    except FileRefused:
        return None
    return builder.root


def _report_syntax(error: yaml.MarkedYAMLError, text: str, file: str, report: DiagnosticReport) -> None:
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and "quoted scalar" in (error.context or "") and _ends_early(error):
        mark = error.context_mark  # The opening quote helps the author more than the end of the file.
    line = mark.line if mark else 0
    column = mark.column if mark else 0
    place = Place(file, line + 1, column + 1)
    message, hint = explain_syntax(error.context or "", error.problem or "", text.split("\n"), line + 1, column + 1)
    start = error.context_mark
    if start is not None and start.line != line:
        message = f"{message} (it begins in line {start.line + 1})"
    report.add(Code.YAML_SYNTAX, place, message, hint)


def _ends_early(error: yaml.MarkedYAMLError) -> bool:
    return any(word in (error.problem or "") for word in ("end of stream", "document"))


def _report_character(error: ReaderError, text: str, file: str, report: DiagnosticReport) -> None:
    position = next((i for i, c in enumerate(text) if _is_forbidden(c)), 0)
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1)
    message = f"the character U+{ord(text[position]):04X} may not stand in YAML: {error.reason}"
    report.add(Code.FILE_ENCODING, Place(file, line + 1, column + 1), message, "remove it")


def _is_forbidden(character: str) -> bool:
    code = ord(character)
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    return (is_control and character not in "\t\n\r\x85") or code in {0xFFFE, 0xFFFF}


def _report_tabs(text: str, file: str, report: DiagnosticReport) -> bool:
    """Reports tabs outside comments. The parsers of PyYAML accept tabs in different places, so none is accepted."""
    if "\t" not in text:
        return False
    found = False
    for number, line in enumerate(text.split("\n"), start=1):
        tab = line.find("\t")
        if tab >= 0 and not _COMMENT.search(line[:tab]):
            found = True
            hint = "indent with spaces" if not line[:tab].strip() else 'write a space, or "\\t" in a quoted text'
            report.add(Code.YAML_TAB, Place(file, number, tab + 1), "a tab stands outside a comment", hint)
    return found
