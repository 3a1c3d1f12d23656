"""The mark at the end of our notes, by which every worker knows the note, its effect and the values set with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

MARKER = re.compile(r"\[answerby effect=(?P<effect>[0-9a-f]{8,64})(?P<values>(?: [A-Za-z0-9_.]+=[^\s\]]+)*)\]")
PLAIN = "-_.:/,"
"""What stays as it is in a value of a mark, besides letters and digits."""
NEAR = timedelta(minutes=10)
"""How long before our note a status counts as ours. The note follows the fields at once."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The last line of a note of ours. `values` are the fields of the same decision, in the names of the platform."""

    effect_id: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        values = "".join(f" {name}={quote(value, safe=PLAIN)}" for name, value in sorted(self.values.items()) if value)
        return f"[answerby effect={self.effect_id}{values}]"


def find_marker(body: str) -> Marker | None:
    """The mark of a note, if the note is ours."""
    found = None
    for found in MARKER.finditer(body):  # noqa: B007 - the last mark counts: an earlier text may quote another
        pass
    if found is None:
        return None
    pairs = (pair.partition("=") for pair in found["values"].split())
    return Marker(found["effect"], {name: unquote(value) for name, _, value in pairs})


def marked(notes: Iterable[str], effect_id: str) -> int:
    """The number of notes of this effect."""
    found = (find_marker(note) for note in notes)
    return sum(marker is not None and marker.effect_id == effect_id for marker in found)


def announces(notes: Iterable[str], values: Mapping[str, object]) -> bool:
    """Whether notes of ours tell all these values as set by us."""
    told = {pair for note in notes for marker in [find_marker(note)] if marker for pair in marker.values.items()}
    return bool(values) and all((name, str(value)) in told for name, value in values.items())


def follows(noted: datetime, time: datetime) -> bool:
    """Whether a note came soon after a status. Times of platforms may be whole seconds."""
    return timedelta(seconds=-1) <= noted - time <= NEAR
