"""Where the rules that ship are: in the working folder, in the installed package, or in the source tree."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shipped_rules() -> Path:
    """The first of `rules/` here, the copy in an installed package, and `rules/` of the source tree."""
    candidates = (Path("rules"), PACKAGE / "shipped" / "rules", PACKAGE.parent.parent / "rules")
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])
