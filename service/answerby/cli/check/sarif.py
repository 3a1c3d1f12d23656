"""Findings as SARIF 2.1.0 for code hosts and editors.

Every code is a rule with its page as help. A finding that a comment allows is suppressed, with the reason.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

import orjson

from answerby import __version__
from answerby.cli.check.code_pages import page, summary
from answerby.cli.check.rules_check import CheckResult
from answerby.cli.check.source_lines import Sources
from answerby.cli.check.text import shown_path
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity, severity_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif_report(result: CheckResult, *, strict: bool) -> str:
    sources = Sources(result.target.folder)
    codes = sorted({f.code for f in result.findings} | {s.finding.code for s in result.suppressed})
    results = [_result(result, found, codes, sources) for found in result.findings]
    for finding, suppression in result.suppressed:
        reason = {"kind": "inSource", "status": "accepted", "justification": suppression.reason}
        results.append({**_result(result, finding, codes, sources), "suppressions": [reason]})
    run = {
        "tool": {"driver": {"name": "answerby", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "invocations": [{"executionSuccessful": True, "exitCode": int(result.refused(strict=strict))}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _rule(code: str) -> dict[str, object]:
    text = page(code)
    return {
        "id": code,
        "shortDescription": {"text": summary(code)},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVEL[severity_of(Code(code))]},
    }


def _result(result: CheckResult, found: Diagnostic, codes: list[str], sources: Sources) -> dict[str, object]:
    line = sources.line(found.file, found.line) or ""
    text = "\n".join((found.message, *([found.hint] if found.hint else ()), *found.details))
    location: dict[str, object] = {"artifactLocation": {"uri": _uri(shown_path(result, found.file))}}
    if found.line >= 1:
        region: dict[str, object] = {"startLine": found.line, "startColumn": max(1, found.column)}
        if line:
            region["snippet"] = {"text": line}
        location["region"] = region
    return {
        "ruleId": found.code,
        "ruleIndex": codes.index(found.code),
        "level": _LEVEL[Severity(found.severity)],
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"answerby/v1": _fingerprint(found, line)},
    }


def _uri(path: str) -> str:
    return Path(path).as_uri() if Path(path).is_absolute() else quote(path)


def _fingerprint(found: Diagnostic, line: str) -> str:
    """A fingerprint that stays equal when the line moves or its indentation changes."""
    content = f"{found.code}\0{found.file}\0{line.strip()}\0{found.message}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]
