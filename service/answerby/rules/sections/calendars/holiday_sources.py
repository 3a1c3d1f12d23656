"""`holidays_from:` of a calendar: the public holidays of a country, or an iCalendar file of the rule folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from typing import NamedTuple

import holidays

from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.ics_files import IcsFiles
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

HOLIDAY_DATA = version("holidays")
"""Version of the library with the public holidays of countries."""
SOURCE_KEYS = ("country", "subdivision", "categories", "language", "observed", "ics", "without")


class CalendarYears(NamedTuple):
    """The years of a calendar: those whose holidays are published, and those published only in part."""

    published: frozenset[int]
    provisional: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """The years of both kinds."""
        return self.published | self.provisional


@dataclass(slots=True)
class SourceDays:
    """Days from all sources of one calendar. `library` tells that some days come from the library."""

    holidays: dict[date, str] = field(default_factory=dict)
    extra_workdays: dict[date, int] = field(default_factory=dict)
    library: bool = False


def read_sources(scope: NameScope, keys: MappingKeys, files: IcsFiles, years: CalendarYears) -> SourceDays:
    """The days of all sources for the years of the calendar. A calendar with sources but without years is reported."""
    source_days = SourceDays()
    node = keys.get("holidays_from")
    if node is None:
        return source_days
    if not years.all:
        message = "`holidays_from` needs `years`: which years are to be taken"
        scope.report.add(Code.MISSING_KEY, keys.node, message, "add `years: [2026, 2027]`")
        return source_days
    items = (node,) if isinstance(node, MappingNode) else scope.reader.sequence(node, "holidays_from")
    for item in items:
        mapping = scope.reader.mapping(item, "source of holidays")
        if mapping is not None:
            _take(scope, mapping, files, years, source_days)
    return source_days


def _take(scope: NameScope, node: MappingNode, files: IcsFiles, years: CalendarYears, source_days: SourceDays) -> None:
    keys = MappingKeys(scope.reader, node, "source of holidays", SOURCE_KEYS)
    country, ics = keys.get("country"), keys.get("ics")
    if (country is None) == (ics is None):
        message = "a source of holidays is one of `country` and `ics`"
        scope.report.add(Code.MISSING_KEY, node, message, "write {country: US, subdivision: MA} or {ics: feed.ics}")
        return
    if ics is not None:
        found = files.days(ics, years.all)
    else:
        assert country is not None
        found = _of_country(scope, keys, country, years, source_days)
    without = keys.get("without")
    names = set() if without is None else set(scope.reader.texts(without, "without"))
    unknown = names - {str(name) for name in found.values()} if found else set()
    for name in sorted(unknown):
        hint = scope.report.suggest(name, set(found.values()))
        scope.report.add(Code.UNKNOWN_VALUE, without or node, f'no holiday of the source is called "{name}"', hint)
    source_days.holidays.update((day, name) for day, name in found.items() if name not in names)


def _of_country(
    scope: NameScope, keys: MappingKeys, node: Node, years: CalendarYears, source_days: SourceDays
) -> dict[date, str]:
    supported = holidays.list_supported_countries()
    country = scope.reader.choice(node, "country", sorted(supported), Code.UNKNOWN_VALUE)
    if country is None:
        return {}
    subdivision_node = keys.get("subdivision")
    subdivision = None
    if subdivision_node is not None:
        subdivision = scope.reader.choice(subdivision_node, "subdivision", supported[country], Code.UNKNOWN_VALUE)
        if subdivision is None:
            return {}
    plain = holidays.country_holidays(country)
    categories = _several(scope, keys, "categories", tuple(plain.supported_categories))
    language = _several(scope, keys, "language", tuple(plain.supported_languages))
    observed = keys.get("observed")
    known = holidays.country_holidays(
        country,
        subdiv=subdivision,
        years=sorted(years.all),
        categories=categories or None,
        language=language[0] if language else None,
        observed=observed is None or keys.boolean("observed"),
    )
    source_days.library = True
    workdays = {day for day in getattr(known, "weekend_workdays", ()) if day.year in years.all}
    source_days.extra_workdays.update(dict.fromkeys(sorted(workdays), 0))
    _warn_of_unpublished(scope, node, country, years.published, workdays)
    return {day: name for day, name in sorted(known.items()) if day.year in years.all and day not in workdays}


def _several(scope: NameScope, keys: MappingKeys, name: str, known: tuple[str, ...]) -> list[str]:
    node = keys.get(name)
    items = () if node is None else scope.reader.one_or_more(node, name)
    found = (scope.reader.choice(item, name, known, Code.UNKNOWN_VALUE) for item in items)
    return [text for text in found if text is not None]


def _warn_of_unpublished(scope: NameScope, node: Node, country: str, years: Iterable[int], workdays: set[date]) -> None:
    """Warns of years without make-up working days, for a country that usually has them (China).

    The holidays of such a year are not published yet.
    """
    missing = sorted(set(years) - {day.year for day in workdays})
    usual = range(2015, 2026)
    if not missing or not getattr(holidays.country_holidays(country, years=usual), "weekend_workdays", None):
        return
    for year in missing:
        message = f"the holiday data {HOLIDAY_DATA} has no make-up working days of {year}: they are not published yet"
        hint = f"list {year} under `provisional`, or write its days yourself"
        scope.report.add(Code.HOLIDAYS_UNPUBLISHED, node, message, hint)
