"""The findings of the proofs, without those that comments allow."""

from __future__ import annotations

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.loader import LoadResult
from answerby.rules.text.severities import PROOF_CODES
from answerby.rules.text.suppressions import SuppressionResult, apply_suppressions
from answerby.workbench.proofs.witnessed_findings import analysis_diagnostics


def prove_allowed(compiled: CompiledRulebook, loaded: LoadResult) -> SuppressionResult:
    """The proved findings, each shown by a decided request, split into kept and allowed ones."""
    findings = analysis_diagnostics(compiled, loaded.clock_places)
    return apply_suppressions(findings, [s for s in loaded.suppressions if s.code in PROOF_CODES], complete=True)
