"""A store on a busy disk: a library that delays its syncs, compiled for the test and preloaded."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.processes import run

SOURCE = Path(__file__).with_name("slow_sync.c")


@contextmanager
def inherited(variables: Mapping[str, str]) -> Iterator[None]:
    """Within the block, processes that are started have these variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def slowed_by(milliseconds: int, folder: Path) -> Mapping[str, str]:
    """The variables that delay every sync of a store's server. None are needed for 0 ms.

    Skips the test where the lever does not work.
    """
    if milliseconds == 0:
        return {}
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("delays syncs by LD_PRELOAD, which needs Linux and a C compiler")
    library = folder / "slow_sync.so"
    built = run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"])
    assert built.returncode == 0, built.stderr
    already = os.environ.get("LD_PRELOAD", "")
    return {"LD_PRELOAD": f"{library} {already}".strip(), "SLOW_SYNC_MS": str(milliseconds)}
