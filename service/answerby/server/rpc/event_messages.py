"""Events as messages, and back: the events of a client, and the events of an export."""

from __future__ import annotations

from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import ActorRole, Event
from answerby.server.base.config import Limits
from answerby.server.base.validate import event_violations
from answerby.server.rpc.values import EPOCH, instant_of, put_values, set_instant, values_from

ACTOR_ROLES = {
    pb.ACTOR_UNSPECIFIED: ActorRole.CUSTOMER,
    pb.ACTOR_CUSTOMER: ActorRole.CUSTOMER,
    pb.ACTOR_AGENT: ActorRole.AGENT,
    pb.ACTOR_SYSTEM: ActorRole.SYSTEM,
}
ACTOR_MESSAGES = {
    ActorRole.CUSTOMER: pb.ACTOR_CUSTOMER,
    ActorRole.AGENT: pb.ACTOR_AGENT,
    ActorRole.SYSTEM: pb.ACTOR_SYSTEM,
}


def event_to(event: Event) -> pb.Event:
    """The message of an event. The message omits the tenant, because the credential decides the tenant."""
    message = pb.Event(
        id=event.id,
        source=event.source,
        type=event.type,
        request_id=event.request_id,
        actor=ACTOR_MESSAGES[event.actor],
        actor_id=event.actor_id,
    )
    set_instant(message.time, event.time)
    put_values(message.facts, event.data)
    return message


def event_from(
    message: pb.Event, tenant: str, limits: Limits, *, historical: bool = False, path: str = "event"
) -> Event:
    """The event of a call. Raises InvalidInput with every violation at once."""
    violations: list[FieldViolation] = []
    moment = instant_of(message.time) if message.HasField("time") else None
    if moment is None:
        problem = "must be between the years 1970 and 2199" if message.HasField("time") else "is required"
        violations.append(FieldViolation(f"{path}.time", problem))
    actor = ACTOR_ROLES.get(message.actor)
    if actor is None:
        violations.append(FieldViolation(f"{path}.actor", "is no known actor; use customer, agent or system"))
    event = Event(
        tenant=tenant,
        source=message.source,
        id=message.id,
        type=message.type,
        time=moment or EPOCH,
        request_id=message.request_id,
        actor=actor or ActorRole.CUSTOMER,
        actor_id=message.actor_id,
        data=values_from(message.facts),
        historical=historical,
    )
    violations = event_violations(event, limits, f"{path}.") + violations
    if violations:
        raise InvalidInput(violations)
    return event
