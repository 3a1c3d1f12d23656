"""Clock accounts: the make-up of a due time, the holders of the ball, and the changes to a clock. Pure."""

# Stays interpreted: it makes words for people, beside the decision.
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec

from answerby.domain.clock import ClockPhase, ClockState, Target, TargetUnit, counted_from
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event, EventType
from answerby.domain.reply_policy import ReplyPolicy
from answerby.domain.request import RequestStatus
from answerby.engine.history.refold import ordered_history
from answerby.engine.history.replies import REOPENED_BY_REPLY, status_after
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.clocks import calendar_of, used_seconds
from answerby.sla.ledger import Day, Holder, Span, Statuses, days, shares, spans

HUNDREDTHS = 10_000
"""Hundredths of a percent in the whole."""


class Share(NamedTuple):
    """How long a holder had the ball. The percents of an account add up to exactly 100."""

    holder: Holder
    seconds: float
    percent: float


class Change(NamedTuple):
    """A change of a clock by a decision."""

    sequence: int
    event_type: str
    event_time: datetime
    what: str
    """started, restarted, reopened, retargeted, paused, resumed, stopped, cancelled, moved or corrected."""
    target: str
    rule: str
    revision: str
    due_before: datetime | None
    due_after: datetime | None


class ClockAccount(NamedTuple):
    """The account of a clock after a decision, up to `until`."""

    clock: ClockState
    calendar: Calendar
    until: datetime
    elapsed: float
    """Wall seconds."""
    counted: float
    """Seconds of working time."""
    spans: list[Span]
    days: list[Day]
    """From when the target counts up to the due time, or to the end."""
    shares: list[Share]
    changes: list[Change]
    problem: str = ""
    """Why there is no account of the time; empty if there is one."""
    missing_years: tuple[int, ...] = ()
    """The years of the account for which the calendar lists no days off: they count as if they had none."""
    towards_target: float = 0.0
    """Seconds of working time since the target counts; less than `counted` after a ladder's raise."""

    @property
    def counts_from(self) -> datetime:
        """When the target counts from: the clock's start, or the raise of a ladder."""
        return self.clock.counts_from or self.clock.started


def clock_accounts(
    rulebook: Rulebook, decisions: Sequence[Decision], statuses: Statuses, until: datetime
) -> list[ClockAccount]:
    """The accounts of the last decision's clocks, up to `until`.

    `decisions` are the request's decisions, oldest first. With the last one alone, the changes are its own only.
    """
    return [clock_account(rulebook, clock, statuses, until, decisions) for clock in decisions[-1].clocks]


def clock_account(
    rulebook: Rulebook,
    clock: ClockState,
    statuses: Statuses,
    until: datetime,
    decisions: Sequence[Decision] = (),
) -> ClockAccount:
    """The account of one clock."""
    changes = list(changes_of(clock.name, decisions))
    end = max(clock.started, min(until, clock.stopped) if clock.stopped is not None else until)
    elapsed = (end - clock.started).total_seconds()
    try:
        listed = calendar_of(rulebook.calendars, clock.target)
        calendar = listed.open_ended()
        timeline = spans(calendar, clock, end, statuses)
        known = {**rulebook.calendars, calendar.id: calendar}
        counted = used_seconds(known, clock, end)
        towards = _towards_target(clock)
        used = used_seconds(known, towards, max(end, towards.started))
        ahead = clock.stopped or max(clock.due or end, towards.started)
        calendar = _local(calendar, rulebook)
        each = days(calendar, towards, ahead)
    except AnswerbyError as error:
        return ClockAccount(clock, Calendar.build("unknown"), end, elapsed, 0.0, [], [], [], changes, error.message)
    shares, missing = shares_of(timeline), listed.unknown_years(clock.started, max(end, ahead))
    return ClockAccount(
        clock,
        calendar,
        end,
        elapsed,
        counted,
        timeline,
        each,
        shares,
        changes,
        missing_years=missing,
        towards_target=used,
    )


