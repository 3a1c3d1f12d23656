"""The pipeline: runs all stages in order, from the facts of a request to the results of its stages.

Classification comes first. Completeness follows, as its rules may depend on the category. The loader refuses rules of
classification that read facts derived by completeness. Results stand in the order of `STAGES` all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.decision import Flag
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.manual_due import without_due_times
from answerby.engine.facts.record import Record
from answerby.engine.stages.ladder_values import keep_priority_floor, keep_reassignment
from answerby.engine.stages.overrides import apply_overrides, split_overrides, stray_overrides
from answerby.engine.stages.scores import take_scores
from answerby.engine.stages.sources import name_sources
from answerby.engine.stages.stage import StageResult, StageRunner
from answerby.engine.stages.stage_results import StageResults, StagesSoFar
from answerby.engine.stages.targets import take_ladders
from answerby.rules.model.rulebook import Output
from answerby.rules.model.vocabulary import ANY_REQUEST, Vocabulary

SEVERAL = (list, tuple, frozenset)


def run_stages(
    runner: StageRunner, compiled: CompiledRulebook, request: RequestState, event: Event, counts: Mapping[str, int]
) -> StageResults:
    """Runs all stages in order. A derived fact counts for the stages after it.

    `counts` are the counts over windows, by field.
    """
    first = first_stages(runner, compiled, request, event, counts)
    return later_stages(runner, compiled, request, event, first)


def first_stages(
    runner: StageRunner, compiled: CompiledRulebook, request: RequestState, event: Event, counts: Mapping[str, int]
) -> StagesSoFar:
    """Runs classification and completeness, on which ladders have no influence."""
    given, overrides = split_overrides(without_due_times(request.given, compiled.rulebook.vocabulary))
    record = build_record(compiled, request, given, event, counts)
    classification, completeness = compiled.classification, compiled.completeness
    so_far = StagesSoFar(record, [], overrides)
    if classification is not None:
        forget(classification, record)
        category = runner.run(compiled, classification, record, event.time)
    if completeness is not None:
        result = runner.run(compiled, completeness, record, event.time)
        finish_stage(compiled, request, completeness, result, so_far)
    if classification is not None:
        finish_stage(compiled, request, classification, category, so_far)
        count_this_request(compiled, record, counts)
    return so_far


def later_stages(
    runner: StageRunner, compiled: CompiledRulebook, request: RequestState, event: Event, so_far: StagesSoFar
) -> StageResults:
    """Runs the stages after the first two, and adds them to `so_far`."""
    for stage in compiled.later_stages:
        result = runner.run(compiled, stage, so_far.record, event.time)
        finish_stage(compiled, request, stage, result, so_far)
    return combined(compiled, so_far)


def combined(compiled: CompiledRulebook, so_far: StagesSoFar) -> StageResults:
    """Combines the results of single stages."""
    record, results, overrides = so_far.record, so_far.results, so_far.overrides
    combination = StageResults(record)
    reasons: dict[str, None] = {}
    for result in results:
        combination.targets.update(result.targets)
        if result.reasons:
            reasons.update(dict.fromkeys(result.reasons))
        combination.explanation.append(result.explanation)
        combination.answers.append(result.answer)
        combination.flags.extend(result.flags)
    for result in as_asked(compiled, results):
        combination.outputs.update(result.outputs)
    if combination.flags:
        # Two stages that derive one field may flag the same.
        combination.flags = list(dict.fromkeys(combination.flags))
    if overrides:
        combination.flags += stray_overrides(compiled, overrides)
    if compiled.ladder_outputs:
        take_ladders(combination.targets, compiled.ladder_outputs, combination.outputs)
    combination.reasons = list(reasons)
    if record.flags:
        combination.flags += sorted(record.flags, key=lambda flag: (flag.code, flag.message))
    if record.errors:
        combination.flags += [Flag("FACT_REFUSED", f"{refused.field}: {refused.message}") for refused in record.errors]
    combination.derived = derived_facts(compiled.rulebook.vocabulary, combination.outputs)
    return combination


def as_asked(compiled: CompiledRulebook, results: list[StageResult]) -> list[StageResult]:
    """The results in the order in which the stages ran: a later stage's output replaces an earlier one's."""
    if compiled.classification is None or compiled.completeness is None:
        return results
    return [results[1], results[0], *results[2:]]


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
        **request_fields(request),
    }
    return compiled.plan.record(given, extra, known)


def request_fields(request: RequestState) -> dict[str, Typed]:
    """Fields on the state of the request (`dependencies.REQUEST_FIELDS`)."""
    return {
        "request.status": request.status.value,
        "request.reopen_count": request.reopen_count,
        "request.acknowledged": request.acknowledged is not None,
    }


def forget(stage: CompiledStage, record: Record) -> None:
    """Clears the fields that the stage derives, such as defaults of the vocabulary."""
    for name in stage.derives:
        if name in record.values or name in record.failures:
            record.set(name, None)


def finish_stage(
    compiled: CompiledRulebook, request: RequestState, stage: CompiledStage, result: StageResult, so_far: StagesSoFar
) -> None:
    """Adds to a result what no rule says, and the result to the stages so far.

    That is: missing fields, a priority or an owner that a ladder gave, values set by hand, which win, and scores.
    """
    record, results, overrides = so_far.record, so_far.results, so_far.overrides
    vocabulary = compiled.rulebook.vocabulary
    if stage.stage.name == "completeness":
        name_missing(vocabulary, result.outputs, record)
    elif stage.stage.name == "routing" and request.reassigned:
        keep_reassignment(vocabulary, request, result, record)
    elif stage.stage.name == "priority" and request.priority_floor:
        keep_priority_floor(vocabulary, request, result, record)
    if overrides:
        names = [n for n in stage.derives if n not in stage.score_fields] if stage.score_fields else stage.derives
        apply_overrides(overrides, names, result, record)
    if stage.scores:
        take_scores(stage.scores, stage.stage.on_error, result, record)
        apply_overrides(overrides, sorted(stage.score_fields), result, record)
    if result.replaced:
        name_sources(stage, result)
    results.append(result)


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
    """Adds the request itself to the windows that count its category."""
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
