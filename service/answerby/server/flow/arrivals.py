"""Events that connectors bring, on their way into the intake stream."""

from __future__ import annotations

import msgspec

from answerby.domain.event import Event, Value

CONNECTOR_FACT = "intake.connector"
"""Field for the connector of an event, which completes the event. Only events in the stream have the field."""


def arrival(event: Event, tenant: str, connector: str) -> Event:
    """The event as the stream keeps it: of this tenant, marked with the connector that brought it."""
    return msgspec.structs.replace(event, tenant=tenant, data={**event.data, CONNECTOR_FACT: connector})


def storable(event: Event) -> Event:
    """The event with a question mark for each half of a character, and a text for each number beyond 64 bits.

    The store can keep neither. One such value must not stop all events behind it.
    """
    return msgspec.structs.replace(
        event,
        source=_whole(event.source),
        id=_whole(event.id),
        request_id=_whole(event.request_id),
        actor_id=_whole(event.actor_id),
        data={_whole(name): _whole_value(value) for name, value in event.data.items()},
    )


def unmarked(event: Event) -> tuple[Event, str]:
    """The original event and the name of its connector; empty for an event without a connector."""
    name = event.data.get(CONNECTOR_FACT)
    if name is None:
        return event, ""
    data = {key: value for key, value in event.data.items() if key != CONNECTOR_FACT}
    return msgspec.structs.replace(event, data=data), str(name)


def _whole_value(value: Value) -> Value:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
