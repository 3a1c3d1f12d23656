"""The schedules of a case, in the order in which they fall due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from answerby.domain.schedule import Schedule
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.occurrences import Occurrence, next_occurrence


class QueuedSchedule(NamedTuple):
    """The next occurrence of a schedule. `number` counts its occurrences in the case, from 1."""

    occurrence: Occurrence
    schedule: Schedule
    number: int


class ScheduleQueue:
    """The next occurrence of each schedule of a case, from `start` on."""

    def __init__(self, rulebook: Rulebook, schedules: Iterable[str], start: datetime) -> None:
        self._rulebook = rulebook
        self._queued: dict[str, QueuedSchedule] = {}
        for name in schedules:
            self._queue(rulebook.schedules[name], start, 1)

    def next(self, until: datetime) -> QueuedSchedule | None:
        """The earliest occurrence up to `until`, inclusive. Schedules due at the same moment come by id."""
        due = [
            (queued.occurrence.time, name) for name, queued in self._queued.items() if queued.occurrence.time <= until
        ]
        return self._queued[min(due)[1]] if due else None

    def complete(self, queued: QueuedSchedule) -> None:
        """Replaces an occurrence with the following one."""
        del self._queued[queued.schedule.id]
        self._queue(queued.schedule, queued.occurrence.time, queued.number + 1)

    def _queue(self, schedule: Schedule, after: datetime, number: int) -> None:
        occurrence = next_occurrence(schedule, self._rulebook.calendars[schedule.calendar], after)
        if occurrence is not None:
            self._queued[schedule.id] = QueuedSchedule(occurrence, schedule, number)
