"""Explanations of YAML syntax errors for authors of rules.

PyYAML has two parsers, one in C and one in Python. The two word the same mistake differently.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from answerby.rules.text.yaml_punctuation import chinese_colon_near


class Explained(NamedTuple):
    """A message and a hint for the author."""

    message: str
    hint: str


_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"mapping values are not allowed",
        "a colon stands where no key can be",
        'quote a text that holds ": ", and begin the keys of one mapping in one column',
    ),
    (
        r"expected ',' or '[\]}]'",
        "a list in [ ] or a mapping in { } is not closed, or a comma is missing in it",
        "close it, and put a comma between the entries",
    ),
    (
        r"could not find expected ':'",
        "this line is neither `key: value` nor an item of a list",
        "write a colon and a space after the key",
    ),
    (
        r"cannot start any token",
        "a text may not begin with this character unless it is quoted",
        'put the text in quotes: "..."',
    ),
    (
        r"quoted scalar.*unexpected (end of stream|document)|unexpected (end of stream|document).*quoted scalar",
        "a quote is opened and not closed",
        "close it; a quote within the text is doubled ('') or written as \\\"",
    ),
    (
        r"unknown escape character|expected escape sequence",
        "a backslash in a text in double quotes begins an escape that does not exist",
        "write 'single quotes', in which a backslash is only a backslash",
    ),
    (
        r"did not find expected (alphabetic|key|node content).*|expected alphabetic or numeric",
        "the indentation does not fit, or a text begins with a character that has a meaning in YAML",
        "begin the keys of one mapping in one column; quote a text that begins with * & ! | > % @ or a quote",
    ),
    (
        r"expected '-' indicator|expected <block end>",
        "the indentation does not fit the lines above",
        "begin the keys of one mapping, and the `-` of one list, in one column",
    ),
    (
        r"expected <document start>",
        "the indentation does not fit, or something stands after the end of the document",
        "begin the top-level keys in the first column",
    ),
    (
        r"sequence entries are not allowed|block mapping",
        "an item of a list stands where none can be",
        "begin the list in the line below its key",
    ),
    (r"tag|expected whitespace or line break", "a text begins with !, which means a tag", "put the text in quotes"),
)


_AFTER_CLOSING = re.compile(r"[\"'}\]]\s*\Z")


def explain_syntax(context: str, problem: str, lines: list[str], line: int, column: int) -> Explained:
    """A message and a hint for an error that a parser reports at `line` and `column` (both count from 1)."""
    said = f"{context} {problem}"
    message, hint = f"not valid YAML: {problem}", "is the file only half written?"
    for pattern, known, remedy in _KNOWN:
        if re.search(pattern, said):
            message, hint = f"not valid YAML: {known}", remedy
            break
    if re.search("expected (key|<block end>)", said) and _follows_closing(lines, line, column):
        message = "not valid YAML: something stands after a closing quote or bracket"
        hint = "put the whole text in one pair of quotes; within 'single quotes' write '' for a '"
    colon = chinese_colon_near(lines, line)
    if colon:
        return Explained(message, f"line {colon} has a Chinese colon ：; write an ASCII colon and a space")
    return Explained(message, hint)


def _follows_closing(lines: list[str], line: int, column: int) -> bool:
    text = lines[line - 1] if line <= len(lines) else ""
    return bool(text[column - 1 :].strip() and _AFTER_CLOSING.search(text[: column - 1]))
