"""Check of rule files before the rules decide: load, compile, run the rule tests, warm.

The check runs in a separate process (checker.py), so that the server process has no delays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from answerby.domain.errors import EngineLimit
from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import Diagnostic
from answerby.server.live.rule_files import lay_out
from answerby.workbench.rule_tests.runner import run_folder
from answerby.workbench.rule_tests.suite.loader import BadSuite

LONGEST_LIST = 200
"""Most findings that a check returns."""
ACCEPT_HINT = "if that is as it should be now, `answerby test --accept` on the rules folder takes it over into the test"


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of a check: a rulebook, or no rulebook and the reasons."""

    diagnostics: tuple[Diagnostic, ...]
    rulebook: Rulebook | None


@dataclass(frozen=True, slots=True)
class Task:
    """Files to check. With `trouble`, `folder` is the folder of the unreadable files."""

    files: Mapping[str, bytes]
    folder: str
    engine: str
    tests: bool
    trouble: str = ""


def check(task: Task) -> Checked:
    """Checks the files. The content of the files never raises."""
    checked = _unreadable(task) if task.trouble else _check_files(task)
    # Errors come first: they are why rules are refused, and a long list of warnings must not hide them.
    diagnostics = sorted(checked.diagnostics, key=lambda found: found.severity != "error")
    return replace(checked, diagnostics=tuple(diagnostics[:LONGEST_LIST]))


def _check_files(task: Task) -> Checked:
    with tempfile.TemporaryDirectory(prefix="answerby-rules-") as scratch:
        folder = Path(scratch) / "rules"
        lay_out(task.files, folder)
        checked = _check_folder(folder, task)
    diagnostics = tuple(
        replace(d, file=d.file.replace(str(folder), task.folder or "rules")) for d in checked.diagnostics
    )
    return replace(checked, diagnostics=diagnostics)


def warm(compiled: CompiledRulebook) -> None:
    """Makes one decision without use, which builds the lazy structures before the first real event."""
    now = datetime.now(UTC)
    event = Event(source="warm-up", id="warm-up", type="request.received", time=now, request_id="warm-up")
    decide(compiled, None, event, Context(), now)


def finding(code: str, message: str, file: str = "") -> Diagnostic:
    return Diagnostic(code, "error", file, 0, 0, message)


def close(compiled: CompiledRulebook) -> None:
    """Frees the memory of the matcher outside of Python."""
    compiled.matcher.close()


def _unreadable(task: Task) -> Checked:
    """Findings for an unreadable folder. The loader gives the best reasons."""
    diagnostics = load_rulebook(Path(task.folder)).diagnostics
    if not any(diagnostic.severity == "error" for diagnostic in diagnostics):
        diagnostics = (*diagnostics, finding("FOLDER_UNREADABLE", task.trouble))
    return Checked(diagnostics, None)


def _check_folder(folder: Path, task: Task) -> Checked:
    result = load_rulebook(folder)
    diagnostics = result.diagnostics
    if result.rulebook is None:
        return Checked(diagnostics, None)
    try:
        compiled = compile_rulebook(result.rulebook, task.engine)
    except EngineLimit as error:
        return Checked((*diagnostics, finding(error.reason, error.message)), None)
    try:
        warm(compiled)
        failures = _failed_tests(compiled, folder) if task.tests else ()
    except Exception as error:  # noqa: BLE001 - a rulebook that cannot decide at all must not go live
        return Checked(
            (*diagnostics, finding("WARM_UP_FAILED", f"the rules do not decide: {type(error).__name__}")), None
        )
    finally:
        close(compiled)
    if failures:
        return Checked((*diagnostics, *failures), None)
    return Checked(diagnostics, result.rulebook)


def _failed_tests(compiled: CompiledRulebook, folder: Path) -> tuple[Diagnostic, ...]:
    """A finding for each bad or failed rule test. Rule tests are optional, but existing ones must pass."""
    diagnostics: list[Diagnostic] = []
    for outcome in run_folder(compiled, folder):
        if isinstance(outcome, BadSuite):
            diagnostics.append(outcome.diagnostic)
        elif outcome.differences:
            place = outcome.located
            message = f"{place.case.name}: {'; '.join(outcome.differences)}"
            hint = ACCEPT_HINT if any(found.accepted for found in outcome.details) else ""
            diagnostics.append(Diagnostic("RULE_TEST_FAILED", "error", place.file, place.line, 1, message, hint))
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
