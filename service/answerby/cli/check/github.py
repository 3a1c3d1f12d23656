"""Findings as workflow commands, which GitHub Actions turns into annotations of the changed lines."""

from __future__ import annotations

from collections.abc import Iterator

from answerby.cli.check.rules_check import CheckResult
from answerby.cli.check.text import shown_path
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def github_lines(result: CheckResult) -> Iterator[str]:
    for found in result.findings:
        yield _command(shown_path(result, found.file), found)


def _command(file: str, found: Diagnostic) -> str:
    properties = {"file": file, "line": str(max(1, found.line)), "col": str(max(1, found.column)), "title": found.code}
    properties_text = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    text = "\n".join((found.message, *([found.hint] if found.hint else ()), *found.details))
    return f"::{_COMMAND[Severity(found.severity)]} {properties_text}::{text.translate(_DATA)}"
