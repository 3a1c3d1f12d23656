"""How the effects of a request went out, as messages."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server.rpc.values import set_instant
from answerby.store.connector_life import DeliveryLine
from answerby.store.records import OutboxEntry


def deliveries_to(lines: Iterable[DeliveryLine], waiting: Iterable[OutboxEntry]) -> pb.ListDeliveriesResponse:
    return pb.ListDeliveriesResponse(attempts=map(_attempt_to, lines), waiting=map(_waiting_to, waiting))


def _attempt_to(line: DeliveryLine) -> pb.DeliveryAttempt:
    record = line.record
    message = pb.DeliveryAttempt(
        connector=record.connector,
        effect_id=record.effect_id,
        kind=record.kind.value,
        key=record.key,
        sequence=record.sequence,
        outcome=record.outcome,
        detail=record.detail,
        refused=record.refused,
        count=line.count,
    )
    set_instant(message.first_time, line.first)
    set_instant(message.last_time, line.last)
    return message


def _waiting_to(entry: OutboxEntry) -> pb.WaitingEffect:
    return pb.WaitingEffect(
        connector=entry.connector,
        effect_id=entry.effect_id,
        kind=entry.effect.kind.value,
        key=entry.effect.key,
        sequence=entry.decision_sequence,
        attempts=entry.attempts,
    )
