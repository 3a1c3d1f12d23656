"""Fields that every vocabulary has. answerby itself gives their values."""

from __future__ import annotations

from answerby.domain.event import ActorRole
from answerby.domain.request import RequestStatus
from answerby.rules.model.vocabulary import Field, FieldType

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
