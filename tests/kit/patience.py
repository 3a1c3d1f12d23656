"""How long a test waits for what has to happen. No test waits by another figure, and none sleeps to let time pass."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE = 60.0 * float(os.environ.get("ANSWERBY_TEST_PATIENCE", "1"))
"""Seconds. On a machine that is slow or busy, ANSWERBY_TEST_PATIENCE=5 makes it five times as many."""
WHOLE_TEST = 4 * PATIENCE
"""Seconds that one test may last, which may wait for several things."""
LONG_TEST = 60 * PATIENCE
"""Seconds that a test marked `deep` may last."""
PAUSE = 0.02
"""Seconds between two looks at a condition."""


async def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """Returns the first true value of the condition, a function or a coroutine function. Raises AssertionError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, late(condition, what)
        await asyncio.sleep(PAUSE)


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """Returns the first true value of the condition, in a test without an event loop. Raises AssertionError."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, late(condition, what)
        time.sleep(PAUSE)
    return value


async def in_time(awaitable: Awaitable[Any]) -> Any:
    """What is awaited. Raises TimeoutError when it does not come."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable


def late(condition: Callable[[], object], what: str) -> str:
    return f"not within {PATIENCE:g} s: {what or getattr(condition, '__qualname__', condition)}"
