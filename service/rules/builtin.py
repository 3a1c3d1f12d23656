"""Fields that every vocabulary has, because answerby itself gives them."""

from __future__ import annotations

from service.domain.event import ActorRole
from service.domain.request import RequestStatus
from service.rules.vocabulary import Field, FieldType

BUILTIN_FIELDS: tuple[Field, ...] = (
    Field("event.type", FieldType.STRING),
    Field("event.actor", FieldType.ENUM, values=tuple(role.value for role in ActorRole)),
    Field("event.time", FieldType.INSTANT),
    Field("request.status", FieldType.ENUM, values=tuple(status.value for status in RequestStatus)),
    Field("request.created", FieldType.INSTANT),
    Field("request.reopen_count", FieldType.INTEGER),
    Field("request.acknowledged", FieldType.BOOLEAN),
    Field("request.events", FieldType.INTEGER),
)
