"""One check of a rules folder: loads, proves, reads the rule tests, and leaves out allowed findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from answerby.cli.check.allowed_findings import prove_allowed
from answerby.cli.check.check_target import CheckTarget
from answerby.cli.check.webhook_mappings import check_webhook_mappings
from answerby.domain.errors import EngineLimit
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, finding
from answerby.rules.text.nodes import Place
from answerby.rules.text.severities import Severity
from answerby.rules.text.suppressions import SuppressedFinding
from answerby.workbench.rule_tests.suite.loader import load_suites

_TOO_LARGE = "the service refuses the rules for it; split them as the message says"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The findings within the target. `rulebook` is None when the rules cannot be used."""

    target: CheckTarget
    rulebook: Rulebook | None
    findings: tuple[Diagnostic, ...]
    suppressed: tuple[SuppressedFinding, ...]

    def count(self, severity: Severity) -> int:
        return Counter(finding.severity for finding in self.findings)[severity.value]

    def refused(self, *, strict: bool) -> bool:
        """Whether the findings refuse the rules. With `strict` warnings refuse them too."""
        return self.count(Severity.ERROR) > 0 or (strict and self.count(Severity.WARNING) > 0)


def run_check(target: CheckTarget, today: date, *, proofs: bool) -> CheckResult:
    """Checks the rules. Mistakes in rule files are findings, never errors."""
    loaded = load_rulebook(target.folder, today)
    findings, suppressed = list(loaded.diagnostics), list(loaded.suppressed)
    findings += check_webhook_mappings(target.folder, loaded.rulebook)
    if loaded.rulebook is not None:
        try:
            compiled = compile_rulebook(loaded.rulebook)
        except EngineLimit as error:
            findings.append(finding(Code.ENGINE_LIMIT, Place(str(target.folder), 1, 1), error.message, _TOO_LARGE))
        else:
            findings += load_suites(compiled, target.folder).diagnostics
            if proofs:
                proven = prove_allowed(compiled, loaded)
                findings += proven.kept
                suppressed += proven.suppressed
    return CheckResult(
        target=target,
        rulebook=None if any(f.severity == Severity.ERROR for f in findings) else loaded.rulebook,
        findings=tuple(sorted((f for f in findings if target.covers(f.file)), key=_by_place)),
        suppressed=tuple(s for s in suppressed if target.covers(s.finding.file)),
    )


def _by_place(found: Diagnostic) -> tuple[str, int, int, str, str]:
    return found.file, found.line, found.column, found.code, found.message
