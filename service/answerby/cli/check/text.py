"""Findings as text: `file:line:column code severity: message`, the line with a caret, and a hint."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TextIO

from answerby.cli.check.rules_check import CheckResult
from answerby.cli.check.source_lines import Sources, printable
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity

_RESET = "\x1b[0m"
_BOLD, _DIM = "\x1b[1m", "\x1b[2m"
_COLOUR = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour: on a terminal that is not dumb, unless NO_COLOR is set."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("FORCE_COLOR")) or stream.isatty()


def text_lines(result: CheckResult, *, strict: bool, colour: bool) -> Iterator[str]:
    """The lines of the whole report."""
    style = _Style(colour)
    sources = Sources(result.target.folder)
    for finding in result.findings:
        yield from _finding_lines(result, finding, sources, style)
        yield ""
    yield from _summary(result, style, strict=strict)


class _Style:
    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._colour and text else text


def shown_path(result: CheckResult, file: str) -> str:
    """The path of a file from the working folder of the user."""
    folder = os.fspath(result.target.folder)
    if not file or file in (folder, "."):
        return folder
    return file if folder == "." else f"{folder.rstrip('/')}/{file}"


def _finding_lines(result: CheckResult, finding: Diagnostic, sources: Sources, style: _Style) -> Iterator[str]:
    severity = Severity(finding.severity)
    place = f"{shown_path(result, finding.file)}:{finding.line}:{finding.column}"
    yield (
        f"{style(_BOLD, printable(place))} {finding.code} "
        f"{style(_COLOUR[severity], f'{severity}:')} {printable(finding.message)}"
    )
    excerpt = sources.excerpt(finding.file, finding.line, finding.column)
    margin = " " * len(str(finding.line))
    if excerpt is not None:
        yield f"  {style(_DIM, f'{finding.line} |')} {excerpt.text}"
        yield f"  {style(_DIM, f'{margin} |')} {style(_COLOUR[severity], excerpt.caret)}"
    if finding.hint:
        yield f"  {style(_DIM, f'{margin} =')} {printable(finding.hint)}"
    for detail in finding.details:
        yield f"  {style(_DIM, f'{margin} |')} {printable(detail)}"


def _summary(result: CheckResult, style: _Style, *, strict: bool) -> Iterator[str]:
    rulebook = result.rulebook
    if rulebook is not None:
        rules = sum(len(stage.rules) for stage in rulebook.stages)
        size = f"{rules} rules and table rows in {len(rulebook.files)} files"
        yield f"{result.target.folder}: {size}, revision {rulebook.revision}"
    counts = [(severity, result.count(severity)) for severity in Severity]
    counts_text = [style(_COLOUR[s], f"{n} {s}{'s' if n != 1 else ''}") for s, n in counts if n]
    if result.suppressed:
        counts_text.append(f"{len(result.suppressed)} allowed")
    counted = ", ".join(counts_text) or "no findings"
    yield f"{shown_path(result, result.target.part)}: {counted}; {_verdict(result, strict)}"
    if result.findings:
        yield style(_DIM, f"more about a code: answerby check --explain {result.findings[0].code}")


def _verdict(result: CheckResult, strict: bool) -> str:
    if result.refused(strict=strict):
        return "refused"
    return "accepted" if result.rulebook is not None else "but the rules are refused for mistakes in other files"
