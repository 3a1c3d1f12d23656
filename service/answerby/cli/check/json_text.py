"""Findings as one JSON document. Its keys are documented in the check how-to and only ever added to."""

from __future__ import annotations

import orjson

from answerby.cli.check.pages import page_path
from answerby.cli.check.run import Checked
from answerby.cli.check.sources import Sources
from answerby.cli.check.text import shown_path
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity

VERSION = 1


def json_report(checked: Checked, *, strict: bool) -> str:
    sources = Sources(checked.target.folder)
    document = {
        "version": VERSION,
        "path": shown_path(checked, checked.target.part),
        "rules_folder": str(checked.target.folder),
        "accepted": not checked.refused(strict=strict),
        "strict": strict,
        "revision": checked.rulebook.revision if checked.rulebook else None,
        "summary": {
            **{f"{severity}s": checked.count(severity) for severity in Severity},
            "allowed": len(checked.suppressed),
        },
        "findings": [_finding(checked, found, sources) for found in checked.findings],
        "allowed": [
            {**_finding(checked, s.finding, sources), "reason": s.suppression.reason} for s in checked.suppressed
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _finding(checked: Checked, found: Diagnostic, sources: Sources) -> dict[str, object]:
    return {
        "code": found.code,
        "severity": found.severity,
        "file": shown_path(checked, found.file),
        "line": found.line,
        "column": found.column,
        "message": found.message,
        "hint": found.hint,
        "details": list(found.details),
        "source": sources.line(found.file, found.line),
        "page": page_path(found.code),
    }
