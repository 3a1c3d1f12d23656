"""`calendar:` to a working calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from service.rules.codes import Code
from service.rules.dates import read_date, read_intervals, read_yearly, read_zone
from service.rules.nodes import MappingNode, Node, ScalarNode
from service.rules.reader import Keys
from service.rules.scope import Kind, Scope
from service.sla.calendar import ALWAYS, WEEKDAYS, Calendar

_KEYS = (
    "id", "timezone", "weekly", "years", "provisional", "holidays", "extra_workdays", "annual_holidays", "overrides",
    "breaks", "description", "because", "source",
)  # fmt: skip
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORT_DAYS = {
    **{name.casefold(): day for name, day in zip(WEEKDAYS, DAYS, strict=True)},
    **{f"{week}{number}": day for week in ("周", "星期") for number, day in zip("一二三四五六日", DAYS, strict=True)},
    **{day: day for day in DAYS},
    **dict.fromkeys(("周天", "星期天"), "sun"),
    "tues": "tue",
    "thurs": "thu",
    "weds": "wed",
}
Intervals = tuple[tuple[int, int], ...]
_Day = TypeVar("_Day", date, str)


def compile_calendars(scope: Scope, sections: list[Node]) -> dict[str, Calendar]:
    """All `calendar:` sections, and `always`."""
    found = {ALWAYS.id: ALWAYS}
    for section in sections:
        mapping = scope.reader.mapping(section, "calendar")
        calendar = _CalendarReader(scope, mapping).read() if mapping else None
        if calendar is not None:
            found[calendar.id] = calendar
    return dict(sorted(found.items()))


class _CalendarReader:
    def __init__(self, scope: Scope, node: MappingNode) -> None:
        self._scope = scope
        self._report = scope.report
        self._node = node
        self._keys = Keys(scope.reader, node, "calendar", _KEYS)
        self._years: frozenset[int] | None = None

    def read(self) -> Calendar | None:
        """None when it is broken; its id is declared all the same."""
        id_node = self._keys.require("id")
        name = None if id_node is None else self._scope.reader.identifier(id_node, "calendar id")
        if id_node is None or name is None or not self._scope.declare(Kind.CALENDAR, name, id_node):
            return None
        zone_node = self._keys.require("timezone")
        zone = None if zone_node is None else read_zone(self._report, zone_node, "timezone")
        weekly = self._weekly()
        years = self._year_set("years")
        provisional = self._year_set("provisional") or frozenset()
        self._years = None if years is None else years | provisional
        holidays = self._named("holidays", self._date)
        parts = {
            "breaks": self._dated_intervals("breaks"),
            "overrides": self._dated_intervals("overrides"),
            "annual_holidays": self._named("annual_holidays", self._yearly),
            "extra_workdays": self._extra_workdays(),
        }
        if zone is None or weekly is None:
            return None
        try:
            return Calendar(
                id=name,
                timezone=zone.key,
                weekly=weekly,  # type: ignore[arg-type]  # seven by construction
                holidays=MappingProxyType(holidays),
                years=years,
                provisional_years=provisional,
                **parts,  # type: ignore[arg-type]  # each as its field wants it
            )
        except ValueError as error:
            self._report.add(Code.WRONG_VALUE, self._node, str(error))
            return None

    def _weekly(self) -> tuple[Intervals, ...] | None:
        if self._keys.require("weekly") is None:
            return None
        week: dict[str, Intervals] = {}
        for key, node in self._keys.items("weekly"):
            days = self._days(key)
            intervals = read_intervals(self._report, self._scope.reader, node, f"{key.text} hours")
            for day in days:
                if day in week:
                    self._report.add(Code.DUPLICATE_ID, key, f"the hours of {day} are given twice")
                week[day] = intervals
        return tuple(week.get(day, ()) for day in DAYS)

    def _days(self, key: ScalarNode) -> tuple[str, ...]:
        """`mon`, `mon-fri`, `daily`."""
        first, _, last = key.text.partition("-")
        last = last or first
        if key.text == "daily":
            return DAYS
        if first in DAYS and last in DAYS and DAYS.index(first) <= DAYS.index(last):
            return DAYS[DAYS.index(first) : DAYS.index(last) + 1]
        near = "-".join(_SHORT_DAYS.get(part.strip().casefold(), "?") for part in key.text.split("-"))
        hint = "write mon-fri, sat or daily" if "?" in near else f"did you mean {near}?"
        self._report.add(Code.WRONG_VALUE, key, f'"{key.text}" names no days', hint)
        return ()

    def _year_set(self, name: str) -> frozenset[int] | None:
        node = self._keys.get(name)
        if node is None:
            return None
        items = self._scope.reader.one_or_more(node, name)
        found = (self._scope.reader.integer(item, "year", 1970, 2200) for item in items)
        return frozenset(year for year in found if year is not None)

    def _date(self, node: Node) -> date | None:
        found = read_date(self._report, node, "day")
        if found and self._years is not None and found.year not in self._years:
            message = f"{found} lies in a year that the calendar does not list"
            self._report.add(Code.CALENDAR_YEAR, node, message, f"add {found.year} to `years` or `provisional`")
        return found

    def _yearly(self, node: Node) -> str | None:
        return read_yearly(self._report, node, "day")

    def _named(self, name: str, read: Callable[[Node], _Day | None]) -> dict[_Day, str]:
        """A mapping of days to names, or a list of days."""
        node = self._keys.get(name)
        found: dict[_Day, str] = {}
        if node is None:
            return found
        if isinstance(node, MappingNode):
            for key, value in node.entries:
                day = read(key)
                title = self._scope.reader.text(value, "name of the holiday")
                if day is not None:
                    found[day] = title or ""
            return found
        for item in self._scope.reader.sequence(node, name):
            day = read(item)
            if day is not None:
                found[day] = ""
        return found

    def _dated_intervals(self, name: str) -> dict[date, Intervals]:
        found: dict[date, Intervals] = {}
        for key, node in self._keys.items(name):
            day = self._date(key)
            intervals = read_intervals(self._report, self._scope.reader, node, f"{name} of {key.text}")
            if day is not None:
                found[day] = intervals
        return found

    def _extra_workdays(self) -> dict[date, int]:
        """A list (Monday's hours count) or a mapping to the weekday whose hours count."""
        node = self._keys.get("extra_workdays")
        found: dict[date, int] = {}
        if node is None:
            return found
        if isinstance(node, MappingNode):
            for key, value in node.entries:
                day = self._date(key)
                weekday = self._scope.reader.choice(value, "weekday", DAYS)
                if day is not None and weekday is not None:
                    found[day] = DAYS.index(weekday)
            return found
        for item in self._scope.reader.sequence(node, "extra_workdays"):
            day = self._date(item)
            if day is not None:
                found[day] = 0
        return found
