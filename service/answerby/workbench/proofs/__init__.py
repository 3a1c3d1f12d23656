"""Proofs: findings about a rulebook that hold for every request. See `analyse`."""

from answerby.workbench.proofs.analyse import analyse
from answerby.workbench.proofs.findings.finding import Analysis, Finding
from answerby.workbench.proofs.space.facts import Facts

__all__ = ["Analysis", "Facts", "Finding", "analyse"]
