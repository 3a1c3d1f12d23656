"""Uses compiled code in place of interpreted, if it was compiled from the very sources that lie here.

`service.build_native` compiles MODULES into the folder `service/_native`. Once a source changes, all of it runs
interpreted again until it is compiled anew: what runs is always what is written. ANSWERBY_NATIVE=off does without.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from sysconfig import get_config_var
from types import ModuleType

HOME = Path(__file__).resolve().parent
FOLDER = HOME / "_native"
MANIFEST = FOLDER / "manifest.json"
SWITCH = "ANSWERBY_NATIVE"
SOURCES = ("domain", "rules", "sla", "engine", "backtest")
"""What the compiler looks at: the packages of the compiled modules, and what these import."""
_SLA = "business_time calendar clocks intervals ladders occasions quiet_hours standing targets year_table"
_ENGINE = """
catch_up characters clock_conditions clock_reach clocking coercion columns compiled conditions decide draft drafts
effects facts hit ladder_steps lexicons lifecycle manual_due matcher merging messages overrides pipeline predicates
reference refold reminders stage_memory stages timekeeping trial turn virtual_clock windows
"""
_BACKTEST = "changed_stages compare course fields partition play side tally twins windows"
MODULES = tuple(
    f"service.{package}.{name}"
    for package, names in (("rules", "folding"), ("sla", _SLA), ("engine", _ENGINE), ("backtest", _BACKTEST))
    for name in names.split()
)
"""What every decision runs through."""


class Finder(MetaPathFinder):
    """Finds modules in compiled files."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def digest() -> str:
    """Of the sources and of the Python they are compiled for."""
    found = hashlib.sha256(f"{get_config_var('EXT_SUFFIX')} {' '.join(MODULES)}".encode())
    for source in sorted(file for package in SOURCES for file in (HOME / package).rglob("*.py")):
        found.update(f"\0{source.relative_to(HOME).as_posix()}\0".encode())
        found.update(source.read_bytes())
    return found.hexdigest()


def in_use() -> bool:
    """Whether this process decides with compiled code."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)


def use() -> None:
    """Upon the first import of the package, before any module that is compiled."""
    if os.environ.get(SWITCH, "").lower() in {"off", "0", "no", "false"} or in_use() or not MANIFEST.is_file():
        return
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    if manifest["digest"] == digest():
        sys.meta_path.insert(0, Finder({name: FOLDER / file for name, file in manifest["files"].items()}))
