"""The context of a call over HTTP, as far as the surroundings of every call use it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
from google.rpc import status_pb2  # type: ignore[import-untyped]

DETAILS = "grpc-status-details-bin"


class Aborted(Exception):
    """The call ended with an error. `status` is the google.rpc.Status of it."""

    def __init__(self, status: Any, call_id: str) -> None:
        super().__init__()
        self.status = status
        self.call_id = call_id


class HttpContext:
    """Stands in for the context of gRPC."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._headers = tuple(headers)
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._headers

    def time_remaining(self) -> float | None:
        """None: the deadline of the server holds."""
        return None

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._trailing

    def set_trailing_metadata(self, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        self._trailing = tuple(metadata)

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        found = status_pb2.Status()
        for name, value in status.trailing_metadata or ():
            if name == DETAILS:
                found.ParseFromString(value)
        call_id = next((str(value) for name, value in self._trailing if name == "x-request-id"), "")
        raise Aborted(found, call_id)
