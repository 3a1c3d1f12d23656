"""JSON bodies of webhooks that are one object."""

from __future__ import annotations

from typing import Any

import msgspec

from answerby.domain.errors import FieldViolation, InvalidInput


def object_in(body: bytes) -> dict[str, Any]:
    """The object that the body is. Raises InvalidInput."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput([FieldViolation("body", str(error))]) from error


def member_of(told: dict[str, Any], place: str, kind: type | tuple[type, ...]) -> Any:
    """The member at `place`, such as `ticket.id`, which has to be of this kind. Raises InvalidInput with the place."""
    found: Any = told
    for name in place.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, kind):
        raise InvalidInput([FieldViolation(place, f"is {type(found).__name__}, not what the platform's documents say")])
    return found
