"""The dated parts of a calendar: holidays, ranges of holidays, days of every year, hours of single dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.values.dates import read_date, read_yearly
from answerby.rules.sections.values.intervals import read_intervals
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node
from answerby.sla.intervals import Intervals

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RANGE_KEYS = ("from", "to", "name")
LONGEST_RANGE = timedelta(days=366)


class DayReader:
    """Reads the dated parts of one calendar. `years` are its years; None for a calendar without yearly data."""

    def __init__(self, scope: NameScope, keys: MappingKeys, years: frozenset[int] | None) -> None:
        self._scope = scope
        self._report = scope.report
        self._keys = keys
        self._years = years

    def holidays(self) -> dict[date, str]:
        """The names of holidays by date, from a mapping of dates, or a list of dates and ranges `{from, to, name}`."""
        node = self._keys.get("holidays")
        if node is None:
            return {}
        if isinstance(node, MappingNode):
            return {day: self._title(value) for key, value in node.entries if (day := self._date(key))}
        found: dict[date, str] = {}
        for item in self._scope.reader.sequence(node, "holidays"):
            if isinstance(item, MappingNode):
                found.update(self._range(item))
            elif day := self._date(item):
                found[day] = ""
        return found

    def annual_holidays(self) -> dict[str, str]:
        """The names of yearly holidays by `MM-DD`, from a mapping or a list."""
        node = self._keys.get("annual_holidays")
        if node is None:
            return {}
        if isinstance(node, MappingNode):
            entries = [(read_yearly(self._report, key, "day"), self._title(value)) for key, value in node.entries]
        else:
            items = self._scope.reader.sequence(node, "annual_holidays")
            entries = [(read_yearly(self._report, item, "day"), "") for item in items]
        return {day: title for day, title in entries if day is not None}

    def hours(self, name: str) -> dict[date, Intervals]:
        """The intervals of single dates under `overrides` or `breaks`, in seconds of the day."""
        found: dict[date, Intervals] = {}
        for key, node in self._keys.items(name):
            day = self._date(key)
            intervals = read_intervals(self._report, self._scope.reader, node, f"{name} of {key.text}")
            if day is not None:
                found[day] = intervals
        return found

    def extra_workdays(self) -> dict[date, int]:
        """Make-up working days, each with the weekday (0 is Monday) whose hours it has. A list means Monday."""
        node = self._keys.get("extra_workdays")
        if node is None:
            return {}
        if isinstance(node, MappingNode):
            return dict(self._workdays_like(node))
        items = self._scope.reader.sequence(node, "extra_workdays")
        return {day: 0 for item in items if (day := self._date(item))}

    def _workdays_like(self, node: MappingNode) -> Iterator[tuple[date, int]]:
        for key, value in node.entries:
            day = self._date(key)
            weekday = self._scope.reader.choice(value, "weekday", DAYS)
            if day is not None and weekday is not None:
                yield day, DAYS.index(weekday)

    def _date(self, node: Node) -> date | None:
        found = read_date(self._report, node, "day")
        if found and self._years is not None and found.year not in self._years:
            message = f"{found} lies in a year that the calendar does not list"
            self._report.add(Code.CALENDAR_YEAR, node, message, f"add {found.year} to `years` or `provisional`")
        return found

    def _title(self, node: Node) -> str:
        return self._scope.reader.text(node, "name of the holiday") or ""

    def _range(self, node: MappingNode) -> dict[date, str]:
        """Every date of a range, with the name of the holiday. A range without start or end is reported and skipped."""
        keys = MappingKeys(self._scope.reader, node, "range of holidays", RANGE_KEYS)
        ends = [keys.get("from"), keys.get("to")]
        title = keys.text("name")
        if None in ends:
            missing = "from" if ends[0] is None else "to"
            message = f"the range of holidays has no `{missing}` and is left out"
            self._report.add(Code.HOLIDAY_RANGE, node, message, "write {from: 2026-07-01, to: 2026-07-14}")
            return {}
        first, last = (self._date(end) for end in ends if end is not None)
        if first is None or last is None:
            return {}
        if not timedelta() <= last - first <= LONGEST_RANGE:
            message = f"holidays from {first} to {last} are no range of at most a year"
            self._report.add(Code.INVALID_INTERVAL, node, message, "put the first day first")
            return {}
        return {first + timedelta(days=number): title for number in range((last - first).days + 1)}
