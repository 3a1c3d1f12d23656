"""What the proofs find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from answerby.rules.text.codes import Code, Severity, severity_of
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.space.facts import Facts


@dataclass(frozen=True, slots=True)
class Finding:
    """One proven fact about the rules of a stage. `rules` are ids, the one that it is about first.

    `witness` are facts that show it: evaluated, they do what `message` says. None where no request can show it, as none
    can match an unreachable rule. `outputs` are the outputs that it is about.
    """

    code: Code
    stage: str
    rules: tuple[str, ...]
    place: Place
    message: str
    hint: str = ""
    witness: Facts | None = None
    region: tuple[str, ...] = ()
    """The facts that it is about, as far as they are known, in words."""
    outputs: tuple[str, ...] = ()
    table: str = ""
    """Of a gap, the table."""

    @property
    def severity(self) -> Severity:
        return severity_of(self.code)


@dataclass(frozen=True, slots=True)
class Analysis:
    """Findings by place, and what stays open. Deterministic: the same rules always give the same."""

    findings: tuple[Finding, ...]
    not_analysable: tuple[Finding, ...]
    """Questions without an answer: conditions that cannot be looked into, or too many operations."""
    unconfirmed: int = 0
    """Findings that were dropped, as no request could be made that shows them."""

    def of(self, code: Code) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.code is code)


Confirm = Callable[[Finding], bool]
"""Whether evaluating a request made from the witness does what the finding says."""


def trust(_finding: Finding) -> bool:
    """Takes every witness as it is: for spaces without what may be impossible, and for looking at regions only."""
    return True
