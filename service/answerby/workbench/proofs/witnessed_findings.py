"""Findings with witnesses that hold: a request made from each witness was decided and shows the finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from answerby.domain.event import OVERRIDE_PREFIX
from answerby.engine.compiled.rulebook import CompiledRulebook, plain
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, finding
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs import Analysis, Finding, analyse
from answerby.workbench.proofs.clocks.clock_findings import clock_findings
from answerby.workbench.proofs.witnesses.finder import WitnessFinder, WitnessRequest


def prove(compiled: CompiledRulebook) -> Analysis:
    """All findings on the rules. Each witness was decided and shows its finding. Deterministic."""
    finder = WitnessFinder(compiled)

    def confirm(found: Finding) -> bool:
        if found.witness is None:
            return True
        request = finder.find(found.stage, found.witness)
        return request is not None and shows(compiled, found, request)

    return analyse(compiled.rulebook, confirm)


def shows(compiled: CompiledRulebook, found: Finding, request: WitnessRequest) -> bool:
    """Whether the decision of the request does what the finding says."""
    stage = request.stage(found.stage)
    won = {reference.id for reference in stage.won}
    matched = won | {reference.id for reference in stage.lost}
    first = found.rules[0]
    match found.code:
        case Code.SHADOWED_RULE | Code.NEVER_WINS:
            return first in matched and first not in won
        case Code.OVERLAP:
            return set(found.rules) <= matched and any(flag.code == "RULE_CONFLICT" for flag in request.decision.flags)
        case Code.CONFLICT:
            return set(found.rules) <= matched and first in won
        case Code.REDUNDANT_ROW:
            return first in won
        case Code.GAP | Code.INCOMPLETE_TABLE:
            rules = {r.id for s in compiled.rulebook.stages for b in s.blocks if b.id == found.block for r in b.rules}
            others = [reference for reference in stage.won if not reference.id.startswith(OVERRIDE_PREFIX)]
            return not matched & rules and not any(set(found.outputs) & set(rule.outputs) for rule in others)
        case Code.RAISE_LOSES_TARGET:
            # The request before the raise. The proof moves it by the raise alone.
            return set(found.outputs) <= stage.outputs.keys()
        case Code.NOT_PROTECTED:
            return first in matched and _is_lost(compiled, found, request)
    return True


def _is_lost(compiled: CompiledRulebook, found: Finding, request: WitnessRequest) -> bool:
    """Whether the decision ends with another value of an output of the rule."""
    rule = next(r for stage in compiled.rulebook.stages for r in stage.rules if r.id == found.rules[0])
    outputs = {name: value for e in request.decision.explanation for name, value in e.outputs.items()}
    for name in found.outputs:
        given, final = plain(rule.then[name]), outputs.get(name)
        lost = not set(given) <= set(final) if isinstance(given, list) and isinstance(final, list) else given != final
        if lost:
            return True
    return False


def analysis_diagnostics(compiled: CompiledRulebook, clock_places: Mapping[str, Place]) -> tuple[Diagnostic, ...]:
    """The findings as diagnostics for `answerby check`, with the witness in plain words in their details."""
    analysis = prove(compiled)
    clocks = clock_findings(compiled.rulebook, clock_places)
    return tuple(_diagnostic(found) for found in (*analysis.findings, *analysis.not_analysable, *clocks))


def _diagnostic(found: Finding) -> Diagnostic:
    details: tuple[str, ...] = ()
    if found.witness is not None:
        lines = found.witness.lines() or ("any request",)
        details = ("for example:", *(f"  {line}" for line in lines))
    return replace(finding(found.code, found.place, found.message, found.hint, details), where=found.where)
