"""Unit tests that start no process: whoever starts one without the marker `process` is stopped and says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}
_forbidden = False


@contextmanager
def forbidden() -> Iterator[None]:
    """Within the block, starting a process raises AssertionError."""
    global _forbidden  # noqa: PLW0603 - an audit hook is for the whole interpreter, and stays
    _forbidden = True
    try:
        yield
    finally:
        _forbidden = False


def _audit(event: str, _: Any) -> None:
    if _forbidden and event in STARTS:
        raise AssertionError("a unit or golden test that starts a process is marked `process`")


sys.addaudithook(_audit)
