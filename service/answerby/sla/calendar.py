"""Working calendars: working time in local hours, as an operator wrote it down. Immutable, but for caches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Self, TypeVar
from zoneinfo import ZoneInfo

from answerby.domain.errors import CalendarYearMissing
from answerby.sla.intervals import DAY_SECONDS, Interval, Intervals, check_intervals, cut, tidy
from answerby.sla.year_table import Position, YearTable, build_year_table, local_year, to_micros
from answerby.sla.zones import load_zone

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Weekly = tuple[Intervals, Intervals, Intervals, Intervals, Intervals, Intervals, Intervals]

_Key = TypeVar("_Key")
_MAX_CACHED_YEARS = 64
"""Events may carry any year; the cache must not grow with them."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time in one time zone.

    The hours of a date come from the first of these that has the date: `overrides` (replace the day's hours, empty
    closes it), `extra_workdays` (make-up days: the hours of the given weekday), `holidays`, `annual_holidays`,
    `weekly`. `breaks` of the date are cut out of the hours. Local times that daylight saving skips count as later by
    the length of the gap, ambiguous times as the first occurrence. Hours that lie in the gap are left out.

    Equality is by value; hashing is by id, zone and weekly hours. Raises ValueError on construction when a part makes
    no sense; the message names the calendar, the part and the remedy. `build` takes looser types.
    """

    id: str
    timezone: str = "UTC"
    """IANA name."""
    weekly: Weekly = ((), (), (), (), (), (), ())
    """Seven days, Monday first; each sorted and without overlap."""
    breaks: Mapping[date, Intervals] = field(default_factory=dict, hash=False)
    overrides: Mapping[date, Intervals] = field(default_factory=dict, hash=False)
    holidays: Mapping[date, str] = field(default_factory=dict, hash=False)
    """Date to the holiday's name, which may be empty."""
    annual_holidays: Mapping[str, str] = field(default_factory=dict, hash=False)
    """`MM-DD` to the holiday's name."""
    extra_workdays: Mapping[date, int] = field(default_factory=dict, hash=False)
    """Date to the weekday (0 is Monday) whose hours it has."""
    years: frozenset[int] | None = None
    """Years whose holidays are known; None: the calendar needs no yearly data."""
    provisional_years: frozenset[int] = frozenset()
    """Years published only in part; computing with them is allowed and reported."""
    within: tuple[Calendar, ...] = field(default=(), hash=False)
    """Other calendars: only time that is working time of all of them counts."""
    data: str = ""
    """Version of the holiday data that the calendar takes days from; empty: none."""
    provisional_from: datetime | None = field(init=False, repr=False, compare=False)
    """No provisional year begins before this instant in the calendar's zone. None without such years."""
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    continuous: bool = field(init=False, repr=False, compare=False)
    """Never closes: working time is wall time."""
    known: tuple[datetime, datetime] | None = field(init=False, repr=False, compare=False)
    """Between these instants every year is known, in any zone; None: the known years have gaps."""
    # Caches. They change no answer; threads may fill them twice.
    _tables: dict[int, YearTable] = field(init=False, repr=False, compare=False, default_factory=dict)
    _open_ended: list[Calendar] = field(init=False, repr=False, compare=False, default_factory=list)
    _latest: list[tuple[datetime, Position]] = field(init=False, repr=False, compare=False, default_factory=list)
    """The latest answer of `position`: most clocks of a request start at the same instant."""

    def __post_init__(self) -> None:
        for name in ("breaks", "overrides", "holidays", "annual_holidays", "extra_workdays"):
            self._set(name, MappingProxyType(dict(getattr(self, name))))
        self._set("zone", self._load_zone())
        self._check()
        self._set("continuous", self._never_closes())
        self._set("provisional_from", self._before_provisional_years())
        self._set("known", self._between_known_years())

    def __reduce__(self) -> tuple[Callable[..., Calendar], tuple[object, ...]]:
        """Pickles with the caches, by `_restored`: a compiled frozen class cannot set its fields one by one."""
        return _restored, tuple(getattr(self, known.name) for known in fields(self))

    @classmethod
    def build(
        cls,
        id: str,  # noqa: A002 - the field's name
        timezone: str = "UTC",
        weekly: Mapping[int, Iterable[Interval]] = MappingProxyType({}),
        *,
        breaks: Mapping[date, Iterable[Interval]] = MappingProxyType({}),
        overrides: Mapping[date, Iterable[Interval]] = MappingProxyType({}),
        holidays: Mapping[date, str] | Iterable[date] = (),
        annual_holidays: Mapping[str, str] | Iterable[str] = (),
        extra_workdays: Mapping[date, int] | Iterable[date] = (),
        years: Iterable[int] | None = None,
        provisional_years: Iterable[int] = (),
    ) -> Self:
        """Make a calendar from parsed values.

        `weekly` maps weekday numbers (0 Monday to 6 Sunday) to [start, end) intervals in seconds since local midnight
        (end up to 86400); days left out are closed. Intervals may come in any order; those that touch are joined.
        `holidays` and `annual_holidays` (`MM-DD`) may be plain lists, `extra_workdays` a list (Monday's hours) or a
        mapping to the weekday whose hours count. `years` None means that no yearly data is needed.
        Raises ValueError naming the calendar, the part and the remedy.
        """
        unknown = [day for day in weekly if day not in range(7)]
        if unknown:
            raise ValueError(f"calendar {id}: weekday {unknown[0]!r} does not exist; use 0 (Monday) to 6 (Sunday)")
        days = tuple(tidy(weekly.get(day, ()), f"calendar {id}: {WEEKDAYS[day]}") for day in range(7))
        return cls(
            id=id,
            timezone=timezone,
            weekly=days,  # type: ignore[arg-type]  # seven by construction
            breaks={d: tidy(given, f"calendar {id}: breaks of {d}") for d, given in breaks.items()},
            overrides={d: tidy(given, f"calendar {id}: overrides of {d}") for d, given in overrides.items()},
            holidays=_named(holidays),
            annual_holidays=_named(annual_holidays),
            extra_workdays=extra_workdays if isinstance(extra_workdays, Mapping) else dict.fromkeys(extra_workdays, 0),
            years=None if years is None else frozenset(years),
            provisional_years=frozenset(provisional_years),
        )

    def intervals_on(self, day: date) -> Intervals:
        """The local working intervals of one date, breaks cut out, also in years without data."""
        hours = self._hours_on(day)
        for break_start, break_end in self.breaks.get(day, ()):
            hours = tuple(piece for interval in hours for piece in cut(interval, break_start, break_end))
        return hours

    def holiday_on(self, day: date) -> str | None:
        """The name (perhaps empty) of the holiday that closes this date; None where none does."""
        if day in self.overrides or day in self.extra_workdays:
            return None
        name = self.holidays.get(day)
        return name if name is not None else self.annual_holidays.get(f"{day:%m-%d}")

    def is_working(self, instant: datetime) -> bool:
        """Whether an aware instant is working time. Raises CalendarYearMissing where its year has no data."""
        if self.continuous:
            return True
        at = to_micros(instant)
        return self.year_table(local_year(self.zone, at)).is_open(at)

    def year_table(self, year: int) -> YearTable:
        """The working time of a local year in UTC, computed once. Raises CalendarYearMissing."""
        table = self._tables.get(year)
        if table is None:
            self._require_year(year)
            if len(self._tables) >= _MAX_CACHED_YEARS:
                self._tables.clear()
            table = build_year_table(self, year)
            for other in self.within:
                table = table.within(
                    other.open_between(table.starts[0], table.ends[-1]) if table.starts else [], self.zone
                )
            self._tables[year] = table
        return table

    def open_between(self, start: int, end: int) -> list[tuple[int, int]]:
        """The intervals that overlap [start, end), in microseconds of UTC. Raises CalendarYearMissing."""
        first, last = local_year(self.zone, start), local_year(self.zone, end)
        tables = (self.year_table(year) for year in range(first, last + 1))
        return [pair for table in tables for pair in zip(table.starts, table.ends, strict=True) if pair[0] < end]

    def position(self, instant: datetime) -> Position:
        """Where an instant lies in its local year. Raises CalendarYearMissing, TimeOutOfRange."""
        for known, position in self._latest:
            if known == instant:
                return position
        at = to_micros(instant)
        year = local_year(self.zone, at)
        table = self.year_table(year)
        position = Position(year, table, table.worked_until(at))
        self._latest[:] = [(instant, position)]
        return position

    def open_ended(self) -> Calendar:
        """The calendar with no holidays in years without data: due times err on the early side."""
        if self.years is None and not self.within:
            return self
        if not self._open_ended:
            within = tuple(calendar.open_ended() for calendar in self.within)
            self._open_ended.append(replace(self, years=None, within=within))
        return self._open_ended[0]

    def knows_year(self, year: int) -> bool:
        """Whether deadlines in this year can be computed, provisionally or not."""
        known = self.years is None or year in self.years or year in self.provisional_years
        return known and all(calendar.knows_year(year) for calendar in self.within)

    def unknown_years(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The local years from `start` to `end` whose holidays are not known."""
        first, last = start.astimezone(self.zone).year, end.astimezone(self.zone).year
        return tuple(year for year in range(first, last + 1) if not self.knows_year(year))

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether every year of [start, end] has data. False near the ends of the known years, even if all have."""
        return self.known is not None and self.known[0] <= start and end <= self.known[1]

    def _require_year(self, year: int) -> None:
        if not self.knows_year(year):
            raise CalendarYearMissing(
                f"calendar {self.id} has no holidays for {year}; add the year to the calendar's file",
                calendar=self.id,
                year=str(year),
            )

    def _hours_on(self, day: date) -> Intervals:
        if day in self.overrides:
            return self.overrides[day]
        if day in self.extra_workdays:
            return self.weekly[self.extra_workdays[day]]
        return () if self.holiday_on(day) is not None else self.weekly[day.weekday()]

    def _never_closes(self) -> bool:
        whole_week = all(day == ((0, DAY_SECONDS),) for day in self.weekly)
        exceptions = (self.breaks, self.overrides, self.holidays, self.annual_holidays)
        return whole_week and self.years is None and not any(exceptions) and not self.within

    def _before_provisional_years(self) -> datetime | None:
        if not self.provisional_years:
            return None
        year = min(max(min(self.provisional_years), MINYEAR + 1), MAXYEAR)
        # No zone is further from UTC than two days.
        return datetime(year, 1, 1, tzinfo=UTC) - timedelta(days=2)

    def _between_known_years(self) -> tuple[datetime, datetime] | None:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        if self.years is not None:
            known = sorted(year for year in self.years | self.provisional_years if MINYEAR <= year <= MAXYEAR)
            if not known or known[-1] - known[0] >= len(known):
                return None
            # No zone is further from UTC than two days.
            first, last = datetime(known[0], 1, 3, tzinfo=UTC), datetime(known[-1], 12, 29, tzinfo=UTC)
        for other in self.within:
            if other.known is None:
                return None
            first, last = max(first, other.known[0]), min(last, other.known[1])
        return first, last

    def _load_zone(self) -> ZoneInfo:
        try:
            return load_zone(self.timezone)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(
                f"calendar {self.id}: time zone {self.timezone!r} is unknown; use an IANA name such as Asia/Shanghai"
            ) from error

    def _check(self) -> None:
        if len(self.weekly) != len(WEEKDAYS):
            raise ValueError(f"calendar {self.id}: weekly needs seven days, Monday first, not {len(self.weekly)}")
        for name, hours in zip(WEEKDAYS, self.weekly, strict=True):
            check_intervals(hours, f"calendar {self.id}: {name}")
        for part, dated in (("overrides", self.overrides), ("breaks", self.breaks)):
            for day, hours in dated.items():
                check_intervals(hours, f"calendar {self.id}: {part} of {day}")
        if not any(self.weekly) and not any(self.overrides.values()):
            raise ValueError(f"calendar {self.id}: it has no working time at all; give it weekly hours")
        for text in self.annual_holidays:
            _check_annual(text, f"calendar {self.id}: annual holiday {text!r}")
        self._check_extra_workdays()

    def _check_extra_workdays(self) -> None:
        for day, weekday in self.extra_workdays.items():
            place = f"calendar {self.id}: extra working day {day}"
            if weekday not in range(7):
                raise ValueError(f"{place}: weekday {weekday!r} does not exist; use 0 (Monday) to 6 (Sunday)")
            if not self.weekly[weekday]:
                raise ValueError(
                    f"{place} takes the hours of {WEEKDAYS[weekday]}, which has none; name another weekday"
                )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _restored(*values: object) -> Calendar:
    calendar = Calendar.__new__(Calendar)
    for known, value in zip(fields(Calendar), values, strict=True):
        object.__setattr__(calendar, known.name, value)
    return calendar


def _named(days: Mapping[_Key, str] | Iterable[_Key]) -> Mapping[_Key, str]:
    return days if isinstance(days, Mapping) else dict.fromkeys(days, "")


def _check_annual(text: str, place: str) -> None:
    try:
        date.fromisoformat(f"2000-{text}")
    except ValueError as error:
        raise ValueError(f"{place} is no date; write MM-DD, such as 05-01") from error


ALWAYS = Calendar(id="always", weekly=(((0, DAY_SECONDS),),) * 7)
"""Every second counts, in UTC."""
