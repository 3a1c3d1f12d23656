"""Due times that a person set: `due.<clock>` facts win over every rule until they are taken back with null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.decision import Flag
from answerby.domain.event import Value
from answerby.engine.facts.nearest_name import LONGEST_NAME, no_such
from answerby.rules.model.vocabulary import Vocabulary
from answerby.sla.clocks import definition_of

PREFIX = "due."
DUE_REFUSED = "DUE_REFUSED"


def without_due_times(given: dict[str, Value], vocabulary: Vocabulary) -> dict[str, Value]:
    """The facts without manual due times. A field of the vocabulary stays, whatever its name."""
    for name in given:
        if name.startswith(PREFIX):
            break
    else:
        return given
    return {name: value for name, value in given.items() if not name.startswith(PREFIX) or name in vocabulary}


def manual_due_times(
    given: Mapping[str, Value], vocabulary: Vocabulary, clocks: Mapping[str, ClockDefinition]
) -> tuple[dict[str, datetime], list[Flag]]:
    """The due times by clock, in UTC, and flags for those that are no instant or name no clock."""
    found: dict[str, datetime] = {}
    flags: list[Flag] = []
    for fact, value in given.items():
        if not fact.startswith(PREFIX) or fact in vocabulary or value is None:
            continue
        name = fact.removeprefix(PREFIX)
        instant = due_instant(value)
        if definition_of(clocks, name) is None:
            flags.append(Flag(DUE_REFUSED, f"{fact[:LONGEST_NAME]}: {no_such('such clock', name, clocks)}"))
        elif instant is None:
            flags.append(
                Flag(DUE_REFUSED, f"{fact[:LONGEST_NAME]}: write an instant with its offset, 2026-03-02T10:00:00+08:00")
            )
        else:
            found[name] = instant
    return found, flags


def due_instant(value: Value) -> datetime | None:
    """The instant of a manual due time, in UTC. None for a value that is no instant with an offset."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
