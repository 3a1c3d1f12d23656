"""Conversions of facts and instants between protobuf messages and domain types."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import resources_pb2 as pb
from answerby.domain.event import LATEST, Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_SECONDS = int((LATEST - EPOCH).total_seconds())


def instant_of(message: Timestamp) -> datetime | None:
    """A timestamp's instant in UTC. None for an instant that no request can have."""
    if not (0 <= message.seconds < LATEST_SECONDS and 0 <= message.nanos < 1_000_000_000):
        return None
    return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def set_instant(message: Timestamp, moment: datetime) -> None:
    span = moment - EPOCH
    message.seconds = span.days * 86_400 + span.seconds
    message.nanos = span.microseconds * 1000


def values_from(facts: Mapping[str, pb.FactValue]) -> dict[str, Value]:
    # In a map field, a look-up by name is quicker than a call for its items.
    return {name: _value_from(facts[name]) for name in facts}


def _value_from(value: pb.FactValue) -> Value:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value
        case "list_value":
            return list(value.list_value.values)
        case _:
            return None


def put_values(target: MutableMapping[str, pb.FactValue], facts: Mapping[str, object]) -> None:
    """Fills a map field. A value that is no plain fact (a target, a notification) becomes its text."""
    for name, value in facts.items():
        slot = target[name]
        if isinstance(value, str):
            slot.string_value = value
        elif isinstance(value, bool):
            slot.bool_value = value
        elif isinstance(value, int):
            slot.int_value = value
        elif isinstance(value, float):
            slot.double_value = value
        elif isinstance(value, list | tuple | set | frozenset):
            slot.list_value.values.extend(str(item) for item in value)
            slot.list_value.SetInParent()
        elif value is not None:
            slot.string_value = str(value)
