"""Proofs: what can be known of a rulebook without trying requests. See `analyse`."""

from answerby.workbench.proofs.analyse import analyse
from answerby.workbench.proofs.findings.finding import Analysis, Finding
from answerby.workbench.proofs.space.facts import Facts

__all__ = ["Analysis", "Facts", "Finding", "analyse"]
