"""The iCalendar files of a rule folder. Calendars read holidays from these files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import PurePosixPath

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, Place
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.rule_paths import is_ics

MAX_DAYS = 2_000
"""Most holidays of one file. A feed with more days is no list of holidays."""

_WITHIN_A_DAY = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_TIMES_OF_DAY = frozenset({"BYSECOND", "BYMINUTE", "BYHOUR"})


class IcsFiles:
    """The iCalendar files of one load. Several calendars may share a file."""

    def __init__(self, texts: Iterable[RuleText], report: DiagnosticReport) -> None:
        self._texts = {text.path: text.text for text in texts if is_ics(text.path)}
        self._report = report
        self._reader = NodeReader(report)
        self._used: set[str] = set()

    def days(self, node: Node, years: frozenset[int]) -> dict[date, str]:
        """The all-day events of the file that `ics` names, in these years: date to title.

        Empty, with a diagnostic, when the file is missing or cannot be read.
        """
        name = self._reader.nonempty_text(node, "ics")
        if name is None:
            return {}
        path = posixpath.normpath(posixpath.join(PurePosixPath(node.place.file).parent.as_posix(), name))
        text = self._texts.get(path)
        if text is None:
            if not self._report.may_have_lost("ics"):
                hint = self._report.suggest(path, self._texts) or "save it beside this file, its name ending in .ics"
                self._report.add(Code.ICS_FILE, node, f"there is no iCalendar file {path[:80]}", hint)
            return {}
        self._used.add(path)
        try:
            return read_days(text, years)
        except Exception as error:  # noqa: BLE001 - the parser raises exceptions of many types; each means a bad file
            message = f"{path} cannot be read: {_reason(error)}"
            self._report.add(Code.ICS_FILE, node, message, "export it again as iCalendar (.ics)")
            return {}

    def report_unused(self) -> None:
        """Reports each file that no calendar names. Edits of such a file change nothing."""
        for path in sorted(self._texts.keys() - self._used):
            if not self._report.may_have_lost("calendar"):
                hint = f"write `holidays_from: [{{ics: {PurePosixPath(path).name}}}]` in a calendar, or move it away"
                message = "no calendar takes its holidays from this file"
                self._report.add(Code.ICS_UNUSED, Place(path, 1, 1), message, hint)


def read_days(text: str, years: frozenset[int]) -> dict[date, str]:
    """The days of all-day events in these years: date to title. Repeated events are included.

    Events with a time of day are no holidays and are left out. Raises ValueError for text that is no calendar, for more
    than 2,000 days, and for an event that repeats within a day.
    """
    # Both libraries take a tenth of a second to load, and few rule folders need them.
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # type: ignore[import-untyped]  # noqa: PLC0415

    calendar = icalendar.Calendar.from_ical(text)
    _refuse_repeats_within_a_day(calendar.walk("VEVENT"))
    events = recurring_ical_events.of(calendar)
    found: dict[date, str] = {}
    for year in sorted(years):
        for event in events.between(date(year, 1, 1), date(year + 1, 1, 1)):
            found.update(_whole_days(event, year))
            if len(found) > MAX_DAYS:
                raise ValueError(f"it holds more than {MAX_DAYS} days")
    return dict(sorted(found.items()))


def _refuse_repeats_within_a_day(events: Iterable[object]) -> None:
    """Raises ValueError for an event that repeats within a day.

    No list of holidays has such an event. The expansion of one that repeats every second would take hours.
    """
    for event in events:
        rules = event.get("RRULE", [])  # type: ignore[attr-defined]
        for rule in rules if isinstance(rules, list) else [rules]:
            often = _WITHIN_A_DAY.intersection(map(str.upper, rule.get("FREQ", [])))
            if often or _TIMES_OF_DAY.intersection(map(str.upper, rule)):
                title = str(event.get("SUMMARY", ""))[:80]  # type: ignore[attr-defined]
                raise ValueError(f'the event "{title}" repeats within a day')


def _reason(error: Exception) -> str:
    return f"an event has no {error.args[0]}" if isinstance(error, KeyError) else str(error)[:200]


def _whole_days(event: object, year: int) -> dict[date, str]:
    start, end = getattr(event, "start"), getattr(event, "end")  # noqa: B009 - the library has no types
    if hasattr(start, "hour"):
        return {}
    title = str(event.get("SUMMARY", "")).strip()  # type: ignore[attr-defined]
    length = max((end - start).days, 1)
    days = (start + timedelta(days=number) for number in range(min(length, 366)))
    return {day: title for day in days if day.year == year}
