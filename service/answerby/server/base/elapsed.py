"""Seconds that have run. They go on while the process is stopped and while the machine sleeps, and no one sets them."""

from __future__ import annotations

import time

_BOOT = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux only. `time.monotonic` stands still there while the machine sleeps."""


def elapsed() -> float:
    """Seconds since a fixed moment."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)
