"""The proofs as findings like any other."""

from __future__ import annotations

from service.engine.compiled import CompiledRulebook
from service.engine.proofs import analysis_diagnostics
from service.rules.codes import PROOFS
from service.rules.loader import LoadResult
from service.rules.suppress import Applied, apply


def prove_allowed(compiled: CompiledRulebook, loaded: LoadResult) -> Applied:
    """What the proofs find, each shown by a request that was evaluated, without what comments allow."""
    return apply(analysis_diagnostics(compiled), [s for s in loaded.suppressions if s.code in PROOFS], complete=True)
