"""The rules folder of a command: the one it is given, else `rules` in the working folder. Never a guess.

The rules that ship with answerby are for a first look. They are taken only when somebody asks for them (`--demo`).
"""

from __future__ import annotations

from pathlib import Path

from answerby.cli.fail import fail

PACKAGE = Path(__file__).resolve().parent.parent
RULES = Path("rules")


def demo_rules() -> Path:
    """The folder of the rules that ship: in an installed package, else in the source tree."""
    candidates = (PACKAGE / "shipped" / "rules", PACKAGE.parent.parent / "rules")
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])


def found_rules(beside: Path | None = None) -> Path | None:
    """`rules` beside this file, else `rules` in the working folder; None where there is neither."""
    candidates = [beside.resolve().parent / RULES] if beside is not None else []
    return next((folder for folder in [*candidates, RULES] if folder.is_dir()), None)


def rules_of(folder: Path | None, *, demo: bool, status: int = 1) -> Path:
    """The rules folder of a command that needs one. Ends the command with the status where there is none."""
    if demo and folder is not None:
        fail(f"--demo takes the rules that ship; leave out {folder}, or leave out --demo", status)
    found = demo_rules() if demo else folder or found_rules()
    if found is None:
        fail("there is no folder rules here; name the folder of your rules, or say --demo for the demo rules", status)
    return found
