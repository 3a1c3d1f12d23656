"""Which program lies on the disk: two processes that pass objects to each other must run the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import answerby

PARTS = ("domain", "rules", "sla", "engine", "server")
"""Of the package: what a rulebook is made of and by."""


def program_on_disk() -> str:
    """Changes when the program is replaced, as an upgrade does."""
    home = Path(answerby.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(file for part in PARTS for file in (home / part).rglob("*.py")):
        about = path.stat()
        digest.update(f"{path.relative_to(home)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
