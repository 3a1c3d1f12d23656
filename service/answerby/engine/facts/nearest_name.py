"""Words for a name in an event that the rules do not know."""

from __future__ import annotations

from collections.abc import Iterable

from answerby.rules.text.diagnostics import did_you_mean

LONGEST_NAME = 100
"""Characters of a name from outside that a flag repeats."""


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """Such as `there is no clock anwser (did you mean answer?)`; the known names, if they are few and none is near."""
    hint = did_you_mean(name, known)
    return f"there is no {what} ({hint})" if hint else f"there is no {what}"
