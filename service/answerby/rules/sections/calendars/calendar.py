"""`calendar:` to a working calendar."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from answerby.rules.sections.calendars.calendar_days import DAYS, DayReader
from answerby.rules.sections.calendars.holiday_sources import HOLIDAY_DATA, CalendarYears, read_sources
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.values.intervals import read_intervals
from answerby.rules.sections.values.time_zones import read_zone
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.ics_files import IcsFiles
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode
from answerby.sla.calendar import ALWAYS, WEEKDAYS, Calendar
from answerby.sla.intervals import Intervals

CALENDAR_KEYS = (
    "id", "timezone", "weekly", "years", "provisional", "holidays", "holidays_from", "extra_workdays",
    "annual_holidays", "overrides", "breaks", "within", "description", "because", "source",
)  # fmt: skip

_SHORT_DAYS = {
    **{name.casefold(): day for name, day in zip(WEEKDAYS, DAYS, strict=True)},
    **{f"{week}{number}": day for week in ("周", "星期") for number, day in zip("一二三四五六日", DAYS, strict=True)},
    **{day: day for day in DAYS},
    **dict.fromkeys(("周天", "星期天"), "sun"),
    "tues": "tue",
    "thurs": "thu",
    "weds": "wed",
}


def compile_calendars(scope: NameScope, sections: list[Node], files: IcsFiles) -> dict[str, Calendar]:
    """The calendars of all `calendar:` sections, by id, and the built-in `always`."""
    found = {ALWAYS.id: ALWAYS}
    within: dict[str, Node] = {}
    for section in sections:
        mapping = scope.reader.mapping(section, "calendar")
        reader = _CalendarReader(scope, mapping, files) if mapping else None
        calendar = reader.read() if reader else None
        if reader is not None and calendar is not None:
            found[calendar.id] = calendar
            if (node := reader.within) is not None:
                within[calendar.id] = node
    for name, node in sorted(within.items()):
        found[name] = _within(scope, found, within, name, node)
    return dict(sorted(found.items()))


def _within(scope: NameScope, found: dict[str, Calendar], within: dict[str, Node], name: str, node: Node) -> Calendar:
    """The calendar `name`, limited to the hours of the calendars under `within`.

    Those calendars may have no `within` of their own. One level rules out circles.
    """
    others = []
    for item in scope.reader.one_or_more(node, "within"):
        other = scope.refer(NameKind.CALENDAR, item)
        if other == name or other in within:
            message = (
                f"{other} is itself within another calendar" if other != name else "a calendar is not within itself"
            )
            scope.report.add(Code.WRONG_VALUE, item, message, "name calendars that have no `within` of their own")
        elif other in found:
            others.append(found[other])
    return replace(found[name], within=tuple(sorted(others, key=lambda calendar: calendar.id)))


class _CalendarReader:
    def __init__(self, scope: NameScope, node: MappingNode, files: IcsFiles) -> None:
        self._scope = scope
        self._report = scope.report
        self._node = node
        self._files = files
        self._keys = MappingKeys(scope.reader, node, "calendar", CALENDAR_KEYS)

    @property
    def within(self) -> Node | None:
        return self._keys.get("within")

    def read(self) -> Calendar | None:
        """The calendar. None, with a diagnostic, when it is wrong. Its id is declared in any case."""
        id_node = self._keys.require("id")
        name = None if id_node is None else self._scope.reader.identifier(id_node, "calendar id")
        if id_node is None or name is None or not self._scope.declare(NameKind.CALENDAR, name, id_node):
            return None
        zone_node = self._keys.require("timezone")
        zone = None if zone_node is None else read_zone(self._report, zone_node, "timezone")
        weekly = self._weekly()
        years = self._year_set("years")
        provisional = self._year_set("provisional") or frozenset()
        if years is None and provisional:
            years = frozenset()
        days = DayReader(self._scope, self._keys, None if years is None else years | provisional)
        source_days = read_sources(
            self._scope, self._keys, self._files, CalendarYears(years or frozenset(), provisional)
        )
        own_holidays, own_workdays = days.holidays(), days.extra_workdays()
        parts = {
            "breaks": days.hours("breaks"),
            "overrides": days.hours("overrides"),
            "annual_holidays": days.annual_holidays(),
            # Days in the file itself take precedence over days from sources.
            "holidays": MappingProxyType({**_without(source_days.holidays, own_workdays), **own_holidays}),
            "extra_workdays": {**_without(source_days.extra_workdays, own_holidays), **own_workdays},
        }
        dated = {day.year for day in (*own_holidays, *own_workdays)}
        if years is None and dated:
            years = frozenset(dated)
            self._scope.calendars_without_years[name] = (self._node.place, years)
        if zone is None or weekly is None:
            return None
        try:
            return Calendar(
                id=name,
                timezone=zone.key,
                weekly=weekly,  # type: ignore[arg-type]  # seven by construction
                years=years,
                provisional_years=provisional,
                data=f"holidays {HOLIDAY_DATA}" if source_days.library else "",
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
        """The weekdays of a key such as `mon`, `mon-fri` or `daily`."""
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


_Value = TypeVar("_Value")


def _without(days: Mapping[date, _Value], others: Collection[date]) -> dict[date, _Value]:
    return {day: value for day, value in days.items() if day not in others}
