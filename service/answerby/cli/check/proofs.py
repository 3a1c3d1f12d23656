"""The proofs as findings like any other."""

from __future__ import annotations

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.loader import LoadResult
from answerby.rules.text.diagnostic_codes import PROOFS
from answerby.rules.text.suppressions import Applied, apply
from answerby.workbench.proofs.witnessed_findings import analysis_diagnostics


def prove_allowed(compiled: CompiledRulebook, loaded: LoadResult) -> Applied:
    """What the proofs find, each shown by a request that was evaluated, without what comments allow."""
    return apply(analysis_diagnostics(compiled), [s for s in loaded.suppressions if s.code in PROOFS], complete=True)
