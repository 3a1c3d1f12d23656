"""Which files of a folder hold rules, by their names. Letters of a suffix may be of either case."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

YAML_SUFFIXES = (".yaml", ".yml")
CSV_SUFFIX = ".csv"
ICS_SUFFIX = ".ics"
SUFFIXES = (*YAML_SUFFIXES, CSV_SUFFIX, ICS_SUFFIX)
"""Suffixes of rules, tables, holidays and rule tests."""
OTHER_FOLDERS = frozenset({"samples", "mappings", "examples"})
"""Folders that are skipped. Their files belong to other rulebooks, or are no rules."""


def walk_files(folder: Path, unlisted: Callable[[OSError], None]) -> Iterator[Path]:
    """The files below the folder that are not hidden, in no particular order. Links to folders are followed.

    `unlisted` is called for a folder that cannot be listed, and for a link to a folder above, which would never end.
    """
    for parent, folders, files in os.walk(folder, onerror=unlisted, followlinks=True):
        here = Path(parent)
        for name in [name for name in folders if _leads_back(here / name, folder)]:
            unlisted(OSError(errno.ELOOP, "is a link to a folder above it", str(here / name)))
            folders.remove(name)
        folders[:] = [name for name in folders if not name.startswith(".") and name not in OTHER_FOLDERS]
        yield from (here / name for name in files if not name.startswith("."))


def is_rule_file(name: str) -> bool:
    """Whether a file of this name is a rule file: YAML, CSV or iCalendar, but no test, no readme, and not hidden."""
    return has_suffix(name, *SUFFIXES) and not name.startswith((".", "README", "~$")) and not is_test_file(name)


def is_test_file(name: str) -> bool:
    """Whether a file of this name holds rule tests or fixtures for them."""
    return is_yaml(name) and stem_of_test(name) != name and not name.startswith(".")


def stem_of_test(name: str) -> str:
    """The name of a test file without `_test` and its suffix. Another name as it is."""
    stem, _ = os.path.splitext(name)  # noqa: PTH122 - the name may be a path with `/`
    return stem.removesuffix("_test") if stem.endswith("_test") else name


def is_attachment(path: str) -> bool:
    """Whether the file is content of another rule file that names it."""
    return is_csv(path) or is_ics(path)


def is_yaml(path: str) -> bool:
    return has_suffix(path, *YAML_SUFFIXES)


def is_ics(path: str) -> bool:
    """Whether the file is a list of holidays in the iCalendar format."""
    return has_suffix(path, ICS_SUFFIX)


def is_csv(path: str) -> bool:
    """Whether the file holds rows of a table."""
    return has_suffix(path, CSV_SUFFIX)


def has_suffix(path: str, *suffixes: str) -> bool:
    return path.lower().endswith(suffixes)


def _leads_back(path: Path, top: Path) -> bool:
    """Whether the path is a link to a folder that the walk came through."""
    if not path.is_symlink():
        return False
    target = path.resolve()
    above = path.parent
    while above.resolve() != target:
        if above == top:
            return False
        above = above.parent
    return True
