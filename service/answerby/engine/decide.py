"""decide(): the one place where a request event becomes a decision. Every caller goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from answerby.domain.decision import Decision, Flag
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.clocks import ladder_steps
from answerby.engine.clocks.advance import advance
from answerby.engine.clocks.timers import plan
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.derive import derive_effects
from answerby.engine.history import merging, retroactive
from answerby.engine.history.lifecycle import oddities
from answerby.engine.history.refold import kept_goals, refold_wanted
from answerby.engine.history.transition import Turn
from answerby.engine.memory.drafts import DraftMemory
from answerby.engine.stages.pipeline import run_stages
from answerby.engine.stages.stage_results import Context, Draft


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


def number_prefix(compiled: CompiledRulebook, request: RequestState) -> str:
    """Year month and department code, the month taken in the numbering zone (SOP: 202310-CSR-001)."""
    numbering = compiled.rulebook.numbering
    created = request.created.astimezone(compiled.numbering_zone)
    code = numbering.department_codes.get(str(request.derived.get("department", "")), numbering.default_code)
    return f"{created.year * 100 + created.month}-{code}"
