"""Calendars drawn at random, and two readings of them that share no code with Calendar: by minute, by rule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from answerby.sla.calendar import Calendar

CHANGES = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "America/Sao_Paulo": [date(2018, 11, 4), date(2019, 2, 17)],
    "Asia/Tehran": [date(2022, 3, 22), date(2022, 9, 22)],
    "Asia/Shanghai": [date(2026, 2, 15), date(2025, 12, 31)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Pacific/Apia": [date(2011, 12, 30), date(2012, 4, 1), date(2012, 9, 30)],
}
"""Days around which the calendars lie: clock changes (of half an hour too, and at midnight), a day that never was, holidays,
a New Year."""
DAY = 1440
Hours = list[tuple[int, int]]
"""Minutes since midnight, [start, end)."""

# Local times that a clock change skips or repeats are no edges, so that opening and closing exist exactly once: what
# the others mean is a definition, tested on its own. Zones that change at midnight skip and repeat times beside it.
EDGES = (0, *range(5 * 60, 23 * 60 + 1, 15), DAY)


@dataclass
class Plan:
    """What a random calendar is made of, and a day-by-day reading of it."""

    zone: str
    weekly: dict[int, Hours]
    holidays: list[date] = field(default_factory=list)
    annual: list[str] = field(default_factory=list)
    extra: dict[date, int] = field(default_factory=dict)
    """Make-up working days: the weekday whose hours they have."""
    overrides: dict[date, Hours] = field(default_factory=dict)
    breaks: dict[date, Hours] = field(default_factory=dict)
    within: list[Plan] = field(default_factory=list)

    def calendar(self, name: str = "random") -> Calendar:
        own = Calendar.build(
            name,
            self.zone,
            {day: in_seconds(hours) for day, hours in self.weekly.items()},
            holidays=self.holidays,
            annual_holidays=self.annual,
            extra_workdays=self.extra,
            overrides={day: in_seconds(hours) for day, hours in self.overrides.items()},
            breaks={day: in_seconds(hours) for day, hours in self.breaks.items()},
        )
        others = [other.calendar(f"{name}-{number}") for number, other in enumerate(self.within)]
        return replace(own, within=tuple(others))

    def minutes_of(self, day: date) -> bytes:
        """The minutes of a local date, 1 where it is worked."""
        minutes = bytearray(DAY)
        for start, end in self._hours_of(day):
            minutes[start:end] = b"\1" * (end - start)
        for start, end in self.breaks.get(day, []):
            minutes[start:end] = bytes(end - start)
        return bytes(minutes)

    def _hours_of(self, day: date) -> Hours:
        if day in self.overrides:
            return self.overrides[day]
        if day in self.extra:
            return self.weekly[self.extra[day]]
        if day in self.holidays or day.strftime("%m-%d") in self.annual:
            return []
        return self.weekly.get(day.weekday(), [])


def in_seconds(hours: Hours) -> Hours:
    return [(start * 60, end * 60) for start, end in hours]


def draw_plan(draw: Random) -> tuple[Plan, date]:
    """A calendar and the day that it lies around."""
    zone = draw.choice(sorted(CHANGES))
    anchor = draw.choice(CHANGES[zone])
    plan = _plan(draw, zone, anchor)
    if draw.random() < 0.3:
        # Another zone, but the same season.
        plan.within = [_plan(draw, draw.choice(sorted(CHANGES)), anchor) for _ in range(draw.choice((1, 1, 2)))]
    return plan, anchor


def _plan(draw: Random, zone: str, anchor: date) -> Plan:
    weekly = {day: draw_hours(draw) for day in range(7) if draw.random() < 0.75}
    weekly[draw.randrange(7)] = draw_hours(draw, least=1)
    working = [day for day, hours in weekly.items() if hours]

    def near(most: int) -> list[date]:
        return [anchor + timedelta(days=draw.randint(-6, 12)) for _ in range(draw.randint(0, most))]

    return Plan(
        zone,
        weekly,
        holidays=near(4),
        annual=[day.strftime("%m-%d") for day in near(2)],
        extra={day: draw.choice(working) for day in near(3)},
        overrides={day: draw_hours(draw) for day in near(2)},
        breaks={day: draw_hours(draw, least=1) for day in near(3)},
    )


def draw_hours(draw: Random, least: int = 0) -> Hours:
    """Up to three intervals; now and then the whole day."""
    if draw.random() < 0.1:
        return [(0, DAY)]
    edges = sorted(draw.sample(EDGES, 2 * draw.randint(least, 3)))
    return list(zip(edges[::2], edges[1::2], strict=True))
