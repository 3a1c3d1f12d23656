"""Identity of the program on the disk. Two processes that exchange objects must run the same program."""

from __future__ import annotations

import hashlib
from pathlib import Path

import answerby

PARTS = ("domain", "rules", "sla", "engine", "server")
"""Parts of the package that make up or build a rulebook."""


def program_on_disk() -> str:
    """Digest that changes when an upgrade replaces the program."""
    home = Path(answerby.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(file for part in PARTS for file in (home / part).rglob("*.py")):
        about = path.stat()
        digest.update(f"{path.relative_to(home)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
