"""Suppressions: `# answerby: allow <code> -- <reason>`, on the line of a finding or on the line above it.

A suppression allows one code on one line, and needs a reason. Only warnings and notes can be allowed. Where one line
may have several findings of a code, it names the facts too: `# answerby: allow gap where age: 18 to 20 -- <reason>`.
A suppression is a finding itself when it breaks these rules or is no longer needed.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import yaml

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, finding
from answerby.rules.text.nodes import Place
from answerby.rules.text.severities import Severity, severity_of

MARK = re.compile(r"#\s*answerby\s*:", re.IGNORECASE)
_ALLOW = re.compile(
    r"#\s*answerby\s*:\s*allow\s+(?P<code>[\w-]+)(?:\s+where\s+(?P<where>.+?))?\s*(?:--|—|–)\s*(?P<reason>\S.*?)\s*\Z"
)
_CODE = re.compile(r"#\s*answerby\s*:\s*(?P<verb>\w*)\s*(?P<code>[\w-]*)")
_ROWS_FROM = re.compile(r"""^\s*(?:-\s+)?rows_from\s*:\s*["']?(?P<file>[^"'#]+?)["']?\s*(?:#.*)?\Z""")
FORM = "write `# answerby: allow <code> -- <reason>`"
NEVER_SUPPRESSIBLE = frozenset({Code.BAD_SUPPRESSION, Code.UNUSED_SUPPRESSION})
"""Findings about suppressions themselves."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One code, allowed on one line of `file`. `line` is the line of the finding, `place` the place of the comment.

    `line` 0 stands for all lines of the file. A comment at `rows_from` allows a code in the whole CSV file in this way,
    as a CSV file has no comments.
    """

    code: Code
    reason: str
    file: str
    line: int
    place: Place
    where: str = ""
    """The facts of the finding, in its own words; empty: a finding that names none."""


class SuppressedFinding(NamedTuple):
    """A finding, and the suppression that allows it."""

    finding: Diagnostic
    suppression: Suppression


class SuppressionResult(NamedTuple):
    """The findings that remain, and the suppressed ones."""

    kept: tuple[Diagnostic, ...]
    suppressed: tuple[SuppressedFinding, ...]


def read_suppressions(file: str, text: str) -> tuple[list[Suppression], list[Diagnostic]]:
    """The valid suppressions in the comments of one YAML file, and findings about the invalid ones."""
    if not MARK.search(text):
        return [], []
    lines = text.splitlines()
    inside = _TextSpans(text)
    found: list[Suppression] = []
    wrong: list[Diagnostic] = []
    for number, line in enumerate(lines, start=1):
        for match in MARK.finditer(line):
            column = match.start() + 1
            if _is_comment(line, match.start()) and not inside.holds(number, column):
                place = Place(file, number, column)
                result = _read(line[match.start() :], place, _target(lines, number, match.start()), lines)
                (wrong if isinstance(result, Diagnostic) else found).append(result)  # type: ignore[arg-type]
                break
    return found, wrong


def apply_suppressions(
    findings: Iterable[Diagnostic], suppressions: Collection[Suppression], *, complete: bool
) -> SuppressionResult:
    """Parts the findings into kept and suppressed ones, and adds a finding for each suppression that is not needed.

    `complete` tells that all checks of the suppressed codes ran. Only then is an unneeded suppression reported.
    """
    allowed = {(s.code.value, s.where, s.file, s.line): s for s in suppressions}
    used: set[Suppression] = set()
    kept: list[Diagnostic] = []
    suppressed: list[SuppressedFinding] = []
    for found in findings:
        key = (found.code, found.where, found.file)
        match = allowed.get((*key, found.line)) or allowed.get((*key, 0))
        if match is None:
            kept.append(found)
        else:
            used.add(match)
            suppressed.append(SuppressedFinding(found, match))
    if complete:
        kept += [_unused(s) for s in suppressions if s not in used]
    kept.sort(key=lambda d: (d.file, d.line, d.column, d.code, d.message))
    return SuppressionResult(tuple(kept), tuple(suppressed))


def _is_comment(line: str, at: int) -> bool:
    return at == 0 or line[at - 1].isspace()


def _target(lines: list[str], number: int, at: int) -> int:
    """The line that a comment is about: its own line, or the next line with content when the comment stands alone."""
    if lines[number - 1][:at].strip():
        return number
    for following in range(number, len(lines)):
        stripped = lines[following].strip()
        if stripped and not stripped.startswith("#"):
            return following + 1
    return number


def _read(comment: str, place: Place, line: int, lines: list[str]) -> Suppression | Diagnostic:
    match = _ALLOW.match(comment)
    loose_match = _CODE.match(comment)
    verb, name = (loose_match["verb"], loose_match["code"]) if loose_match else ("", "")
    code = next((c for c in Code if c.value == (match["code"] if match else name)), None)
    if verb != "allow" or not name:
        return finding(Code.BAD_SUPPRESSION, place, "this comment allows nothing", FORM)
    if code is None:
        near = difflib.get_close_matches(name, [c.value for c in Code], n=1)
        hint = f"did you mean {near[0]}?" if near else "copy the code from the finding"
        return finding(Code.BAD_SUPPRESSION, place, f"there is no code {name[:40]}", hint)
    if severity_of(code) is Severity.ERROR or code in NEVER_SUPPRESSIBLE:
        message = f"{code} cannot be allowed: the rulebook is refused for it"
        if code in NEVER_SUPPRESSIBLE:
            message = f"{code} cannot be allowed"
        return finding(Code.BAD_SUPPRESSION, place, message, "put the mistake right and remove this comment")
    if match is None:
        message = f"{code} is not allowed here, because no reason is given"
        return finding(Code.BAD_SUPPRESSION, place, message, f"write `# answerby: allow {code} -- <reason>`")
    where = match["where"] or ""
    rows = _ROWS_FROM.match(lines[line - 1])
    if rows:
        folder = place.file.rpartition("/")[0]
        file = f"{folder}/{rows['file']}" if folder else rows["file"]
        return Suppression(code, match["reason"], file, 0, place, where)
    return Suppression(code, match["reason"], place.file, line, place, where)


def _unused(suppression: Suppression) -> Diagnostic:
    name = f"{suppression.code} where {suppression.where}" if suppression.where else suppression.code
    message = f"{name} does not occur here, so there is nothing to allow"
    return finding(Code.UNUSED_SUPPRESSION, suppression.place, message, "remove this comment")


class _TextSpans:
    """The spans of quoted texts and block texts. A `#` inside such a span begins no comment."""

    def __init__(self, text: str) -> None:
        self._starts: list[tuple[int, int]] = []
        self._ends: list[tuple[int, int]] = []
        for start, end in _texts(text):
            self._starts.append(start)
            self._ends.append(end)

    def holds(self, line: int, column: int) -> bool:
        index = bisect.bisect_right(self._starts, (line, column)) - 1
        return index >= 0 and (line, column) < self._ends[index]


def _texts(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    try:
        for token in yaml.scan(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            if isinstance(token, yaml.ScalarToken) and not token.plain:
                start, end = token.start_mark, token.end_mark
                yield (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)
    except yaml.YAMLError:
        return  # The parser reports the error. Every `#` after it counts as a comment.
