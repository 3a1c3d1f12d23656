"""Which commit the source is: noted in the package when it was built, or read from the checkout beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

HOME = Path(__file__).resolve().parent
NOTE = HOME / "revision.txt"
"""Written by the build into a wheel and an sdist. A checkout has none."""
CHECKOUT = HOME.parents[1]
LENGTH = 12
"""How much of a commit's name is shown."""


def revision(note: Path = NOTE, checkout: Path = CHECKOUT) -> str:
    """The commit, shortened; then `+changes` when tracked files differ, which only git can tell. Empty: unknown."""
    if note.is_file():
        return note.read_text("utf-8").strip()
    marker = checkout / ".git"
    # Not a folder further up: a package installed inside another repository is none of its commits.
    return (_ask_git(marker) or _read_files(marker)) if marker.exists() else ""


def _ask_git(marker: Path) -> str:
    # The options bind git to this checkout, whatever its variables say, and to reading.
    git = ("git", f"--git-dir={marker}", f"--work-tree={marker.parent}", "--no-optional-locks")
    describe = ("describe", "--always", "--exclude=*", f"--abbrev={LENGTH}", "--dirty=+changes")
    try:
        done = subprocess.run([*git, *describe], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""  # no git on this machine, or it refuses a folder of another owner
    return done.stdout.strip()


def _read_files(marker: Path) -> str:
    """Of `.git`, a folder, or in a worktree a file that names one."""
    try:
        folder = marker
        if marker.is_file():
            folder = marker.parent / marker.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text("utf-8").strip()
        commit = _commit_of(folder, head.removeprefix("ref:").strip()) if head.startswith("ref:") else head
    except OSError:
        return ""
    return commit[:LENGTH]


def _commit_of(folder: Path, branch: str) -> str:
    shared = folder / "commondir"
    common = folder / shared.read_text("utf-8").strip() if shared.is_file() else folder
    loose = common / branch
    if loose.is_file():
        return loose.read_text("utf-8").strip()
    packed = (line.split() for line in (common / "packed-refs").read_text("utf-8").splitlines())
    return next((words[0] for words in packed if words[1:] == [branch]), "")
