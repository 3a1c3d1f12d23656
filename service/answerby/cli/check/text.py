"""Findings as text: `file:line:column code severity: message`, the line with a caret, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TextIO

from answerby.cli.check.run import Checked
from answerby.cli.check.sources import Sources, printable
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity

_RESET = "\x1b[0m"
_BOLD, _DIM = "\x1b[1m", "\x1b[2m"
_COLOUR = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colours go to a terminal only, and not where NO_COLOR is set or the terminal is dumb."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("FORCE_COLOR")) or stream.isatty()


def text_lines(checked: Checked, *, strict: bool, colour: bool) -> Iterator[str]:
    """The whole report, line by line."""
    style = _Style(colour)
    sources = Sources(checked.target.folder)
    for finding in checked.findings:
        yield from _finding_lines(checked, finding, sources, style)
        yield ""
    yield from _summary(checked, style, strict=strict)


class _Style:
    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._colour and text else text


def shown_path(checked: Checked, file: str) -> str:
    """The path of a file as the user can open it from where they are."""
    folder = os.fspath(checked.target.folder)
    if not file or file in (folder, "."):
        return folder
    return file if folder == "." else f"{folder.rstrip('/')}/{file}"


def _finding_lines(checked: Checked, finding: Diagnostic, sources: Sources, style: _Style) -> Iterator[str]:
    severity = Severity(finding.severity)
    place = f"{shown_path(checked, finding.file)}:{finding.line}:{finding.column}"
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


def _summary(checked: Checked, style: _Style, *, strict: bool) -> Iterator[str]:
    rulebook = checked.rulebook
    if rulebook is not None:
        rules = sum(len(stage.rules) for stage in rulebook.stages)
        size = f"{rules} rules and table rows in {len(rulebook.files)} files"
        yield f"{checked.target.folder}: {size}, revision {rulebook.revision}"
    counts = [(severity, checked.count(severity)) for severity in Severity]
    said = [style(_COLOUR[s], f"{n} {s}{'s' if n != 1 else ''}") for s, n in counts if n]
    if checked.suppressed:
        said.append(f"{len(checked.suppressed)} allowed")
    yield f"{shown_path(checked, checked.target.part)}: {', '.join(said) or 'no findings'}; {_verdict(checked, strict)}"
    if checked.findings:
        yield style(_DIM, f"more about a code: answerby check --explain {checked.findings[0].code}")


def _verdict(checked: Checked, strict: bool) -> str:
    if checked.refused(strict=strict):
        return "refused"
    return "accepted" if checked.rulebook is not None else "but the rules are refused for mistakes in other files"
