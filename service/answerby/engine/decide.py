"""decide(): makes a decision of an event. All callers use this one function."""

from __future__ import annotations

from datetime import datetime

import msgspec

from answerby.domain.decision import Decision, Flag
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Case, Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.derive import derive_effects
from answerby.engine.effects.distinct import distinct
from answerby.engine.effects.replies import reply_effects
from answerby.engine.history import retroactive
from answerby.engine.history.lifecycle import counted
from answerby.engine.history.refold import needs_fold
from answerby.engine.history.steps import PLAIN, Steps
from answerby.engine.history.transition import Transition, transition


def decide(
    compiled: CompiledRulebook,
    state: RequestState | None,
    event: Event,
    context: Context,
    now: datetime,
    steps: Steps = PLAIN,
    *,
    words: bool = True,
) -> Decision:
    """Decides one event of one request as of `now` (aware). Pure: equal arguments give equal decisions.

    A historical event is decided as of its own time. It arms no timer and has no effect. An event that comes late or
    corrects another is decided by folding the request's history, if the context has it. An event that is dated after
    `now` counts at `now`; a caller that keeps a history keeps it so, see `lifecycle.counted`.

    `steps` of `engine.memory` save time over many decisions and change none. Without `words`, effects only name their
    roles and templates, for callers that deliver nothing.
    """
    event = counted(event, now)
    case = Case(compiled, state, event, context, event.time if event.historical else now)
    late = needs_fold(state, event)
    if late:
        result = retroactive.decide_late(case, steps.for_folds())
        if result is not None:
            return conclude(case, result.moment, result.transition, result.effects, result.flags)
    change = transition(case, steps)
    flags = [*change.flags, *change.results.flags, *change.clock_flags]
    effects, alerts = derive_effects(case, change.after, change.results, change.firing, flags, words=words)
    if change.reply is not None:
        effects += reply_effects(case, change.after, change.reply, words=words)
    after = msgspec.structs.replace(change.after, alerts=alerts)
    if late:
        flags += retroactive.why_not_folded(case)
        after = retroactive.with_awaited(after, event)
    return conclude(case, case.moment, change._replace(after=after), effects, flags)


def conclude(case: Case, moment: datetime, change: Transition, effects: list[Effect], flags: list[Flag]) -> Decision:
    """The decision on the event of the case, as of `moment`, with the results of the transition."""
    compiled, event, after = case.compiled, case.event, change.after
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
        facts=change.results.derived,
        clocks=list(after.clocks.values()),
        arm=change.timers.arm,
        cancel=change.timers.cancel,
        effects=distinct(effects),
        explanation=change.results.explanation,
        flags=flags,
        follow_ups=change.follow_ups,
        data=compiled.data,
        state=after,
    )


def number_prefix(compiled: CompiledRulebook, request: RequestState) -> str:
    """The prefix of a request's number: year and month in the numbering zone, and department code.

    The form is that of the SOP: 202310-CSR-001.
    """
    numbering = compiled.rulebook.numbering
    created = request.created.astimezone(compiled.numbering_zone)
    code = numbering.department_codes.get(str(request.derived.get("department", "")), numbering.default_code)
    return f"{created.year * 100 + created.month}-{code}"
