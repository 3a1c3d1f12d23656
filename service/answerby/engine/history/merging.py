"""Merging: a duplicate ends in its survivor, which keeps the earliest clock.

A decision changes its own request only. It tells the other request by an event, a follow-up of the decision, so that
decide() stays pure. Two merges made at the same time may close a circle that neither decision could see. A notice that
comes back to its own request has found such a circle. The latest merge on its way is then taken back. Every notice in
the circle finds the same merge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.decision import Flag
from answerby.domain.event import INTERNAL_SOURCE, ActorRole, Event, EventType, Value
from answerby.domain.reply_policy import Reply, ReplyAction, ReplyPolicy
from answerby.domain.request import Merge, RequestState, RequestStatus
from answerby.engine.follower_ids import ANY_FOLLOWER, FollowerIds
from answerby.engine.history import lifecycle, replies, unanswered
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.clock_inputs import MessageStart

SOURCE = f"{INTERNAL_SOURCE}merge"
INTO = "merged.into"
MERGED_AT = "merged.at"
ABSORBED = "absorbed.request"
CREATED = "absorbed.created"
OTHERS = "absorbed.others"
"""Ids of the requests that the absorbed request had absorbed before."""
LATEST_AT, LATEST = "absorbed.latest_at", "absorbed.latest"
"""The latest merge on the way of a notice: its time, and its request."""
FORWARDED = "merged.hops"
"""How often a customer's message has been passed on."""
HOPS = "absorbed.hops"
MOST_HOPS = 100
"""How often a notice or message is passed on at most, so that it also ends in a circle not yet taken back."""
MOST_ID_CHARACTERS = 1_024
MOVABLE = frozenset({ClockPhase.RUNNING, ClockPhase.PAUSED, ClockPhase.CANCELLED})
"""Phases in which a clock may get an earlier start. A cancelled clock may come back and go on from its start."""
TYPES = frozenset({EventType.MERGED, EventType.ABSORBED, EventType.MERGE_REFUSED, EventType.REOPENED})


class AppliedEvent(NamedTuple):
    """The request after the event, before the rules. A refused merge makes `event` a refusal."""

    event: Event
    request: RequestState
    follow_ups: list[Event]
    flags: list[Flag]
    messages: Mapping[str, MessageStart] = {}
    """Unanswered messages that count from here on for this request, by clock."""
    reply: Reply | None = None
    """A message to a finished request of which people are told."""


def apply_event(
    rulebook: Rulebook,
    state: RequestState | None,
    event: Event,
    moment: datetime,
    follower_ids: FollowerIds = ANY_FOLLOWER,
) -> AppliedEvent:
    """Applies the event to the request, merges included. `follower_ids`: for a request that may follow it."""
    definitions = rulebook.clocks
    if event.type not in TYPES:
        action = replies.action_for(rulebook.replies, state, event.time) if replies.is_message(event) else None
        if action is not None and state is not None:
            answered = replies.apply_reply(action, state, event, follower_ids)
            sent = [answered.follow_up] if answered.follow_up is not None else []
            return AppliedEvent(event, answered.request, sent, [answered.flag], {}, answered.reply)
        request = lifecycle.apply_event(state, event)
        follow_ups, flags = _forward(state, event, moment)
        if follow_ups:
            request = replace(request, passed_on=[*request.passed_on, lifecycle.name_of(event)])
        return AppliedEvent(event, request, follow_ups, flags)
    if event.type == EventType.MERGED:
        return _merge(definitions, state, event, moment)
    request = lifecycle.apply_event(state, event)
    if event.type == EventType.REOPENED:
        return AppliedEvent(
            event, replace(request, merged=None), [], [], _taken_up(definitions, request.merged, event.time)
        )
    if state is not None and unanswered.WAITING not in event.data:
        # The notice's time is when it was sent, not when something happened to this request.
        request = replace(request, last_event=state.last_event)
    if event.type == EventType.MERGE_REFUSED:
        return _take_back(definitions, request, event)
    return _absorb(rulebook, request, event, moment)


def _forward(state: RequestState | None, event: Event, moment: datetime) -> tuple[list[Event], list[Flag]]:
    """Passes a customer's message to a merged request on to the survivor."""
    if state is None or state.merged is None or event.type not in lifecycle.ENDS_WAITING:
        return [], []
    hops = event.data.get(FORWARDED, 0)
    into = state.merged.into
    if not isinstance(hops, int) or hops >= MOST_HOPS:
        message = f"the message was passed on {MOST_HOPS} times and ends here; look for merges in a circle"
        return [], [Flag("MERGE_CHAIN_TOO_LONG", message)]
    data = {**event.data, FORWARDED: hops + 1}
    copy = _follow_up(state, event, EventType(event.type), into, data, moment)
    copy = replace(copy, actor=event.actor, actor_id=event.actor_id, time=event.time)
    return [copy], [Flag("FORWARDED", f"the request is merged into {into}, which is told")]


