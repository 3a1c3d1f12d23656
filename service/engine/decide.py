"""decide(): the one place where a request event becomes a decision. Every caller goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from service.domain.decision import Decision, Flag
from service.domain.effect import Effect
from service.domain.event import Event, Value
from service.domain.ladder import Ladder
from service.domain.request import RequestState
from service.engine import ladder_steps, merging, retroactive
from service.engine.clocking import advance
from service.engine.coercion import Typed
from service.engine.compiled import CompiledRulebook, CompiledStage
from service.engine.draft import Begun, Context, Draft
from service.engine.drafts import DraftMemory
from service.engine.effects import derive_effects
from service.engine.facts import Record
from service.engine.lifecycle import oddities
from service.engine.manual_due import without_due_times
from service.engine.overrides import apply_overrides, split_overrides, stray_overrides
from service.engine.refold import kept_goals, refold_wanted
from service.engine.scores import take_scores
from service.engine.stages import StageResult, run_stage
from service.engine.timekeeping import plan, take_ladders
from service.engine.turn import Turn
from service.rules.model import STAGES, Output
from service.rules.vocabulary import ANY_REQUEST, Vocabulary

CLASSIFICATION = "classification"
FIRST_STAGES = STAGES[:2]
SEVERAL = (list, tuple, frozenset)


def decide(
    compiled: CompiledRulebook,
    state: RequestState | None,
    event: Event,
    context: Context,
    now: datetime,
    memory: DraftMemory | None = None,
    *,
    words: bool = True,
) -> Decision:
    """Decides one event of one request as of `now` (aware). Pure: equal arguments give equal decisions.

    A historical event is decided as of its own time; it arms no timer and has no effect. An event that comes late or
    corrects another is decided by folding the request's history, if the context has it. `memory` saves time where one
    caller decides the same request again and again; it changes no decision. Without `words` effects only say whom
    they tell, for a caller that delivers none.
    """
    moment = event.time if event.historical else now
    late = refold_wanted(state, event)
    if late:
        rewritten = retroactive.rewrite(take, compiled, state, event, context, moment)
        if rewritten is not None:
            turn, after, effects, flags, moment = rewritten
            return conclude(compiled, event, moment, turn, after, effects, flags)
    turn = take(compiled, state, event, context, moment, memory)
    flags = [*turn.flags, *turn.draft.flags, *turn.clock_flags]
    effects, alerts = derive_effects(compiled, state, turn.after, event, turn.draft, turn.firing, moment, words=words)
    after = msgspec.structs.replace(turn.after, alerts=alerts)
    if late:
        flags += retroactive.not_folded(state, event, context)
        after = retroactive.awaiting(after, event)
    return conclude(compiled, event, moment, turn, after, effects, flags)


class Opened:
    """A turn up to where the rules are asked."""

    def __init__(
        self,
        event: Event,
        request: RequestState,
        ladders: Mapping[str, Ladder],
        firing: ladder_steps.Firing | None,
        counts: dict[str, int],
        flags: list[Flag],
        follow_ups: list[Event],
    ) -> None:
        self.event = event
        """As it counts."""
        self.request = request
        self.ladders = ladders
        self.firing = firing
        self.counts = counts
        self.flags = flags
        self.follow_ups = follow_ups


def take(
    compiled: CompiledRulebook,
    state: RequestState | None,
    event: Event,
    context: Context,
    moment: datetime,
    memory: DraftMemory | None = None,
) -> Turn:
    """What one event makes of the request: lifecycle, stages, clocks, timers."""
    turn = opened(compiled, state, event, context, moment)
    told, request, ladders, firing, counts = turn.event, turn.request, turn.ladders, turn.firing, turn.counts
    draft = run_stages(compiled, request, told, counts, memory)
    goals = draft.goals if context.kept is None else kept_goals(context.kept, draft.goals)
    clocks, clock_flags = advance(compiled, state, request, told, draft.record, draft.derived, goals, moment)
    known = memory.steps(request.request_id) if memory is not None else None
    timers = plan(compiled.rulebook, ladders, request, clocks, event, firing, moment, known)
    after = msgspec.structs.replace(
        request,
        version=request.version + 1,
        decisions=request.decisions + 1,
        derived=draft.derived,
        clocks=clocks,
        timers=timers.after,
        ladders=ladder_steps.climbed(ladders, clocks),
        counts=counts,
    )
    return Turn(after, draft, firing, timers, turn.flags, clock_flags, turn.follow_ups)


def draft_only(
    compiled: CompiledRulebook,
    state: RequestState | None,
    event: Event,
    context: Context,
    moment: datetime,
    memory: DraftMemory,
) -> Draft:
    """What the stages come to on an event that is to be decided, without deciding it."""
    turn = opened(compiled, state, event, context, moment)
    return run_stages(compiled, turn.request, turn.event, turn.counts, memory)


def opened(
    compiled: CompiledRulebook, state: RequestState | None, event: Event, context: Context, moment: datetime
) -> Opened:
    flags = oddities(state, event, moment)
    begun = merging.begin(compiled.rulebook.clocks, state, event, moment)
    request = begun.request
    flags += begun.flags
    if context.kept is None:
        ladders = ladder_steps.ladders_in_force(compiled.rulebook, request, event)
    else:
        ladders = context.kept.ladders
    firing = ladder_steps.firing(compiled.rulebook, ladders, request, event, moment)
    if ladder_steps.is_stale(firing, event):
        flags.append(Flag("TIMER_STALE", "the clock of this timer has stopped, moved or been acknowledged"))
    request = ladder_steps.climb(compiled.rulebook, request, firing, moment)
    counts = counted(compiled, state, request, context)
    return Opened(begun.event, request, ladders, firing, counts, flags, begun.follow_ups)


def conclude(
    compiled: CompiledRulebook,
    event: Event,
    moment: datetime,
    turn: Turn,
    after: RequestState,
    effects: list[Effect],
    flags: list[Flag],
) -> Decision:
    """The decision on `event`, which leaves the request as `after`."""
    return Decision(
        tenant=event.tenant,
        request_id=event.request_id,
        event_source=event.source,
        event_id=event.id,
        event_type=event.type,
        event_time=event.time,
        decided=moment,
        sequence=after.decisions,
        revision=compiled.rulebook.revision,
        number=after.number,
        number_prefix="" if after.number else number_prefix(compiled, after),
        status=after.status,
        facts=turn.draft.derived,
        clocks=list(after.clocks.values()),
        arm=turn.timers.arm,
        cancel=turn.timers.cancel,
        effects=effects,
        explanation=turn.draft.explanation,
        flags=flags,
        follow_ups=turn.follow_ups,
        data=compiled.data,
        state=after,
    )


def counted(
    compiled: CompiledRulebook, state: RequestState | None, request: RequestState, context: Context
) -> dict[str, int]:
    """What came before this request, per window: the first count holds, unless it turns out whom to count by."""
    counts = {}
    for name, window in compiled.windows:
        if state is not None and name in state.counts and state.given.get(window.by) == request.given.get(window.by):
            counts[name] = state.counts[name]
        elif name in context.windows:
            counts[name] = context.windows[name]
    return counts


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
        ladder_steps.hold_reassignment(vocabulary, request, result, record)
    if overrides:
        names = [n for n in stage.derives if n not in stage.scored] if stage.scored else stage.derives
        apply_overrides(overrides, stage, names, result, record)
    if stage.stage.name == "priority":
        ladder_steps.hold_floor(vocabulary, request, result, record)
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


def number_prefix(compiled: CompiledRulebook, request: RequestState) -> str:
    """Year month and department code, the month taken in the numbering zone (SOP: 202310-CSR-001)."""
    numbering = compiled.rulebook.numbering
    created = request.created.astimezone(compiled.numbering_zone)
    code = numbering.department_codes.get(str(request.derived.get("department", "")), numbering.default_code)
    return f"{created.year * 100 + created.month}-{code}"
