"""Timing and memory readings for the benches."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def timed(items: Sequence, call: Callable[..., object]) -> list[float]:
    """Seconds that the call took for each item."""
    seconds = []
    for item in items:
        begin = time.perf_counter()
        call(item)
        seconds.append(time.perf_counter() - begin)
    return seconds


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in microseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return statistics.median(seconds) * 1e6, cuts[98] * 1e6


def resident_megabytes() -> float:
    """Resident memory of this process (Linux)."""
    return resident_megabytes_of("self")


def resident_megabytes_of(process: int | str) -> float:
    """Resident memory of a process by its id (Linux)."""
    with Path(f"/proc/{process}/status").open(encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmRSS in /proc/{process}/status")
