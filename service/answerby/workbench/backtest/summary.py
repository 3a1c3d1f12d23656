"""The result of a backtest in one sentence, for somebody who has never seen a rule."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from collections.abc import Iterator

import msgspec

from answerby.workbench.backtest.report import FieldReport, Report


def with_summary(report: Report) -> Report:
    """The report, opened by its result in one sentence."""
    return msgspec.structs.replace(report, summary=summary(report))


def summary(report: Report) -> str:
    """One sentence. What could not be used comes first, then what would have been otherwise."""
    lead = _refused(report)
    if report.compared:
        return lead + _compared(report, of_rest=bool(lead))
    late = max((clock.breached.new for clock in report.clocks), default=0)
    late_words = f", and at least {late:,} of them would have been late" if late else ""
    return f"{lead}{'the' if lead else 'The'} new rules decide {_count(report.requests, 'request')}{late_words}."


def _refused(report: Report) -> str:
    if not report.requests_refused:
        return ""
    return f"{_count(report.requests_refused, 'request')} could not be used in full or at all; of the rest, "


def _compared(report: Report, *, of_rest: bool) -> str:
    every = _count(report.compared, "request")
    if not report.differing:
        return f"{'all' if of_rest else 'All'} {every} would have been decided exactly as before."
    share = f"{report.differing:,} ({_share(report.differing, report.compared)})"
    head = f"{share} of {every}" if of_rest else f"Of {every}, {share}"
    parts = list(_parts(report))
    what = f": {'; '.join(parts)}" if parts else ""
    return f"{head} would have been decided otherwise{what}."


def _parts(report: Report) -> Iterator[str]:
    fields = {field.name: field for stage in report.stages for field in stage.fields}
    yield from _priority(fields.get("priority"))
    for stage in report.stages:
        for field in stage.fields:
            if stage.stage == "routing" and field.changed:
                yield f"{field.changed:,} would have gone to another {field.name}"
    if (category := fields.get("category")) is not None and category.changed:
        yield f"{category.changed:,} would have been taken for something else"
    if report.breach_new:
        yield f"{report.breach_new:,} would have been late that were not"
    if report.breach_gone:
        yield f"{report.breach_gone:,} would no longer have been late"
    if report.effects_changed:
        yield f"for {report.effects_changed:,}, people would have been told more, less or other than before"
    if report.errors_new:
        yield f"{report.errors_new:,} would have met an error"


def _priority(field: FieldReport | None) -> Iterator[str]:
    if field is not None and field.raised:
        yield f"{field.raised:,} would have been more urgent"
    if field is not None and field.lowered:
        yield f"{field.lowered:,} would have been less urgent"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