def _towards_target(clock: ClockState) -> ClockState:
    """The part of the clock's life that counts towards its target."""
    started, pauses = counted_from(clock.started, clock.counts_from, clock.pauses)
    since = clock.paused_since and max(clock.paused_since, started)
    return msgspec.structs.replace(clock, started=started, pauses=list(pauses), paused_since=since)


def _local(calendar: Calendar, rulebook: Rulebook) -> Calendar:
    """The calendar with the dates that people see: time around the clock has those of the rulebook's zone."""
    return replace(calendar, timezone=rulebook.numbering.timezone) if calendar.id == ALWAYS.id else calendar


def shares_of(timeline: Sequence[Span]) -> list[Share]:
    """The share of each holder, in hundredths of a percent that add up to 100 (largest remainder method)."""
    seconds = shares(timeline)
    total = sum(seconds.values())
    if not total:
        return []
    exact = {holder: time * HUNDREDTHS / total for holder, time in seconds.items()}
    whole = {holder: int(part) for holder, part in exact.items()}
    order = sorted(exact, key=lambda holder: (whole[holder] - exact[holder], holder))
    for holder in order[: HUNDREDTHS - sum(whole.values())]:
        whole[holder] += 1
    return [Share(holder, seconds[holder], whole[holder] / 100) for holder in Holder if holder in seconds]


def statuses_of(events: Sequence[Event], policy: ReplyPolicy) -> Statuses:
    """The request's status from each event on. Late and corrected events count at their own times.

    `events` are in the order decided. `policy`: of messages that open a finished request again.
    """
    if not events:
        return []
    status: RequestStatus = RequestStatus.OPEN
    ended: datetime | None = None
    found = []
    for event in ordered_history(events[:-1], events[-1]).events:
        status, ended = status_after(policy, status, ended, event)
        found.append((event.time, status))
    return found


def changes_of(name: str, decisions: Sequence[Decision]) -> Iterator[Change]:
    before: ClockState | None = None
    for decision in decisions:
        after = next((clock for clock in decision.clocks if clock.name == name), None)
        if after is None:
            continue
        what = _what(before, after, decision)
        if what:
            yield Change(
                sequence=decision.sequence,
                event_type=decision.event_type,
                event_time=decision.event_time,
                what=what,
                target=target_text(after.target),
                rule=after.rule,
                revision=after.revision or decision.revision,
                due_before=before.due if before is not None else None,
                due_after=after.due,
            )
        before = after


def target_text(target: Target) -> str:
    """The target as rule files write it: 4h, 1h30m, 3bd."""
    end = " end of day" if target.end_of_day else ""
    if target.unit is TargetUnit.WORKING_DAYS:
        return f"{target.amount}bd{end}"
    hours, rest = divmod(target.amount, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]
    return ("".join(parts) or "0s") + end


def _what(before: ClockState | None, after: ClockState, decision: Decision) -> str:
    if before is None:
        return "started"
    if before.phase is after.phase and (before.due, before.started, before.target, before.cycle, before.stopped) == (
        after.due,
        after.started,
        after.target,
        after.cycle,
        after.stopped,
    ):
        return ""
    if any(flag.code == "RETROACTIVE" for flag in decision.flags):
        return "corrected"
    if after.cycle != before.cycle:
        return "restarted"
    ended = after.phase in (ClockPhase.STOPPED, ClockPhase.CANCELLED)
    if after.phase is not before.phase:
        if ended:
            return after.phase.value
        if before.phase in (ClockPhase.STOPPED, ClockPhase.CANCELLED):
            reopens = decision.event_type == EventType.REOPENED
            reopens = reopens or any(flag.code == REOPENED_BY_REPLY for flag in decision.flags)
            return "reopened" if reopens else "restarted"
        return "paused" if after.phase is ClockPhase.PAUSED else "resumed"
    return "retargeted" if after.target != before.target else "moved"
