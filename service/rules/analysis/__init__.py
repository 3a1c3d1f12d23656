"""Proofs: what can be known of a rulebook without trying requests. See `analyse`."""

from service.rules.analysis.analyse import analyse
from service.rules.analysis.facts import Facts
from service.rules.analysis.finding import Analysis, Finding

__all__ = ["Analysis", "Facts", "Finding", "analyse"]
