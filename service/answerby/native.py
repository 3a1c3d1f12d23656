"""Uses compiled code in place of interpreted, if it was compiled from the very sources that lie here.

`answerby.build_native` compiles the modules that `modules` finds into the folder `_native` of the package. Once a
source changes, all of it runs interpreted again until it is compiled anew: what runs is always what is written.
ANSWERBY_NATIVE=off does without.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from sysconfig import get_config_var
from types import ModuleType

HOME = Path(__file__).resolve().parent
FOLDER = HOME / "_native"
MANIFEST = FOLDER / "manifest.json"
SWITCH = "ANSWERBY_NATIVE"
SOURCES = ("domain", "rules", "sla", "engine", "workbench/backtest")
"""What the compiler looks at: the folders of the compiled modules, and what these import."""
COMPILED = ("rules/text/folding.py", "sla", "engine", "workbench/backtest")
"""What every decision runs through."""
INTERPRETED = b"# Stays interpreted: "
"""Begins a line of a module there that is not to be compiled, and says why."""


class Finder:
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


def modules() -> tuple[str, ...]:
    """The modules to compile, by their full names."""
    found = (file for part in COMPILED for file in _python_files(HOME / part))
    return tuple(
        ".".join((HOME.name, *file.relative_to(HOME).with_suffix("").parts))
        for file in found
        if file.name != "__init__.py" and INTERPRETED not in file.read_bytes()
    )


def digest() -> str:
    """Of the sources and of the Python they are compiled for."""
    found = hashlib.sha256(f"{get_config_var('EXT_SUFFIX')} {' '.join(COMPILED)}".encode())
    for source in sorted(file for part in SOURCES for file in _python_files(HOME / part)):
        found.update(f"\0{source.relative_to(HOME).as_posix()}\0".encode())
        found.update(source.read_bytes())
    return found.hexdigest()


def _python_files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def in_use() -> bool:
    """Whether this process decides with compiled code."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)


def why_not() -> str:
    """Why this process decides with interpreted code; empty when it does not."""
    if in_use():
        return ""
    if _switched_off():
        return f"{SWITCH} is {os.environ[SWITCH]}"
    return "a source changed since" if MANIFEST.is_file() else "nothing is compiled here"


def use() -> None:
    """Upon the first import of the package, before any module that is compiled."""
    if _switched_off() or in_use() or not MANIFEST.is_file():
        return
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    if manifest["digest"] == digest():
        sys.meta_path.insert(0, Finder({name: FOLDER / file for name, file in manifest["files"].items()}))


def _switched_off() -> bool:
    return os.environ.get(SWITCH, "").lower() in {"off", "0", "no", "false"}
