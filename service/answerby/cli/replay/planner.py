"""Events from rows, in the order in which they are decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from answerby.cli.fail import CommandFailed
from answerby.cli.replay.conditions import Conditions
from answerby.cli.replay.mapping import EventSpec, Guard, ValueSpec
from answerby.cli.replay.mapping import Mapping as MappingFile
from answerby.cli.replay.readers import Row
from answerby.cli.replay.values import PLACEHOLDER, Cells, Cleaner, RowRefused, ValueMaker, shorten, show
from answerby.domain.event import ActorRole, Event, Value

LINE = "@line"
REQUEST_ID = "@request_id"
Refuse = Callable[[int, str, str], None]
"""Called with the line, the reason and the request; the request is empty when the row does not say."""


class Expected(NamedTuple):
    """An expectation from the export. `within` is a tolerance in seconds, for instants."""

    value: Value
    within: int = 0


class Planned(NamedTuple):
    """An event and its row."""

    event: Event
    line: int
    expected: Mapping[str, Expected]
    groups: Mapping[str, str] = MappingProxyType({})
    """The groups of its comparisons, as values of the row."""


class Candidate(NamedTuple):
    """A row that may give the event of one entry. It sorts by time, then by its place in the file."""

    time: datetime
    line: int
    entry: int
    request_id: str
    cells: Cells


class Counts:
    """The numbers of rows by result."""

    def __init__(self) -> None:
        self.read = 0
        self.skipped = 0
        self.damaged = 0
        self.without_event = 0


class Planner:
    """Applies one mapping to the rows of one file. Use it once."""

    def __init__(self, mapping: MappingFile, tenant: str, refuse: Refuse) -> None:
        cleaner = Cleaner(mapping.nulls)
        self.counts = Counts()
        self._mapping = mapping
        self._tenant = tenant
        self._refuse = refuse
        self._conditions = Conditions(cleaner)
        self._values = ValueMaker(cleaner, mapping.timezone, mapping.time_formats)
        self._columns = frozenset(columns_of(mapping))
        self._roots = frozenset(column.partition(".")[0] for column in self._columns) | self._columns
        self._facts = [{**mapping.facts, **entry.facts} for entry in mapping.events]
        self._expect = [{**mapping.expect, **entry.expect} for entry in mapping.events]
        self._previous: dict[str, Cells] = {}

    def plan(self, rows: Iterable[Row]) -> Iterator[Planned]:
        """Events in the order that the mapping asks for. `refuse` gets the rows that give none."""
        candidates = self._candidates(rows)
        if self._mapping.order == "time":
            candidates = iter(sorted(candidates, key=lambda c: (c.time, c.line, c.entry)))
        for candidate in candidates:
            try:
                planned = self._event(candidate)
            except RowRefused as error:
                self._refuse(candidate.line, str(error), candidate.request_id)
                continue
            if planned is None:
                self.counts.without_event += 1
                continue
            self._previous[candidate.request_id] = candidate.cells
            yield planned

    def check_columns(self, names: Iterable[str]) -> None:
        """Raises CommandFailed if the mapping names a column that a CSV file does not have."""
        missing = sorted(self._columns - set(names))
        if missing:
            raise CommandFailed(f"the mapping names columns that the file does not have: {', '.join(missing)}")

    def _candidates(self, rows: Iterable[Row]) -> Iterator[Candidate]:
        for row in rows:
            self.counts.read += 1
            self.counts.damaged += row.damaged
            if row.refused:
                self._refuse(row.line, row.refused, "")
                continue
            cells = {name: row.cells[name] for name in self._roots if name in row.cells}
            if any(self._conditions.hold(tests, cells) for tests in self._mapping.skip):
                self.counts.skipped += 1
                continue
            try:
                yield from self._of_row(row.line, cells)
            except RowRefused as error:
                self._refuse(row.line, str(error), error.request_id)

    def _of_row(self, line: int, cells: Cells) -> list[Candidate]:
        request_id = self._values.value(self._mapping.request_id, cells)
        if request_id is None:
            raise RowRefused("the request id is null")
        try:
            return self._of_request(show(request_id), line, cells)
        except RowRefused as error:
            error.request_id = show(request_id)
            raise

    def _of_request(self, request_id: str, line: int, cells: Cells) -> list[Candidate]:
        candidates = []
        for number, entry in enumerate(self._mapping.events):
            if not self._conditions.hold(entry.when, cells):
                continue
            time = self._values.instant(entry.time, cells)
            if time is None:
                raise RowRefused(f"{', '.join(entry.time.column) or 'time'}: the time of the event is null")
            candidates.append(Candidate(time, line, number, request_id, cells))
        return candidates

    def _event(self, candidate: Candidate) -> Planned | None:
        entry = self._mapping.events[candidate.entry]
        event_type = self._type(entry, candidate)
        if event_type is None:
            return None
        cells = candidate.cells
        event = Event(
            tenant=self._tenant,
            source=self._source(cells),
            id=self._id(entry, candidate),
            type=event_type,
            time=candidate.time,
            request_id=candidate.request_id,
            actor=self._actor(entry, cells),
            actor_id=show(self._values.value(entry.actor_id, cells) or "") if entry.actor_id else "",
            data=self._data(self._facts[candidate.entry], cells),
            historical=True,
        )
        expected = self._expected(self._expect[candidate.entry], cells)
        return Planned(event, candidate.line, expected, self._groups(cells) if expected else {})

    def _type(self, entry: EventSpec, candidate: Candidate) -> str | None:
        previous = self._previous.get(candidate.request_id)
        if not self._conditions.guard(entry, candidate.cells, previous):
            return None
        rules = (rule for rule in entry.type if self._conditions.guard(rule, candidate.cells, previous))
        return next((rule.is_ for rule in rules), None)

    def _source(self, cells: Cells) -> str:
        source = self._mapping.event_source
        if "{" not in source:
            return source
        made = self._values.value(ValueSpec(template=source), cells)
        if made is None:
            raise RowRefused(f"source {source}: a column of it is null")
        return show(made)

    def _id(self, entry: EventSpec, candidate: Candidate) -> str:
        if entry.id is None:
            suffix = f"/{candidate.entry + 1}" if candidate.entry else ""
            return f"{candidate.request_id}/{candidate.line}{suffix}"
        extended = {**candidate.cells, LINE: str(candidate.line), REQUEST_ID: candidate.request_id}
        made = self._values.value(entry.id, extended)
        if made is None:
            raise RowRefused("the id of the event is null")
        return show(made)

    def _actor(self, entry: EventSpec, cells: Cells) -> ActorRole:
        made = self._values.value(entry.actor, cells) if entry.actor else None
        try:
            return ActorRole(show(made)) if made is not None else ActorRole.CUSTOMER
        except ValueError:
            raise RowRefused(f"actor: {shorten(made)} is neither customer, agent nor system") from None

    def _data(self, specs: Mapping[str, ValueSpec], cells: Cells) -> dict[str, Value]:
        data: dict[str, Value] = {}
        for fact, spec in specs.items():
            value = self._values.value(spec, cells)
            if value is not None or spec.clear:
                data[fact] = value
        return data

    def _groups(self, cells: Cells) -> dict[str, str]:
        found = ((name, self._values.value(spec, cells)) for name, spec in self._mapping.groups.items())
        return {name: "-" if value is None else show(value) for name, value in found}

    def _expected(self, specs: Mapping[str, ValueSpec], cells: Cells) -> dict[str, Expected]:
        expected = {}
        for name, spec in specs.items():
            if name.endswith(".due"):
                moment = self._values.instant(spec, cells)
                value: Value = moment.isoformat() if moment else None
            else:
                value = self._values.value(spec, cells)
            if value is not None:
                expected[name] = Expected(value, spec.within)
        return expected


def columns_of(mapping: MappingFile) -> Iterator[str]:
    """Every column that the mapping reads."""
    specs = [mapping.request_id, *mapping.facts.values(), *mapping.expect.values(), *mapping.groups.values()]
    guards: list[Guard] = []
    for entry in mapping.events:
        specs += [s for s in (entry.time, entry.id, entry.actor, entry.actor_id) if s is not None]
        specs += [*entry.facts.values(), *entry.expect.values()]
        guards += [entry, *entry.type]
    for spec in specs:
        yield from spec.column
        yield from placeholders(spec.template)
    yield from placeholders(mapping.source)
    for tests in [*mapping.skip, *(g.when for g in guards), *(g.previous for g in guards)]:
        yield from tests


def placeholders(template: str) -> Iterator[str]:
    return (column for column in PLACEHOLDER.findall(template) if not column.startswith("@"))
