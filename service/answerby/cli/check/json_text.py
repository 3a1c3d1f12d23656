"""Findings as one JSON document. The check how-to documents its keys; keys are only ever added."""

from __future__ import annotations

import orjson

from answerby.cli.check.code_pages import page_path
from answerby.cli.check.rules_check import CheckResult
from answerby.cli.check.source_lines import Sources
from answerby.cli.check.text import shown_path
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity

VERSION = 1


def json_report(result: CheckResult, *, strict: bool) -> str:
    sources = Sources(result.target.folder)
    document = {
        "version": VERSION,
        "path": shown_path(result, result.target.part),
        "rules_folder": str(result.target.folder),
        "accepted": not result.refused(strict=strict),
        "strict": strict,
        "revision": result.rulebook.revision if result.rulebook else None,
        "summary": {
            **{f"{severity}s": result.count(severity) for severity in Severity},
            "allowed": len(result.suppressed),
        },
        "findings": [_finding(result, found, sources) for found in result.findings],
        "allowed": [
            {**_finding(result, s.finding, sources), "reason": s.suppression.reason} for s in result.suppressed
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _finding(result: CheckResult, found: Diagnostic, sources: Sources) -> dict[str, object]:
    return {
        "code": found.code,
        "severity": found.severity,
        "file": shown_path(result, found.file),
        "line": found.line,
        "column": found.column,
        "message": found.message,
        "hint": found.hint,
        "details": list(found.details),
        "source": sources.line(found.file, found.line),
        "page": page_path(found.code),
    }
