"""The folder of the rules that ship with answerby."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shipped_rules() -> Path:
    """`rules/` of the working folder, else the copy in an installed package, else `rules/` of the source tree."""
    candidates = (Path("rules"), PACKAGE / "shipped" / "rules", PACKAGE.parent.parent / "rules")
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])
