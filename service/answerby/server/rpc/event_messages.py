"""Events as messages: what a client submits, and what an export gives."""

from __future__ import annotations

from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.event import ActorRole, Event
from answerby.server.rpc.convert import put_values, set_instant

ACTORS = {
    ActorRole.CUSTOMER: pb.ACTOR_CUSTOMER,
    ActorRole.AGENT: pb.ACTOR_AGENT,
    ActorRole.SYSTEM: pb.ACTOR_SYSTEM,
}


def event_to(event: Event) -> pb.Event:
    """The message of an event. The tenant is not in it: the credential decides."""
    message = pb.Event(
        id=event.id,
        source=event.source,
        type=event.type,
        request_id=event.request_id,
        actor=ACTORS[event.actor],
        actor_id=event.actor_id,
    )
    set_instant(message.time, event.time)
    put_values(message.facts, event.data)
    return message
