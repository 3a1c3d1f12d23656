"""Opaque tokens: the place where a reader of the log or of a list continues. A token fits only its own log or list."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

import msgspec

from answerby.domain.errors import FieldViolation, InvalidInput, InvalidPageToken
from answerby.store.records import RequestFilter

_DIGEST = 12


class Position(NamedTuple):
    """The log entry before the next one: its stream id, and its sequence number to prove that no entry is missing."""

    stream_id: str
    sequence: int


def encode_position(tenant: str, position: Position) -> str:
    return _seal("log", tenant, msgspec.json.encode(position))


def decode_position(tenant: str, token: str) -> Position:
    """The position of a token. Raises InvalidInput for a token of another tenant."""
    payload = _unseal("log", tenant, token)
    if payload is None:
        raise InvalidInput([FieldViolation("resume_token", "was not issued for this tenant; start without a token")])
    return msgspec.json.decode(payload, type=Position)


def encode_page(tenant: str, query: RequestFilter, request_id: str) -> str:
    return _seal("page", _scope(tenant, query), request_id.encode())


def decode_page(tenant: str, query: RequestFilter, token: str) -> str:
    """The request id before the next page. Raises InvalidPageToken for a token of another query."""
    payload = _unseal("page", _scope(tenant, query), token)
    if payload is None:
        raise InvalidPageToken
    return payload.decode()


def encode_offset(kind: str, offset: int) -> str:
    """The token of an offset, for short lists in memory."""
    return _seal("offset", kind, str(offset).encode())


def decode_offset(kind: str, token: str) -> int:
    """The offset of a token. Raises InvalidPageToken for a token of another list."""
    payload = _unseal("offset", kind, token)
    if payload is None:
        raise InvalidPageToken
    return int(payload)


def encode_export(tenant: str, scope: str, place: tuple[int, str]) -> str:
    return _seal("export", f"{tenant}\n{scope}", msgspec.json.encode(place))


def decode_export(tenant: str, scope: str, token: str) -> tuple[int, str]:
    """The time of receipt of a request in epoch us, and its id.

    Raises InvalidPageToken for a token of another export.
    """
    payload = _unseal("export", f"{tenant}\n{scope}", token)
    if payload is None:
        raise InvalidPageToken
    return msgspec.json.decode(payload, type=tuple[int, str])


def _scope(tenant: str, query: RequestFilter) -> str:
    return f"{tenant}\n{msgspec.json.encode(query).decode()}"


def _digest(kind: str, scope: str, payload: bytes) -> bytes:
    return hashlib.sha256(b"\n".join((kind.encode(), scope.encode(), payload))).digest()[:_DIGEST]


def _seal(kind: str, scope: str, payload: bytes) -> str:
    return base64.urlsafe_b64encode(_digest(kind, scope, payload) + payload).rstrip(b"=").decode()


def _unseal(kind: str, scope: str, token: str) -> bytes | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars="-_", validate=True)
    except ValueError:
        return None
    payload = raw[_DIGEST:]
    return payload if raw[:_DIGEST] == _digest(kind, scope, payload) else None
