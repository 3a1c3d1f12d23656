"""The figures of a replay: counts over all decisions, and the last state of every request."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import NamedTuple

from answerby.cli.replay.mapping import Mapping as MappingFile
from answerby.cli.replay.outcome import Clock, Outcome
from answerby.cli.replay.planner import Expected, Planned
from answerby.domain.event import Value

SHOWN = 20
"""The number of differences and refusals in the summary. The output files hold all."""
COUNTED = ("category", "priority", "department")
MOST_COMBINATIONS = 1000


class Difference(NamedTuple):
    """A difference from the export. `seconds` is the difference of two instants."""

    name: str
    line: int
    request_id: str
    expected: Value
    decided: Value
    seconds: float | None
    groups: Mapping[str, str]


class Share(NamedTuple):
    """A number of comparisons, and how many were equal."""

    equal: int = 0
    different: int = 0


class Comparison:
    """One name of `expect` over all decisions, and by group of the mapping."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Share]] = defaultdict(dict)
        self.equal = 0
        self.different = 0
        self.first: list[Difference] = []

    def add(self, name: str, planned: Planned, decided: Value) -> Difference | None:
        """Counts a comparison. Returns it if it differs."""
        expected = planned.expected[name]
        apart = seconds_apart(expected.value, decided)
        equal = same(expected, decided, apart)
        self.equal += equal
        self.different += not equal
        for group, value in planned.groups.items():
            share = self.groups[group].get(value, Share())
            self.groups[group][value] = Share(share.equal + equal, share.different + (not equal))
        if equal:
            return None
        request_id = planned.event.request_id
        found = Difference(name, planned.line, request_id, expected.value, decided, apart, planned.groups)
        if len(self.first) < SHOWN:
            self.first.append(found)
        return found


class Tally:
    """Collects outcomes. Memory grows with requests, not with decisions."""

    def __init__(self, mapping: MappingFile) -> None:
        self._cells = mapping.cells
        self.decisions = 0
        self.duplicates = 0
        self.revisions: set[str] = set()
        self.per_event: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
        self.stages: dict[str, Counter[str]] = defaultdict(Counter)
        self.flags: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.comparisons: dict[str, Comparison] = defaultdict(Comparison)
        self.tables: dict[str, Counter[tuple[str, ...]]] = {name: Counter() for name in mapping.cells}
        self.last: dict[str, Outcome] = {}
        self.ended: datetime | None = None

    def add(self, planned: Planned, outcome: Outcome) -> list[Difference]:
        """Counts a decision. Returns its differences from the export."""
        self.decisions += 1
        self.duplicates += outcome.duplicate
        self.revisions.add(outcome.revision)
        for name, counter in self.per_event.items():
            counter[shown(outcome.facts.get(name))] += 1
        for stage, result in outcome.stages.items():
            self.stages[stage][result] += 1
        self.flags.update({code for code, _ in outcome.flags})
        for rules in outcome.rules.values():
            self.rules.update(rules)
        compared = (self.comparisons[name].add(name, planned, look_up(outcome, name)) for name in planned.expected)
        differences = [difference for difference in compared if difference is not None]
        for name, columns in self._cells.items():
            key = tuple(shown(planned.event.data.get(c, outcome.facts.get(c))) for c in columns)
            self.tables[name][(*key, shown(outcome.facts.get(name)))] += 1
        self.last[planned.event.request_id] = outcome
        self.ended = max(self.ended or planned.event.time, planned.event.time)
        return differences

    def per_request(self, name: str) -> Counter[str]:
        """The number of requests by value of the fact (or of `status`) in their last decision."""
        if name == "status":
            return Counter(outcome.status for outcome in self.last.values())
        return Counter(shown(outcome.facts.get(name)) for outcome in self.last.values())

    def clocks(self) -> dict[str, Counter[str]]:
        """The last state of each clock: met, late, overdue, running, paused, cancelled."""
        standing: dict[str, Counter[str]] = defaultdict(Counter)
        for outcome in self.last.values():
            for clock in outcome.clocks:
                standing[clock.name][self._standing(clock)] += 1
        return dict(sorted(standing.items()))

    def breaches(self) -> int:
        """Clocks met late, or running past their due time at the end of the file."""
        return sum(counts["late"] + counts["overdue"] for counts in self.clocks().values())

    def unseen(self, name: str) -> list[tuple[str, ...]]:
        """Combinations of values that never occur together although each value occurs."""
        width = len(self._cells[name])
        seen = {key[:width] for key in self.tables[name]}
        axes = [sorted({key[column] for key in seen}) for column in range(width)]
        size = 1
        for axis in axes:
            size *= len(axis)
        return [] if size > MOST_COMBINATIONS else [key for key in product(*axes) if key not in seen]

    def _standing(self, clock: Clock) -> str:
        if clock.phase == "stopped":
            return "late" if clock.breached else "met"
        if clock.phase == "running" and clock.due is not None and self.ended is not None:
            return "overdue" if clock.due < self.ended else "running"
        return clock.phase


def shown(value: Value) -> str:
    match value:
        case None:
            return "-"
        case list():
            return ", ".join(value)
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def look_up(outcome: Outcome, name: str) -> Value:
    """A decided fact, `status`, or `clocks.<clock>.<due|breached|phase>`."""
    if name == "status":
        return outcome.status
    if not name.startswith("clocks."):
        return outcome.facts.get(name)
    clock_name, _, attribute = name.removeprefix("clocks.").rpartition(".")
    clock = next((clock for clock in outcome.clocks if clock.name == clock_name), None)
    if clock is None:
        return None
    match attribute:
        case "due":
            return clock.due.isoformat() if clock.due else None
        case "breached":
            return clock.breached
        case _:
            return clock.phase


def same(expected: Expected, decided: Value, apart: float | None) -> bool:
    if expected.within and apart is not None:
        return abs(apart) <= expected.within
    return shown(expected.value) == shown(decided)


def seconds_apart(expected: Value, decided: Value) -> float | None:
    """How much later the decided instant is. None unless both are instants."""
    if not isinstance(expected, str) or not isinstance(decided, str):
        return None
    try:
        return (datetime.fromisoformat(decided) - datetime.fromisoformat(expected)).total_seconds()
    except (ValueError, TypeError):
        return None
