"""Builds the matcher for a setting, or the reference where durable-rules cannot be imported."""

# Stays interpreted: it runs once per rulebook.
from __future__ import annotations

import importlib

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.engine.facts.plan import FactPlan
from answerby.engine.matching.comparing import ComparingMatcher, OnDifference
from answerby.engine.matching.matcher import Matcher
from answerby.engine.matching.reference import ReferenceMatcher
from answerby.rules.model.rulebook import Rulebook

ENGINES = ("durable", "reference", "shadow")


def build_matcher(
    rulebook: Rulebook,
    engine: str = "durable",
    on_difference: OnDifference | None = None,
    plan: FactPlan | None = None,
) -> Matcher:
    """A matcher for the rulebook. `plan` saves compiling the facts again; records of an equal plan fit too.

    Where durable-rules cannot be imported (CPython 3.13 and later) the reference matcher is returned for `durable` and
    `shadow`, with `fallback_reason` set. Raises EngineLimit when the rules leave the engine's safe envelope,
    InvalidInput for an unknown engine or a condition that does not fit the vocabulary.
    """
    if engine not in ENGINES:
        raise InvalidInput([FieldViolation("engine", f"{engine!r} is none of {', '.join(ENGINES)}")])
    plan = plan or FactPlan(rulebook)
    reference = ReferenceMatcher(rulebook, plan)
    if engine == "reference":
        return reference
    if reason := why_not_durable():
        return ReferenceMatcher(rulebook, plan, fallback_reason=reason)
    from answerby.engine.matching.durable import DurableMatcher  # noqa: PLC0415 - its C extension may be missing

    durable = DurableMatcher(rulebook, plan)
    return ComparingMatcher(reference, durable, on_difference) if engine == "shadow" else durable


def why_not_durable() -> str:
    """Why durable-rules cannot match on this machine; empty when it can."""
    try:
        importlib.import_module("answerby.engine.matching.durable")
    except ImportError as error:
        return f"durable-rules cannot be imported: {error}"
    return ""
