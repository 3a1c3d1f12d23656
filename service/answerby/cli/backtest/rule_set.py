"""Rule files of a backtest, read once, so that every process decides by the same text."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from answerby.cli.fail import CommandFailed
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_texts
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import Diagnostic, DiagnosticReport
from answerby.rules.text.rule_folder import RuleText, read_folder
from answerby.rules.text.severities import Severity

if TYPE_CHECKING:
    from answerby.cli.client import Server


ACTIVE = "active"
REVISION = re.compile(r"r-[0-9a-f]{16}")
LIKE_A_REVISION = re.compile(r"r-[0-9A-Za-z]*")


class RuleSet(NamedTuple):
    """Rule files and their name in the report."""

    name: str
    texts: list[RuleText]
    rulebook: Rulebook


def read_rules(folder: Path) -> RuleSet:
    """Raises CommandFailed with every mistake in the files."""
    report = DiagnosticReport()
    texts = read_folder(folder, report)
    if report.has_errors:
        raise CommandFailed(_mistakes(str(folder), report.sorted()))
    return of_texts(str(folder), texts)


def read_any_rules(name: str, server: Server | None) -> RuleSet:
    """The rules of a folder or, with a server, of a stored revision. `active` is the live one.

    Raises CommandFailed, grpc.RpcError.
    """
    wanted = revision_named(name)
    if wanted is None:
        return read_rules(Path(name))
    if server is None:
        raise CommandFailed(f"{name} is no folder here; to take a revision of a server, name its --target")
    from answerby.cli.backtest.server_rules import fetch_revision  # noqa: PLC0415  # needs grpc

    with TemporaryDirectory() as place:
        revision = fetch_revision(server, wanted, Path(place))
        return read_rules(Path(place))._replace(name=revision if name == revision else f"{name}: {revision}")


def revision_named(name: str) -> str | None:
    """The revision of a server that the name stands for, empty for the active one; None for a folder, which wins.

    Raises CommandFailed for a name like that of a revision that no server can keep.
    """
    if Path(name).exists():
        return None
    if LIKE_A_REVISION.fullmatch(name) and not REVISION.fullmatch(name):
        raise CommandFailed(
            f"{name}: there is no such folder, and no server keeps such a revision: r- and 16 digits of 0-9 and a-f, "
            "as answerby rulebook revisions lists them"
        )
    if name == ACTIVE:
        return ""
    return name if REVISION.fullmatch(name) else None


def of_texts(name: str, texts: list[RuleText]) -> RuleSet:
    """Raises CommandFailed with every mistake in the files."""
    result = load_texts(texts)
    if result.rulebook is None:
        raise CommandFailed(_mistakes(name, result.diagnostics))
    return RuleSet(name, texts, result.rulebook)


def compile_texts(texts: list[RuleText], engine: str) -> CompiledRulebook:
    """The rulebook of texts that `of_texts` checked. Raises EngineLimit."""
    rulebook = load_texts(texts).rulebook
    assert rulebook is not None
    return compile_rulebook(rulebook, engine)


def _mistakes(name: str, diagnostics: tuple[Diagnostic, ...]) -> str:
    errors = [f"  {d}" for d in diagnostics if d.severity == Severity.ERROR]
    return "\n".join([f"the rules in {name} have errors:", *errors])
