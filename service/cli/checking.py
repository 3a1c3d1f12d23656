"""`answerby check`: every mistake in a rules folder."""

from __future__ import annotations

from pathlib import Path

from service.rules.diagnostic import Severity
from service.rules.loader import load_rulebook


def check_rules(folder: Path) -> bool:
    """Prints what the loader found; True when the rules can be used."""
    result = load_rulebook(folder)
    for diagnostic in result.diagnostics:
        print(f"{diagnostic.severity}: {diagnostic}")
    if result.rulebook is None:
        errors = sum(d.severity == Severity.ERROR for d in result.diagnostics)
        print(f"{folder}: {errors} error{'s' if errors != 1 else ''}")
        return False
    rules = sum(len(stage.rules) for stage in result.rulebook.stages)
    files = len(result.rulebook.files)
    print(f"{folder}: {rules} rules and table rows in {files} files, revision {result.rulebook.revision}")
    return True