def _taken_up(
    definitions: Mapping[str, ClockDefinition], merge: Merge | None, reopened: datetime | None
) -> dict[str, MessageStart]:
    """The unanswered messages of a request whose merge is undone. The time as part of the survivor does not count."""
    if merge is None:
        return {}
    found = unanswered.begun_by_events(definitions, unanswered.message_starts(merge.waiting))
    if reopened is None or reopened <= merge.time:
        return found
    away = (merge.time, reopened)
    return {name: start._replace(pauses=[*start.pauses, away]) for name, start in found.items()}


def _merge(
    definitions: Mapping[str, ClockDefinition], state: RequestState | None, event: Event, moment: datetime
) -> AppliedEvent:
    into = _id(event.data.get(INTO))
    refusal = _refusal(state, event, into)
    if refusal:
        refusal_event = replace(event, type=EventType.MERGE_REFUSED)
        return AppliedEvent(
            refusal_event, lifecycle.apply_event(state, refusal_event), [], [Flag("MERGE_REFUSED", refusal)]
        )
    request = lifecycle.apply_event(state, event)
    if not into:
        flag = Flag("MERGE_TARGET_MISSING", f"{INTO} does not say which request goes on; no other request was told")
        return AppliedEvent(event, request, [], [flag])
    if request.merged is not None:
        return AppliedEvent(event, request, [], [])
    status = state.status if state is not None else RequestStatus.OPEN
    waiting = unanswered.waiting_lines(definitions, request, event.time)
    request = replace(request, merged=Merge(into=into, time=event.time, status_before=status, waiting=waiting))
    data: dict[str, Value] = {
        ABSORBED: request.request_id,
        CREATED: request.created.isoformat(),
        LATEST_AT: event.time.isoformat(),
        LATEST: request.request_id,
    }
    if request.absorbed:
        data[OTHERS] = list(request.absorbed)
    if status not in lifecycle.ENDED and unanswered.awaits_answer(definitions, request):
        data[unanswered.UNANSWERED] = True
    if met := unanswered.met_clocks(definitions, request):
        data[unanswered.MET] = list(met)
    if waiting:
        data[unanswered.WAITING] = list(waiting)
        # What staff wrote in the survivor after the merge answers the messages, however late the merge is told.
        moment = min(moment, event.time)
    return AppliedEvent(event, request, [_follow_up(request, event, EventType.ABSORBED, into, data, moment)], [])


def _refusal(state: RequestState | None, event: Event, into: str) -> str:
    """Why the merge is refused; empty if it is not."""
    if event.data.get(INTO) is not None and not into:
        return f"{INTO} is not the id of a request"
    if into == event.request_id:
        return "a request cannot be merged into itself"
    if state is None or not into:
        return ""
    if into in state.absorbed:
        return f"{into} was merged into this request before; merging back would close a circle"
    if state.merged is not None and state.merged.into != into:
        return f"the request is merged into {state.merged.into} already; reopen it first"
    return ""


def _absorb(rulebook: Rulebook, request: RequestState, event: Event, moment: datetime) -> AppliedEvent:
    origin, created = _id(event.data.get(ABSORBED)), _time(event.data.get(CREATED))
    if not origin or created is None:
        return AppliedEvent(
            event, request, [], [Flag("MERGE_REFUSED", "the notice does not say which request was merged")]
        )
    if origin == request.request_id:
        return _break_circle(request, event, moment)
    others = event.data.get(OTHERS)
    known = {*request.absorbed, origin, *(others if isinstance(others, list) else ())} - {request.request_id}
    text = f"{origin}, created {created.isoformat()}, was merged into this request"
    if created < request.created:
        met = event.data.get(unanswered.MET)
        answered = met if isinstance(met, list) else []
        clocks = {
            name: clock if name in answered else _earlier(rulebook.clocks, request, clock, created)
            for name, clock in request.clocks.items()
        }
        request = replace(request, created=created, clocks=clocks)
        text += "; what counts from the receipt counts from there"
    request = replace(request, absorbed=sorted(known))
    messages = unanswered.message_starts(event.data.get(unanswered.WAITING))
    if request.merged is None:
        if messages:
            text += f"; unanswered in it: {', '.join(sorted(messages))}"
        return _absorbed_by_finished(rulebook.replies, request, event, text, messages)
    flags = [Flag("ABSORBED", f"{text}, itself merged into {request.merged.into}, which is told")]
    follow_up = _pass_on(request, request.merged, event, moment)
    if follow_up is None:
        message = f"the notice of {origin} was passed on {MOST_HOPS} times and ends here; look for merges in a circle"
        return AppliedEvent(event, request, [], [Flag("MERGE_CHAIN_TOO_LONG", message)])
    return AppliedEvent(event, request, [follow_up], flags)


