"""Diagnostics: a finding about rule files, its place, and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node, Place
from answerby.rules.text.severities import Severity, severity_of

MAX_DIAGNOSTICS = 1_000
MAX_SUGGESTIONS = 200
"""Most suggestions of one load. A search for the nearest name is slow, and must not hold up a reload."""
MAX_LISTED = 12
"""Most names that a hint lists."""
_BY_SEVERITY = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `file` is relative to the rule folder, with `/`. `line` and `column` count from 1, in characters.
    `hint` tells the author what to do. `details` are lines shown below the finding, such as the witness of a proof.
    """

    code: str
    severity: str
    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()
    where: str = ""
    """The facts that a comment must name to allow this finding and no other; empty: its code is enough."""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column} {self.code} {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


def finding(code: Code, place: Place, message: str, hint: str = "", details: tuple[str, ...] = ()) -> Diagnostic:
    """A diagnostic with the severity of its code."""
    return Diagnostic(code.value, severity_of(code).value, place.file, place.line, place.column, message, hint, details)


class DiagnosticReport:
    """The diagnostics of one load, and the sections that the load may have lost."""

    def __init__(self) -> None:
        self._found: set[Diagnostic] = set()
        self._errors: list[Diagnostic] = []
        self._suggestions = 0
        self._lost: set[str] = set()
        self._lost_all = False
        self.has_errors = False

    def add(self, code: Code, at: Node | Place, message: str, hint: str = "") -> None:
        """Adds a finding. The message names the template when the node was filled in from a rule template."""
        place = at if isinstance(at, Place) else at.place
        if place.template:
            message = f"{message} [rule template, {place.template}]"
        self._add(finding(code, place, message, hint))

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Adds findings from elsewhere."""
        for diagnostic in found:
            self._add(diagnostic)

    def _add(self, found: Diagnostic) -> None:
        if found.severity == Severity.ERROR:
            self.has_errors = True
            self._errors.append(found)
        self._found.add(found)

    def mark(self) -> int:
        """A mark in the course of the load, for `errors_since`."""
        return len(self._errors)

    def errors_since(self, mark: int = 0) -> tuple[Diagnostic, ...]:
        """The errors that were added after the mark, each once. One that had been found before counts again."""
        return tuple(dict.fromkeys(self._errors[mark:]))

    def lose(self, sections: Iterable[str] = ()) -> None:
        """Notes that a broken file may have held these sections. No section named means any section."""
        names = set(sections)
        self._lost |= names
        self._lost_all = self._lost_all or not names

    def may_have_lost(self, section: str) -> bool:
        """Whether a broken file may have held the section. If so, an unknown name of the section is no mistake."""
        return self._lost_all or section in self._lost

    def suggest(self, name: str, known: Iterable[str]) -> str:
        """A hint for a misspelt name: the nearest known name, else all known names when they are few."""
        self._suggestions += 1
        return did_you_mean(name, known) if self._suggestions <= MAX_SUGGESTIONS else ""

    def sorted(self) -> tuple[Diagnostic, ...]:
        """The diagnostics in the order of their places, each once. The order of the files makes no difference."""
        found = sorted(self._found, key=lambda d: (d.file, d.line, d.column, d.code, d.message))
        surplus = len(found) - MAX_DIAGNOSTICS
        if surplus <= 0:
            return tuple(found)
        # Errors first, so that a rulebook is never refused for warnings alone.
        kept = sorted(found, key=lambda d: _BY_SEVERITY.index(d.severity))[:MAX_DIAGNOSTICS]
        last = kept[-1]
        more = Diagnostic(
            Code.TOO_MANY_MISTAKES.value,
            last.severity,
            last.file,
            last.line,
            last.column,
            f"and {surplus} more mistakes",
        )
        return (*kept, more)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name, else with all known names when they are few; else empty."""
    names = sorted(known)
    by_fold = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name[:80].casefold(), by_fold, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_fold[near[0]]}?"
    ends = [n for n in names if n.rpartition(".")[2].casefold() == name.rpartition(".")[2].casefold()]
    if ends:
        return f"did you mean {ends[0]}?"
    if names and len(names) <= MAX_LISTED:
        return "known: " + ", ".join(names)
    return ""


def error_count_text(number: int) -> str:
    """Words before the first of several errors: `3 errors, the first`. For a single error: `1 error`."""
    return "1 error" if number == 1 else f"{number} errors, the first"
