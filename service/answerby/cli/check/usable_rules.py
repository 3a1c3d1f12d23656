"""The findings of a rules folder as text, for commands that need usable rules."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from answerby.cli.check.check_target import CheckTarget
from answerby.cli.check.rules_check import run_check
from answerby.cli.check.text import text_lines, wants_colour


def check_rules(folder: Path) -> bool:
    """Prints the findings, without the proofs. Returns whether the rules can be used."""
    today = datetime.now(UTC).astimezone().date()
    result = run_check(CheckTarget(folder), today, proofs=False)
    colour = wants_colour(sys.stdout, os.environ)
    for line in text_lines(result, strict=False, colour=colour):
        print(line)
    return result.rulebook is not None
