"""Which matcher runs: the one asked for, or the reference where durable-rules cannot be had."""

from __future__ import annotations

from service.domain.errors import FieldViolation, InvalidInput
from service.engine.facts import FactPlan
from service.engine.matcher import Matcher
from service.engine.reference import ReferenceMatcher
from service.engine.shadow import OnDifference, ShadowMatcher
from service.rules.model import Rulebook

ENGINES = ("durable", "reference", "shadow")


def build_matcher(
    rulebook: Rulebook,
    engine: str = "durable",
    on_difference: OnDifference | None = None,
    plan: FactPlan | None = None,
) -> Matcher:
    """A matcher for the rulebook. `plan` saves compiling the facts again; records of an equal plan fit as well.

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
    try:
        from service.engine.durable import DurableMatcher  # noqa: PLC0415 - its C extension may be missing
    except ImportError as error:
        return ReferenceMatcher(rulebook, plan, fallback_reason=f"durable-rules cannot be imported: {error}")
    durable = DurableMatcher(rulebook, plan)
    return ShadowMatcher(reference, durable, on_difference) if engine == "shadow" else durable
