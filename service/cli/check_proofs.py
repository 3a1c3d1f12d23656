"""The proofs as findings like any other, each with the facts that show it under it."""

from __future__ import annotations

from service.rules.analysis import Finding, analyse
from service.rules.codes import PROOFS
from service.rules.diagnostic import Diagnostic, finding
from service.rules.loader import LoadResult
from service.rules.model import Rulebook
from service.rules.suppress import Applied, apply


def prove(rulebook: Rulebook, loaded: LoadResult) -> Applied:
    """What the proofs find, without what comments allow."""
    analysis = analyse(rulebook)
    found = [_diagnostic(proven) for proven in (*analysis.findings, *analysis.not_analysable)]
    return apply(found, [s for s in loaded.suppressions if s.code in PROOFS], complete=True)


def _diagnostic(proven: Finding) -> Diagnostic:
    return finding(proven.code, proven.place, proven.message, proven.hint, _witness(proven))


def _witness(proven: Finding) -> tuple[str, ...]:
    """The facts, each on a line; what is not named does not matter."""
    lines = () if proven.witness is None else proven.witness.lines()
    return ("a request that shows it:", *(f"  {line}" for line in lines)) if lines else ()
