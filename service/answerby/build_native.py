"""Compiles what every decision runs through: `python -m answerby.build_native`.

Needs a C compiler, and mypy and setuptools, as `pip install answerby[native]` brings them. The same code runs without;
compiled, a decision takes a little over half the time (`service/docs/adr`, 10).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

try:
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext
except ImportError as error:
    raise SystemExit(f"answerby: cannot compile: {error}; pip install answerby[native] brings what it needs") from error

from answerby.native import FOLDER, HOME, MANIFEST, digest, modules

GROUP = "answerby"


def build(names: Sequence[str] | None = None) -> None:
    """Raises SystemExit when it cannot be compiled; nothing compiled is in use then."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    sources = digest()
    with tempfile.TemporaryDirectory() as scratch:
        # The compiler takes whatever lies beside the package for sources, and beside an installed one lie all others.
        alone = Path(scratch) / "sources"
        alone.mkdir()
        (alone / HOME.name).symlink_to(HOME, target_is_directory=True)
        with chdir(alone):
            compile_to(Path(scratch) / "built", Path(scratch), modules() if names is None else names)
        shutil.copytree(Path(scratch) / "built", FOLDER)
    files = {module_of(file): file.relative_to(FOLDER).as_posix() for file in sorted(FOLDER.rglob("*.so"))}
    # Written last: without it nothing of the folder is used.
    MANIFEST.write_text(json.dumps({"digest": sources, "files": files}, indent=1), "utf-8")


def compile_to(target: Path, scratch: Path, names: Sequence[str]) -> None:
    paths = [f"{name.replace('.', '/')}.py" for name in names]
    extensions = mypycify(
        [
            "--config-file=",
            f"--cache-dir={scratch / 'cache'}",
            "--strict",
            "--follow-imports=silent",
            "--ignore-missing-imports",
            "--no-error-summary",
            *paths,
        ],
        # Higher levels compile twice as long and decide no faster.
        opt_level="1",
        debug_level="0",
        multi_file=True,
        target_dir=str(scratch / "c"),
        group_name=GROUP,
    )
    command = build_ext(Distribution({"name": GROUP, "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(target), str(scratch / "objects")
    command.parallel = os.cpu_count() or 1
    command.ensure_finalized()
    command.run()


def module_of(file: Path) -> str:
    """By the path of a compiled file, which is as Python wants it beside the sources."""
    *packages, name = file.relative_to(FOLDER).parts
    return ".".join([*packages, name.partition(".")[0]])


if __name__ == "__main__":
    build()
