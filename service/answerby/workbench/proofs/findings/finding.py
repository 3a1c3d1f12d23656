"""A finding, and the findings of a rulebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.rules.text.severities import Severity, severity_of
from answerby.workbench.proofs.space.facts import Facts


@dataclass(frozen=True, slots=True)
class Finding:
    """One proved statement about the rules of a stage. `rules` are ids; the finding is about the first.

    `witness` are facts that show the finding: their decision does what `message` says. It is None where no request can
    show the finding: no request matches an unreachable rule. `outputs` are the outputs concerned.
    """

    code: Code
    stage: str
    rules: tuple[str, ...]
    place: Place
    message: str
    hint: str = ""
    witness: Facts | None = None
    region: tuple[str, ...] = ()
    """The facts concerned, as far as they are known, in words."""
    outputs: tuple[str, ...] = ()
    block: str = ""
    """The table or the file of rules with a gap; empty for other findings."""
    where: str = ""
    """The facts that a comment must name to allow this finding; empty: its code is enough."""

    @property
    def severity(self) -> Severity:
        return severity_of(self.code)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The findings of a rulebook, by place, and the open questions. Deterministic."""

    findings: tuple[Finding, ...]
    not_analysable: tuple[Finding, ...]
    """Questions without an answer: the conditions are opaque, or the question takes too many operations."""
    unconfirmed: int = 0
    """The number of findings dropped because no request shows them."""

    def of(self, code: Code) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.code is code)


Confirm = Callable[[Finding], bool]
"""Whether the decision on a request made from the witness does what the finding says."""


def trust(_finding: Finding) -> bool:
    """Accepts every witness. For spaces without impossible points, and for looking at regions only."""
    return True
