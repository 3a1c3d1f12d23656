"""The pipeline: all stages in order, from the facts of a request to a draft of what is decided of it."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.decision import Flag
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.manual_due import without_due_times
from answerby.engine.facts.record import Record
from answerby.engine.memory.drafts import DraftMemory
from answerby.engine.stages.held import hold_floor, hold_reassignment
from answerby.engine.stages.overrides import apply_overrides, split_overrides, stray_overrides
from answerby.engine.stages.scores import take_scores
from answerby.engine.stages.stage import StageResult, run_stage
from answerby.engine.stages.stage_results import Begun, Draft
from answerby.engine.stages.targets import take_ladders
from answerby.rules.model.rulebook import STAGES, Output
from answerby.rules.model.vocabulary import ANY_REQUEST, Vocabulary

CLASSIFICATION = "classification"
FIRST_STAGES = STAGES[:2]
SEVERAL = (list, tuple, frozenset)


def run_stages(
    compiled: CompiledRulebook,
    request: RequestState,
    event: Event,
    counts: Mapping[str, int],
    memory: DraftMemory | None = None,
) -> Draft:
    """All stages in order; what one derives is a fact for the next."""
    if memory is None:
        return fresh_draft(compiled, request, event, counts)
    key = memory.key(request, event, counts)
    draft = memory.find(request.request_id, key)
    if draft is None:
        begun = memory.begun(request.request_id, key)
        draft = fresh_draft(compiled, request, event, counts, begun, keep=True)
        memory.keep(request.request_id, key, draft)
    return draft


def fresh_draft(
    compiled: CompiledRulebook,
    request: RequestState,
    event: Event,
    counts: Mapping[str, int],
    begun: Begun | None = None,
    *,
    keep: bool = False,
) -> Draft:
    """All stages, or those after what has `begun`. `keep`: so that another draft may begin likewise."""
    given, overrides = split_overrides(without_due_times(request.given, compiled.rulebook.vocabulary))
    if begun is None:
        record = build_record(compiled, request, given, event, counts)
        results = first_stages(compiled, request, event, counts, overrides, record)
        if keep:
            begun = Begun(record.fork(), tuple(results))
    else:
        record, results = begun.record.fork(), list(begun.results)
        for name, value in standing_of(request).items():
            record.put(name, value)
    for stage in compiled.stages[len(results) :]:
        result = run_stage(compiled, stage, record, event.time)
        finish_stage(compiled, request, overrides, stage, result, record)
        results.append(result)
    draft = draft_of(compiled, overrides, record, results)
    draft.begun = begun
    return draft


def first_stages(
    compiled: CompiledRulebook,
    request: RequestState,
    event: Event,
    counts: Mapping[str, int],
    overrides: Mapping[str, Value],
    record: Record,
) -> list[StageResult]:
    """Completeness and classification, which look at each other. No ladder has a say in them."""
    stages, last = [stage for stage in compiled.stages if stage.stage.name in FIRST_STAGES], compiled.completeness_last
    if compiled.rechecks_completeness and request.derived and not last:
        carry_category(compiled, request, record)
    results: list[StageResult] = []
    for stage in stages[1:] if last else stages:
        classifies = stage.stage.name == CLASSIFICATION
        assumed = list(map(record.get, stage.derives)) if classifies and not last else []
        if classifies:
            forget(stage, record)
        result = run_stage(compiled, stage, record, event.time)
        if classifies and last:
            results.append(run_stage(compiled, stages[0], record, event.time))
            finish_stage(compiled, request, overrides, stages[0], results[0], record)
        elif classifies and compiled.rechecks_completeness and not as_assumed(stage, record, assumed):
            forget(stages[0], record)
            results[0] = run_stage(compiled, stages[0], record, event.time)
            finish_stage(compiled, request, overrides, stages[0], results[0], record)
        finish_stage(compiled, request, overrides, stage, result, record)
        results.append(result)
        if classifies:
            count_this_request(compiled, record, counts)
    return results


def as_assumed(stage: CompiledStage, record: Record, assumed: list[Typed | None]) -> bool:
    """Whether completeness was asked with what classification has now come to, as is usual after the first event."""
    return not record.failures and list(map(record.get, stage.derives)) == assumed


def draft_of(
    compiled: CompiledRulebook, overrides: Mapping[str, Value], record: Record, results: list[StageResult]
) -> Draft:
    draft = Draft(record)
    reasons: dict[str, None] = {}
    for result in results:
        draft.outputs.update(result.outputs)
        draft.goals.update(result.goals)
        if result.reasons:
            reasons.update(dict.fromkeys(result.reasons))
        draft.explanation.append(result.explanation)
        draft.answers.append(result.answer)
        draft.flags.extend(result.flags)
    if draft.flags:
        # A field that two stages derive, or a stage that ran twice, says the same twice.
        draft.flags = list(dict.fromkeys(draft.flags))
    if overrides:
        draft.flags += stray_overrides(compiled, overrides)
    if compiled.ladder_outputs:
        take_ladders(draft.goals, compiled.ladder_outputs, draft.outputs)
    draft.reasons = list(reasons)
    if record.flags:
        draft.flags += sorted(record.flags, key=lambda flag: (flag.code, flag.message))
    if record.errors:
        draft.flags += [Flag("FACT_REFUSED", f"{refused.field}: {refused.message}") for refused in record.errors]
    draft.derived = derived_facts(compiled.rulebook.vocabulary, draft.outputs)
    return draft


def build_record(
    compiled: CompiledRulebook,
    request: RequestState,
    given: Mapping[str, Value],
    event: Event,
    counts: Mapping[str, int],
) -> Record:
    extra: dict[str, object] = {
        "event.type": event.type,
        "event.time": event.time,
        "request.created": request.created,
    }
    for name, window in compiled.windows:
        extra[name] = counts.get(name, 0) + (window.count == ANY_REQUEST)
    known: dict[str, Typed] = {
        "event.actor": event.actor.value,
        "request.events": request.decisions,
        **standing_of(request),
    }
    return compiled.plan.record(given, extra, known)


def standing_of(request: RequestState) -> dict[str, Typed]:
    """What has become of the request, by the names of REQUEST_FIELDS."""
    return {
        "request.status": request.status.value,
        "request.reopen_count": request.reopen_count,
        "request.acknowledged": request.acknowledged is not None,
    }


def carry_category(compiled: CompiledRulebook, request: RequestState, record: Record) -> None:
    """Completeness may ask what the request was classified as before; nothing else carries over."""
    for stage in compiled.stages:
        if stage.stage.name == CLASSIFICATION:
            for name in stage.derives:
                if name in request.derived and name not in stage.scored:
                    record.set(name, request.derived[name])


def forget(stage: CompiledStage, record: Record) -> None:
    for name in stage.derives:
        if name in record.values or name in record.failures:
            record.set(name, None)


def finish_stage(
    compiled: CompiledRulebook,
    request: RequestState,
    overrides: Mapping[str, Value],
    stage: CompiledStage,
    result: StageResult,
    record: Record,
) -> None:
    """What no rule says: the missing fields, values set by hand, what a ladder raised or reassigned, scores."""
    vocabulary = compiled.rulebook.vocabulary
    if stage.stage.name == "completeness":
        name_missing(vocabulary, result.outputs, record)
    elif stage.stage.name == "routing" and request.reassigned:
        hold_reassignment(vocabulary, request, result, record)
    if overrides:
        names = [n for n in stage.derives if n not in stage.scored] if stage.scored else stage.derives
        apply_overrides(overrides, stage, names, result, record)
    if stage.stage.name == "priority":
        hold_floor(vocabulary, request, result, record)
    if stage.scores:
        take_scores(stage.scores, stage.stage.on_error, result, record)
        apply_overrides(overrides, stage, sorted(stage.scored), result, record)


def name_missing(vocabulary: Vocabulary, outputs: dict[str, Output], record: Record) -> None:
    required = outputs.get("require") or []
    assert isinstance(required, (list, tuple))
    values = record.values
    missing = sorted([name for name in map(str, required) if name not in values])
    outputs["missing"] = missing
    for name, value in (("missing", missing), ("missing_count", len(missing)), ("complete", not missing)):
        if name in vocabulary.fields:
            outputs[name] = value
            record.set(name, value)


def count_this_request(compiled: CompiledRulebook, record: Record, counts: Mapping[str, int]) -> None:
    """A window includes the request itself, as soon as it is known to be one of those that are counted."""
    for name, window in compiled.windows:
        if window.count == record.values.get(window.of):
            record.set(name, counts.get(name, 0) + 1)


def derived_facts(vocabulary: Vocabulary, outputs: dict[str, Output]) -> dict[str, Value]:
    derived: dict[str, Value] = {}
    fields = vocabulary.fields
    for name in sorted(outputs):
        if name in fields or name == "missing":
            value = outputs[name]
            derived[name] = list(value) if isinstance(value, SEVERAL) else value  # type: ignore[assignment,arg-type]
    return derived
