"""What a check is, how it compares, and the difference that it reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Protocol

from answerby.domain.event import Value
from answerby.engine.facts.coercion import Typed
from answerby.rules.text.nodes import Place
from answerby.workbench.rule_tests.snapshot import NONE, RequestSnapshot


class Mode(StrEnum):
    """The kind of a comparison."""

    IS = "is"
    NOT = "not"
    HAS = "has"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as expected."""

    name: str
    expected: str
    actual: str
    stage: str = ""
    wanted: Value = None
    """The single value that some rule of the stage would have had to give; None where there is no such value."""
    when: str = ""
    """The moment of the case; empty right after the last event."""
    accepted: str = ""
    """The expectation that holds now, as a test file writes it; empty where only a person can say it."""
    place: Place | None = None
    """The place of the expectation in its file."""


class Check(Protocol):
    """One expectation."""

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        """The differences; none when the expectation holds."""
        ...


@dataclass(frozen=True, slots=True)
class PlacedCheck:
    """A check, and the place of the expectation that it was read from."""

    check: Check
    place: Place

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        return [replace(found, place=found.place or self.place) for found in self.check.compare(snapshot)]


def expectation_text(mode: Mode, values: Sequence[str]) -> str:
    """An expectation in words close to those of the test file."""
    joined = " or ".join(values)
    match mode:
        case Mode.IS:
            return joined
        case Mode.MISSING | Mode.PRESENT:
            return f"is {mode.value}"
        case _:
            return f"{mode.value} {joined}"


def value_text(value: Typed | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return list_text(value) if isinstance(value, frozenset) else str(value)


def list_text(items: Iterable[str]) -> str:
    """Names in brackets, sorted, each once."""
    return "[" + ", ".join(sorted(set(items))) + "]"


def instant_text(value: datetime | None, offset: timedelta) -> str:
    """An instant in ISO 8601 with this offset from UTC; `none` for None."""
    return NONE if value is None else value.astimezone(timezone(offset)).isoformat()
