"""Patience with a server that does not answer for a while, such as one whose worker is being replaced."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from typing import TypeVar, cast

import grpc
from google.protobuf.message import Message

from answerby.cli.client import Server
from answerby.domain.backoff import Backoff

AGAIN = Backoff(first=0.2, most=2.0)
OUTLASTED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})
"""A server that ends cancels the calls under way; the commands themselves cancel none."""
TELL_AFTER = 3
"""Failures in a row before a line is printed. A silence of a moment is not worth one."""

T = TypeVar("T")


class Patience:
    """Waits between repeated calls while a server is silent. For calls that are safe to repeat."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`seconds` are the longest silence, counted from the first call that fails."""
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._until = 0.0

    def answered(self) -> None:
        """Ends the silence. The next silence may last the whole time again."""
        self._failures = 0

    def next_wait(self) -> float | None:
        """The seconds to wait after another failure; None when the time is up."""
        now = self._clock()
        if not self._failures:
            self._until = now + self._seconds
        self._failures += 1
        left = self._until - now
        if left <= 0:
            return None
        if self._failures == TELL_AFTER:
            print(f"answerby: the server does not answer; trying for {left:.0f} s more", file=sys.stderr, flush=True)
        return min(AGAIN.wait(self._failures), left)

    def wait_after(self, error: grpc.RpcError) -> float:
        """The seconds to wait after a failed call.

        Raises the error when it is not to be outlasted or the time is up.
        """
        if cast("grpc.Call", error).code() not in OUTLASTED:
            raise error
        wait = self.next_wait()
        if wait is None:
            raise error
        return wait

    def outlast(self, error: grpc.RpcError) -> None:
        """Waits after a failed call. Raises the error as `wait_after` does."""
        self._sleep(self.wait_after(error))

    def ask(self, call: Callable[[], T]) -> T:
        """The answer of a call, repeated while the server is silent. Raises grpc.RpcError as `wait_after` does."""
        while True:
            try:
                answer = call()
            except grpc.RpcError as error:
                self.outlast(error)
            else:
                self.answered()
                return answer


def ask(server: Server, call: Callable[..., T], request: Message, seconds: float) -> T:
    """The answer of a server that may be silent for as long as its patience. For calls that are safe to repeat.

    `seconds` are the longest time of one call. Raises grpc.RpcError as `Patience.wait_after` does.
    """
    return Patience(server.patience).ask(functools.partial(call, request, metadata=server.metadata, timeout=seconds))
