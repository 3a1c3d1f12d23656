"""How a command outlasts a server that does not answer for a while, such as one whose worker is replaced."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar, cast

import grpc

from answerby.domain.backoff import Backoff

AGAIN = Backoff(first=0.2, most=2.0)
OUTLASTED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
TELL_AFTER = 3
"""Failures in a row, so that what is over in a moment is not worth a line."""

T = TypeVar("T")


class Patience:
    """One silence of a server: how long it lasts, and when to ask again. Use it for calls that are safe to repeat."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`seconds` of silence, counted from the first call that fails, are put up with."""
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._until = 0.0

    def answered(self) -> None:
        """The silence is over; the next one is given the whole time again."""
        self._failures = 0

    def next_wait(self) -> float | None:
        """Seconds to wait after another failure; None once the time is up."""
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
        """The same for a call that failed. Raises the error when it is none to outlast, or the time is up."""
        if cast("grpc.Call", error).code() not in OUTLASTED:
            raise error
        wait = self.next_wait()
        if wait is None:
            raise error
        return wait

    def outlast(self, error: grpc.RpcError) -> None:
        """Waits. Raises the error as `wait_after` does."""
        self._sleep(self.wait_after(error))

    def ask(self, call: Callable[[], T]) -> T:
        """The answer of a call. Raises grpc.RpcError when the server stays away or refuses."""
        while True:
            try:
                answer = call()
            except grpc.RpcError as error:
                self.outlast(error)
            else:
                self.answered()
                return answer
