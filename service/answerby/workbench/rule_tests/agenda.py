"""The schedules of a case: which comes next, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from answerby.domain.schedule import Schedule
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.occurrences import Occurrence, next_occurrence


class Item(NamedTuple):
    """A schedule that comes for the `number`th time."""

    occurrence: Occurrence
    schedule: Schedule
    number: int


class Agenda:
    """These schedules, from `start` on."""

    def __init__(self, rulebook: Rulebook, schedules: Iterable[str], start: datetime) -> None:
        self._rulebook = rulebook
        self._items: dict[str, Item] = {}
        for name in schedules:
            self._expect(rulebook.schedules[name], start, 1)

    def next(self, until: datetime) -> Item | None:
        """What comes first, if it comes by then; of those that come together, in the order of their ids."""
        due = [(item.occurrence.time, name) for name, item in self._items.items() if item.occurrence.time <= until]
        return self._items[min(due)[1]] if due else None

    def done(self, item: Item) -> None:
        """It has come; the next time is expected."""
        del self._items[item.schedule.id]
        self._expect(item.schedule, item.occurrence.time, item.number + 1)

    def _expect(self, schedule: Schedule, after: datetime, number: int) -> None:
        occurrence = next_occurrence(schedule, self._rulebook.calendars[schedule.calendar], after)
        if occurrence is not None:
            self._items[schedule.id] = Item(occurrence, schedule, number)