def _absorbed_by_finished(
    policy: ReplyPolicy, request: RequestState, event: Event, text: str, messages: Mapping[str, MessageStart]
) -> AppliedEvent:
    """The survivor after the notice. What nobody answered opens a finished one again, or people are told."""
    action = replies.action_for(policy, request, event.time)
    if action is None:
        return AppliedEvent(event, request, [], [Flag("ABSORBED", text)], messages)
    flags = [Flag("ABSORBED", f"{text}; this request is {request.status.value}")]
    if event.data.get(unanswered.UNANSWERED) is not True:
        return AppliedEvent(event, request, [], flags)
    if action is ReplyAction.REOPEN:
        flags.append(Flag(replies.REOPENED_BY_REPLY, "what was merged into the request is not answered"))
        return AppliedEvent(event, replies.reopened(request), [], flags, messages)
    # The merged request is over, and a person said that this one stands for it: no third one begins.
    flags.append(Flag("REPLY_AFTER_COMPLETION", "what was merged into the request is not answered; people are told"))
    name = lifecycle.name_of(event)
    request = replace(request, passed_on=[*request.passed_on, name])
    return AppliedEvent(event, request, [], flags, {}, Reply(ReplyAction.NOTIFY, name, event.time))


def _earlier(
    definitions: Mapping[str, ClockDefinition], request: RequestState, clock: ClockState, created: datetime
) -> ClockState:
    """The clock with the earlier start, if it runs since the receipt. A clock with a start event of its own stays."""
    definition = definitions.get(clock.name)
    if clock.phase in MOVABLE and clock.started == request.created and definition is not None and not definition.start:
        return replace(clock, started=created)
    return clock


def _pass_on(request: RequestState, merge: Merge, event: Event, moment: datetime) -> Event | None:
    hops = event.data.get(HOPS, 0)
    if not isinstance(hops, int) or hops >= MOST_HOPS:
        return None
    latest = max(_latest(event), (merge.time, request.request_id))
    data = {**event.data, HOPS: hops + 1, LATEST_AT: latest[0].isoformat(), LATEST: latest[1]}
    if unanswered.WAITING in data:
        moment = min(moment, max(event.time, merge.time))
    return _follow_up(request, event, EventType.ABSORBED, merge.into, data, moment)


def _break_circle(request: RequestState, event: Event, moment: datetime) -> AppliedEvent:
    """Takes back the latest merge after a notice came back to its own request: none of the requests would go on."""
    at, latest = _latest(event)
    flag = Flag("MERGE_CIRCLE", f"merges made at the same time closed a circle; that of {latest} is taken back")
    data: dict[str, Value] = {MERGED_AT: at.isoformat()}
    return AppliedEvent(
        event, request, [_follow_up(request, event, EventType.MERGE_REFUSED, latest, data, moment)], [flag]
    )


def _take_back(definitions: Mapping[str, ClockDefinition], request: RequestState, event: Event) -> AppliedEvent:
    merge = request.merged
    if merge is None or merge.time != _time(event.data.get(MERGED_AT)):
        return AppliedEvent(event, request, [], [])
    request = replace(request, status=merge.status_before, merged=None)
    flag = Flag("MERGE_REFUSED", f"merging into {merge.into} would have closed a circle; the request goes on")
    return AppliedEvent(event, request, [], [flag], _taken_up(definitions, merge, None))


def is_passed_on(event: Event) -> bool:
    """Whether the follow-up is a message of the customer that was passed on."""
    return FORWARDED in event.data or replies.is_passed_on(event)


def _follow_up(
    request: RequestState, event: Event, kind: EventType, to: str, data: dict[str, Value], moment: datetime
) -> Event:
    """An event for another request. Its id is the decision's, so that it is decided once however often it is sent."""
    return Event(
        tenant=request.tenant,
        source=SOURCE,
        id=f"{request.request_id}/{request.decisions + 1}",
        type=kind,
        time=moment,
        request_id=to,
        actor=ActorRole.SYSTEM,
        data=data,
        historical=event.historical,
    )


def _latest(event: Event) -> tuple[datetime, str]:
    return _time(event.data.get(LATEST_AT)) or event.time, _id(event.data.get(LATEST))


def _id(value: Value) -> str:
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if text.isprintable() and len(text) <= MOST_ID_CHARACTERS else ""


def _time(value: Value) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
