"""Accounts of clocks, and comparisons of clocks, as messages."""

from __future__ import annotations

from datetime import datetime, tzinfo

from google.protobuf.duration_pb2 import Duration

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.engine.explanation.clock_account import Change, ClockAccount, target_text
from answerby.engine.explanation.clock_text import ClockWriter
from answerby.server.rpc.decision_messages import clock_to
from answerby.server.rpc.values import set_instant
from answerby.sla.ledger import Holder, Reason
from answerby.workbench.what_if import Comparison

HOLDERS = {
    Holder.TEAM: pb.HOLDER_TEAM,
    Holder.CUSTOMER: pb.HOLDER_CUSTOMER,
    Holder.SUPPLIER: pb.HOLDER_SUPPLIER,
    Holder.CLOSED: pb.HOLDER_CLOSED,
    Holder.PAUSED: pb.HOLDER_PAUSED,
}
REASONS = {
    Reason.WORKING: pb.SPAN_REASON_WORKING,
    Reason.MAKE_UP_DAY: pb.SPAN_REASON_MAKE_UP_DAY,
    Reason.OUTSIDE_HOURS: pb.SPAN_REASON_OUTSIDE_HOURS,
    Reason.FREE_DAY: pb.SPAN_REASON_FREE_DAY,
    Reason.HOLIDAY: pb.SPAN_REASON_HOLIDAY,
    Reason.OVERRIDE: pb.SPAN_REASON_OVERRIDE,
    Reason.PAUSED: pb.SPAN_REASON_PAUSED,
}


def ledger_to(account: ClockAccount, language: str, now: datetime, zone: tzinfo) -> pb.ClockLedger:
    """The message of an account, with words in `zone`. `now` decides whether a running clock is past its due time."""
    message = pb.ClockLedger(
        clock=clock_to(account.clock, now),
        target=target_text(account.clock.target),
        manual=account.clock.manual,
        problem=account.problem,
        missing_years=account.missing_years,
        text=ClockWriter(language, zone).describe(account),
    )
    set_instant(message.until_time, account.until)
    _put(message.elapsed, account.elapsed)
    _put(message.counted, account.counted)
    for span in account.spans:
        part = message.spans.add(holder=HOLDERS[span.holder], reason=REASONS[span.reason], note=span.note)
        set_instant(part.start_time, span.start)
        set_instant(part.end_time, span.end)
    for day in account.days:
        each = message.days.add(date=day.date.isoformat(), reason=REASONS[day.reason], note=day.note)
        _put(each.counted, day.counted)
    for share in account.shares:
        _put(message.shares.add(holder=HOLDERS[share.holder], percent=share.percent).time, share.seconds)
    message.changes.extend(_change(change) for change in account.changes)
    return message


def comparison_to(found: Comparison, language: str, now: datetime, zone: tzinfo) -> pb.ClockComparison:
    message = pb.ClockComparison(name=found.name, breached_at_once=found.breached_at_once)
    if found.before is not None:
        message.before.CopyFrom(clock_to(found.before, now))
    if found.after is not None:
        message.after.CopyFrom(clock_to(found.after.clock, now))
        message.ledger.CopyFrom(ledger_to(found.after, language, now, zone))
    return message


def _change(change: Change) -> pb.ClockChange:
    message = pb.ClockChange(
        sequence=change.sequence,
        event_type=change.event_type,
        what=change.what,
        target=change.target,
        rule=change.rule,
        revision=change.revision,
    )
    set_instant(message.event_time, change.event_time)
    if change.due_before is not None:
        set_instant(message.due_before, change.due_before)
    if change.due_after is not None:
        set_instant(message.due_after, change.due_after)
    return message


def _put(target: Duration, seconds: float) -> None:
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    target.seconds, target.nanos = whole, micros * 1000
