"""Where the rules that ship are: in the working folder, in the source tree, or in the installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shipped_rules() -> Path:
    """The first of `rules/` here, `rules/` of the source tree, and the copy in the package."""
    candidates = (Path("rules"), PACKAGE.parent.parent / "rules", PACKAGE / "shipped" / "rules")
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])
