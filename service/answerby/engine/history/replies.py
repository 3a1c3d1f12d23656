"""Messages of the customer to a request that is completed or closed: none is dropped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.decision import Flag
from answerby.domain.event import OVERRIDE_PREFIX, ActorRole, Event, EventType, Value
from answerby.domain.reply_policy import Reply, ReplyAction, ReplyPolicy
from answerby.domain.request import RequestState, RequestStatus
from answerby.engine.clocks import acknowledgements
from answerby.engine.follower_ids import FOLLOWS, FOLLOWS_SOURCE, SOURCE, FollowerIds
from answerby.engine.history import lifecycle

FORWARDED = "follows.hops"
"""How often a message has been passed on from a finished request to the one that follows it."""
MOST_HOPS = 100
REOPENED_BY_REPLY = "REOPENED_BY_REPLY"
"""Code of the flag of a message that opens a finished request again."""
_OF_THE_REQUEST = (lifecycle.TEXT_PREFIX, OVERRIDE_PREFIX, "due.")
"""Prefixes of facts that do not go on in the request that follows: its own message says what it is about."""


class AnsweredReply(NamedTuple):
    """The request after a message to it when it was finished."""

    request: RequestState
    flag: Flag
    reply: Reply | None = None
    follow_up: Event | None = None


def is_message(event: Event) -> bool:
    """Whether the customer wrote the event. Automatic replies, and what staff logs, are none."""
    return event.actor is ActorRole.CUSTOMER and event.type in lifecycle.ENDS_WAITING


def action_for(policy: ReplyPolicy, state: RequestState | None, at: datetime) -> ReplyAction | None:
    """What becomes of a message of that time to the request; None when the request is not finished."""
    if state is None or state.status not in lifecycle.ENDED:
        return None
    return _action_after(policy, at - (state.ended or state.last_event))


def status_after(
    policy: ReplyPolicy, status: RequestStatus, ended: datetime | None, event: Event
) -> tuple[RequestStatus, datetime | None]:
    """The request's status after the event, and when it was completed or closed, with the same two before it."""
    if status in lifecycle.ENDED and ended is not None and is_message(event):
        again = _action_after(policy, event.time - ended) is ReplyAction.REOPEN
        return (RequestStatus.OPEN, None) if again else (status, ended)
    after = lifecycle.next_status(status, event.type)
    return after, lifecycle.ended_at(status, ended, after, event.time)


def _action_after(policy: ReplyPolicy, since: timedelta) -> ReplyAction:
    return policy.then if since <= timedelta(seconds=policy.within_seconds) else policy.after


def reopened(request: RequestState) -> RequestState:
    """The request open again, as after `request.reopened`."""
    again = replace(
        request, status=RequestStatus.OPEN, ended=None, acknowledged=None, reopen_count=request.reopen_count + 1
    )
    return acknowledgements.reopened(again)


def begins_request(state: RequestState | None, event: Event) -> bool:
    """Whether the event may be a message with which a new request begins. So its id must be chosen."""
    return state is not None and state.status in lifecycle.ENDED and not state.followed_by and is_message(event)


def apply_reply(action: ReplyAction, state: RequestState, event: Event, ids: FollowerIds) -> AnsweredReply:
    """The finished request after the message. `ids`: of the request that may follow it."""
    request, name = lifecycle.apply_event(state, event), lifecycle.name_of(event)
    was = state.status.value
    if action is ReplyAction.REOPEN:
        return AnsweredReply(reopened(request), Flag(REOPENED_BY_REPLY, f"the request was {was}; the customer wrote"))
    request = replace(request, passed_on=[*request.passed_on, name])
    if action is ReplyAction.NOTIFY:
        return AnsweredReply(request, _told(was), Reply(action, name, event.time))
    # What the message says belongs to the request that begins with it, or that it is passed on to.
    request = replace(request, given=state.given)
    into = state.followed_by or ids.free(state.request_id)
    hops = event.data.get(FORWARDED, 0)
    if not isinstance(hops, int) or hops >= MOST_HOPS:
        return AnsweredReply(request, _told(was), Reply(ReplyAction.NOTIFY, name, event.time))
    follow_up = _passed_on(state, event, into, hops) if state.followed_by else _first(state, event, into)
    flag = Flag("NEW_REQUEST_BY_REPLY", f"the request was {was}; the customer wrote, and {into} goes on with it")
    return AnsweredReply(replace(request, followed_by=into), flag, Reply(action, name, event.time, into), follow_up)


def is_passed_on(event: Event) -> bool:
    """Whether the follow-up is a message of the customer to a finished request."""
    return event.source == SOURCE


def _told(was: str) -> Flag:
    return Flag("REPLY_AFTER_COMPLETION", f"the request was {was}; the customer wrote, and people are told")


def _first(state: RequestState, event: Event, into: str) -> Event:
    """The first event of the request that follows: the facts of the finished one, and the message."""
    kept = {name: value for name, value in state.given.items() if not name.startswith(_OF_THE_REQUEST)}
    return _event(state, event, into, EventType.RECEIVED, {**kept, **event.data, **_link(state)})


def _passed_on(state: RequestState, event: Event, into: str, hops: int) -> Event:
    return _event(state, event, into, EventType(event.type), {**event.data, **_link(state), FORWARDED: hops + 1})


def _link(state: RequestState) -> dict[str, Value]:
    """The facts by which the other request knows whom it follows."""
    return {FOLLOWS: state.request_id, FOLLOWS_SOURCE: state.source}


def _event(state: RequestState, event: Event, into: str, kind: EventType, data: dict[str, Value]) -> Event:
    return Event(
        tenant=state.tenant,
        source=SOURCE,
        id=f"{state.request_id}/{state.decisions + 1}",
        type=kind,
        time=event.time,
        request_id=into,
        actor=event.actor,
        actor_id=event.actor_id,
        data=data,
        historical=event.historical,
    )
