"""The rules folder of a path, and the part of it whose findings are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from answerby.rules.text.rule_paths import is_rule_file, is_test_file, is_yaml

MAX_LEVELS = 6
_MAIN_SECTIONS = ("rulebook:", "fields:")
"""The sections that only the top folder of a rulebook declares."""


class CannotCheck(Exception):
    """The check cannot be run. The message says why."""


@dataclass(frozen=True, slots=True)
class CheckTarget:
    """A rules folder. `part` is the file or folder below it whose findings are wanted; empty: all findings."""

    folder: Path
    part: str = ""

    def covers(self, file: str) -> bool:
        """Whether the findings of a file are wanted. The path is relative to the folder."""
        return not self.part or file == self.part or file.startswith(f"{self.part}/")


def find_target(path: Path, rules: Path | None = None) -> CheckTarget:
    """The target of `path`: a rules folder, a folder in one, or a rule file.

    `rules` is the rules folder. Without it the nearest folder above is taken that holds the vocabulary or the settings
    of a rulebook. Raises CannotCheck.
    """
    if not path.exists():
        raise CannotCheck(f"{path}: there is no such file or folder")
    if rules is not None:
        return _within(path, rules)
    if path.is_dir():
        return _of_folder(path)
    if not _is_checked(path):
        raise CannotCheck(f"{path}: not a rule file; rule files end in .yaml, .yml or .csv, and README files are none")
    folder = _top_above(path.parent) or path.parent
    return CheckTarget(folder, _relative(path, folder))


def _within(path: Path, rules: Path) -> CheckTarget:
    if not rules.is_dir():
        raise CannotCheck(f"{rules}: there is no such folder")
    if not path.resolve().is_relative_to(rules.resolve()):
        raise CannotCheck(f"{path}: does not lie in {rules}")
    return CheckTarget(rules, _relative(path, rules))


def _is_checked(path: Path) -> bool:
    return is_rule_file(path.name) or is_test_file(path.name)


def _of_folder(path: Path) -> CheckTarget:
    if _declares(path):
        return CheckTarget(path)
    top = _top_above(_parent(path)) if not _declares_below(path) else None
    return CheckTarget(path) if top is None else CheckTarget(top, _relative(path, top))


def _parent(path: Path) -> Path:
    """The folder above. It keeps the form of the path where possible, so that findings keep it too."""
    return path.resolve().parent if path.name in {"", "..", "."} else path.parent


def _top_above(folder: Path) -> Path | None:
    """The nearest folder, this one or one above, with a section of _MAIN_SECTIONS; None if there is none."""
    level = folder
    for _ in range(MAX_LEVELS):
        if _declares(level):
            return level
        if level.resolve() == level.resolve().parent:
            return None
        level = _parent(level)
    return None


def _declares(folder: Path) -> bool:
    try:
        files = [p for p in folder.iterdir() if is_rule_file(p.name) and is_yaml(p.name) and p.is_file()]
        return any(_begins_section(file) for file in files)
    except OSError:
        return False


def _declares_below(folder: Path) -> bool:
    return any(child.is_dir() and _declares(child) for child in folder.iterdir())


def _begins_section(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        return any(line.startswith(_MAIN_SECTIONS) for line in stream)


def _relative(path: Path, folder: Path) -> str:
    found = path.resolve().relative_to(folder.resolve()).as_posix()
    return "" if found == "." else found
