"""One due time: within a week, 90 working days ahead, a share of a target; over calendars with breaks and clock changes.

`cold` is the first due time of a calendar just made, whose years are laid out for it; `warm` are starts at random over
two years. The bar, where years are laid out: 10 us within a week, 50 us for 90 working days. `yards` as in decide.
"""

import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from answerby.domain.clock import Target, TargetUnit
from answerby.sla.calendar import Calendar
from answerby.sla.intervals import Intervals
from answerby.sla.targets import due_time, share_time
from tests.bench.decide_bench import YARDSTICK
from tests.bench.measure import percentiles, timed

SINCE = datetime(2025, 1, 1, tzinfo=UTC)
SAMPLES, COLD_SAMPLES = 5000, 40
HOUR = 3600
DAY: Intervals = ((9 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
HOLIDAYS = [date(year, month, day) for year in (2025, 2026, 2027) for month in (1, 5, 10) for day in (1, 2, 3)]


def make(zone: str) -> Calendar:
    """Two intervals a day on weekdays, holidays, make-up days and breaks."""
    return Calendar.build(
        zone,
        zone,
        dict.fromkeys(range(5), DAY),
        holidays=HOLIDAYS,
        extra_workdays=[day + timedelta(days=10) for day in HOLIDAYS],
        breaks={day + timedelta(days=40): ((10 * HOUR, 11 * HOUR),) for day in HOLIDAYS},
        years=(2024, 2025, 2026, 2027),
    )


def make_within() -> Calendar:
    return replace(make("Europe/Berlin"), within=(make("America/New_York"),))


CALENDARS: dict[str, Callable[[], Calendar]] = {
    "Shanghai": lambda: make("Asia/Shanghai"),
    "New York": lambda: make("America/New_York"),
    "Lord Howe": lambda: make("Australia/Lord_Howe"),
    "Berlin within NY": make_within,
}


class Question(NamedTuple):
    name: str
    target: Target
    percent: int = 100
    paused: bool = False


QUESTIONS = [
    Question("4 h", Target(4 * HOUR)),
    Question("24 h", Target(24 * HOUR)),
    Question("24 h, paused twice", Target(24 * HOUR), paused=True),
    Question("24 h, 75 %", Target(24 * HOUR), 75),
    Question("5 bd", Target(5, TargetUnit.WORKING_DAYS)),
    Question("90 bd", Target(90, TargetUnit.WORKING_DAYS)),
    Question("90 bd, end of day", Target(90, TargetUnit.WORKING_DAYS, end_of_day=True)),
    Question("90 bd, 75 %", Target(90, TargetUnit.WORKING_DAYS), 75),
    Question("720 h", Target(720 * HOUR)),
]


def main() -> None:
    starts = random_starts()
    print(f"{'calendar':>17} {'target':>19} {'warm p50 us':>11} {'p99 us':>7} {'yards':>6} {'cold ms':>8}")
    for name, build in CALENDARS.items():
        for question in QUESTIONS:
            run(name, build, question, starts)


def run(name: str, build: Callable[[], Calendar], question: Question, starts: list[datetime]) -> None:
    calendar = build()
    for start in starts[:200]:
        answer(calendar, question, start)
    seconds = timed(starts, lambda start: answer(calendar, question, start))
    yard = statistics.median(timed([YARDSTICK] * 500, json.loads))
    p50, p99 = percentiles(seconds)
    cold = statistics.median(first_answer(build(), question, start) for start in starts[:COLD_SAMPLES])
    figures = f"{p50:11.1f} {p99:7.1f} {p50 / 1e6 / yard:6.1f} {cold * 1e3:8.2f}"
    print(f"{name:>17} {question.name:>19} {figures}", flush=True)


def first_answer(calendar: Calendar, question: Question, start: datetime) -> float:
    begin = time.perf_counter()
    answer(calendar, question, start)
    return time.perf_counter() - begin


def answer(calendar: Calendar, question: Question, start: datetime) -> datetime:
    pauses = []
    if question.paused:
        pauses = [(start + timedelta(hours=n), start + timedelta(hours=n + 1)) for n in (1, 30)]
    if question.percent == 100:
        return due_time(question.target, calendar, start, pauses)
    return share_time(question.target, calendar, start, question.percent, pauses)


def random_starts() -> list[datetime]:
    draw = random.Random(1)
    return [SINCE + timedelta(seconds=draw.uniform(0, 2 * 365 * 86_400 - 1)) for _ in range(SAMPLES)]
