"""A run of rule tests as JSON."""

from __future__ import annotations

import orjson

from answerby.cli.test.result import Result, TimedOutcome
from answerby.rules.text.diagnostics import Diagnostic
from answerby.workbench.rule_tests.cases import BrokenCase
from answerby.workbench.rule_tests.coverage import Coverage, Part


def as_json(result: Result) -> str:
    """One object. Its keys and their order are stable; `seconds` is not."""
    data: dict[str, object] = {
        "folder": str(result.folder),
        "revision": result.revision,
        "status": result.status,
        "passed": result.passed,
        "failed": result.failed,
        "broken": len(result.broken),
        "seconds": round(result.seconds, 3),
        "mistakes": [mistake(found) for found in result.findings],
        "cases": [case(timed) for timed in result.cases],
        "broken_cases": [broken_case(found) for found in result.broken],
    }
    if result.coverage is not None:
        data["coverage"] = coverage(result.coverage, result.fail_under)
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def unusable(folder: str, diagnostics: tuple[Diagnostic, ...], message: str = "") -> str:
    """The object for rules that cannot be used."""
    data = {"folder": folder, "status": 2, "error": message, "diagnostics": [mistake(found) for found in diagnostics]}
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def mistake(found: Diagnostic) -> dict[str, object]:
    return {
        "file": found.file,
        "line": found.line,
        "column": found.column,
        "code": str(found.code),
        "severity": str(found.severity),
        "message": found.message,
        "hint": found.hint,
    }


def broken_case(found: BrokenCase) -> dict[str, object]:
    """A case that did not run. The name is empty for a file as a whole."""
    return {
        "file": found.file,
        "line": found.line,
        "name": found.name,
        "mistakes": [mistake(one) for one in found.mistakes],
    }


def case(timed: TimedOutcome) -> dict[str, object]:
    located = timed.outcome.located
    return {
        "file": located.file,
        "line": located.line,
        "name": located.case.name,
        "parameters": dict(located.case.parameters),
        "passed": not timed.failed,
        "seconds": round(timed.seconds, 6),
        "differences": [
            {"when": found.when, "name": found.name, "expected": found.expected, "actual": found.actual}
            for found in timed.outcome.details
        ],
        "why": timed.outcome.why,
    }


def coverage(found: Coverage, fail_under: float | None) -> dict[str, object]:
    return {
        "percent": found.percent,
        "fail_under": fail_under,
        "covered": found.covered,
        "all": len(found.rules),
        "rules": [
            {
                "id": rule.id,
                "file": rule.file,
                "line": rule.line,
                "covered": rule.covered,
                "reach": rule.reach.value,
                "on_trial": rule.on_trial,
                "in_force": rule.in_force,
            }
            for rule in found.rules
        ],
        "steps": [part(one) for one in found.steps],
        "clocks": [part(one) for one in found.clocks],
    }


def part(one: Part) -> dict[str, object]:
    return {"name": one.name, "covered": not one.lacking, "lacking": list(one.lacking)}
