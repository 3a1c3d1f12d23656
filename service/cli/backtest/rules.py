"""Rule files as a backtest takes them: read once, so that every process decides by the same text."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from service.cli.fail import CommandFailed
from service.engine.compiled import CompiledRulebook, compile_rulebook
from service.rules.diagnostic import Diagnostic, Report, Severity
from service.rules.folder import RuleText, read_folder
from service.rules.loader import load_texts
from service.rules.model import Rulebook


class RuleSet(NamedTuple):
    """Rule files and what they are called in the report."""

    name: str
    texts: list[RuleText]
    rulebook: Rulebook


def read_rules(folder: Path) -> RuleSet:
    """Raises CommandFailed with every mistake in the files."""
    report = Report()
    texts = read_folder(folder, report)
    if report.has_errors:
        raise CommandFailed(_mistakes(str(folder), report.sorted()))
    return of_texts(str(folder), texts)


def of_texts(name: str, texts: list[RuleText]) -> RuleSet:
    """Raises CommandFailed with every mistake in the files."""
    result = load_texts(texts)
    if result.rulebook is None:
        raise CommandFailed(_mistakes(name, result.diagnostics))
    return RuleSet(name, texts, result.rulebook)


def compile_texts(texts: list[RuleText], engine: str) -> CompiledRulebook:
    """Of texts that `of_texts` took. Raises EngineLimit."""
    rulebook = load_texts(texts).rulebook
    assert rulebook is not None
    return compile_rulebook(rulebook, engine)


def _mistakes(name: str, diagnostics: tuple[Diagnostic, ...]) -> str:
    errors = [f"  {d}" for d in diagnostics if d.severity == Severity.ERROR]
    return "\n".join([f"the rules in {name} have errors:", *errors])
