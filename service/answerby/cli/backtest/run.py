"""`answerby backtest`: from the options to the report."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from answerby.cli.backtest import pool
from answerby.cli.backtest.export_file import read_export
from answerby.cli.backtest.recording_file import read_recording, read_recording_lines
from answerby.cli.backtest.report_text import console_for_report, print_report
from answerby.cli.backtest.request_set import RequestSet, empty_request_set
from answerby.cli.backtest.rule_set import RuleSet, read_any_rules
from answerby.cli.client import DEFAULT_PATIENCE
from answerby.cli.fail import CommandFailed, describe_rpc, fail
from answerby.cli.period import Period, parse_span, period_of
from answerby.cli.replay.mapping import load_mapping
from answerby.cli.replay.refusals import Refusals
from answerby.cli.zones import zone_asked
from answerby.domain.errors import AnswerbyError
from answerby.engine.matching.factory import ENGINES
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.backtest.fields import Point, compared_fields
from answerby.workbench.backtest.gates import ASKED_FOR, REFUSED, Gate, ask, parse_gate
from answerby.workbench.backtest.groups import Settings
from answerby.workbench.backtest.report import Frame, Report, make_report
from answerby.workbench.backtest.summary import with_summary
from answerby.workbench.backtest.tally import NEW, Tally

if TYPE_CHECKING:
    from answerby.cli.client import Server

RECORDED = "recorded"
"""The `--against` value for the recorded decisions."""
END, TIMERS = "end", "timers"
CHUNKS_PER_PROCESS = 24
LARGE = 4_000_000
"""The file size, in bytes, from which the processes start during reading. A smaller file is read before they start."""
STANDARD_OUTPUT = "-"
TRIPPED, CANNOT = 1, 2
"""Exit statuses."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options as given."""

    rules: str
    against: str = ""
    events: Path | None = None
    mapping: Path | None = None
    since: str = ""
    start: str = ""
    end: str = ""
    horizon: str = END
    at: str = Point.LAST.value
    fail_if: tuple[str, ...] = ()
    json: str = ""
    html: Path | None = None
    examples: int = 3
    show_text: bool = False
    jobs: int = 0
    limit: int = 0
    tenant: str = "default"
    engine: str = "durable"
    zone: str = ""
    """The zone in which times are shown; empty: that of the new rules."""
    target: str = ""
    """host:port of a server; empty: none is asked."""
    token: str = ""
    tls_ca: Path | None = None
    patience: float = DEFAULT_PATIENCE


def run(options: Options) -> None:
    """Ends the command: status 1 if a gate trips, 2 if the backtest fails."""
    try:
        report = backtest(options)
    except AnswerbyError as error:
        fail(error.message, CANNOT)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), CANNOT)
    except Exception as error:
        if (described := describe_rpc(error)) is None:
            raise
        fail(described, CANNOT)
    if report.tripped:
        raise typer.Exit(TRIPPED)


def backtest(options: Options) -> Report:
    """Runs the backtest, then writes and prints the wanted reports. Raises AnswerbyError, OSError."""
    start = time.monotonic()
    zone_asked(options.zone)
    errors = Console(stderr=True, highlight=False)
    new = read_any_rules(options.rules, target_of(options))
    old = old_rules(options)
    fields = compared_fields(new.rulebook, old.rulebook if old is not None else None)
    gates = [parse_gate(text, fields, clocks_of(new.rulebook, old)) for text in options.fail_if]
    check(options)
    processes = options.jobs or os.cpu_count() or 1
    rules = pool.RuleTexts(new.texts, old.texts if old is not None else None, options.engine)
    with pool.Pool(rules, processes) as workers:
        if options.events is not None and options.events.stat().st_size >= LARGE:
            workers.start()
        request_set, rows, refusals = read_requests(options, new, old)
        settings = Settings(
            horizon=horizon_of(options.horizon, request_set),
            point=Point(options.at),
            examples=options.examples,
            show_text=options.show_text,
        )
        with progress_bar(errors, len(request_set.waiting)) as done:
            tally = workers.run(settings, request_set.chunks(processes * CHUNKS_PER_PROCESS), done)
    count_refused(tally, request_set, refusals)
    require_comparison(gates, tally.count("compared"))
    frame = Frame(
        new=new.rulebook,
        old=old.rulebook if old is not None else None,
        new_name=new.name,
        old_name=old.name if old is not None else RECORDED if tally.count("compared") else "",
        source=request_set.name,
        horizon=settings.horizon,
        point=options.at,
        events=request_set.events,
        rows=rows,
        time_zone=options.zone,
    )
    report = with_summary(make_report(frame, tally, fields, (ask(gate, tally) for gate in gates)))
    write(options, report)
    errors.print(f"{len(request_set.waiting)} requests in {time.monotonic() - start:.1f} s", style="dim")
    return report


def check(options: Options) -> None:
    """Raises CommandFailed for options that exclude each other."""
    if options.engine not in ENGINES:
        raise CommandFailed(f"--engine {options.engine} is none of {', '.join(ENGINES)}")
    if options.at not in set(Point):
        raise CommandFailed(f"--at {options.at} is neither {Point.LAST.value} nor {Point.FIRST.value}")
    if options.mapping is not None and options.events is None:
        raise CommandFailed("--mapping tells how to read --events FILE; name the file too")


def old_rules(options: Options) -> RuleSet | None:
    """The old rules. None: the recorded decisions. Raises CommandFailed."""
    against = options.against or RECORDED
    return None if against == RECORDED else read_any_rules(against, target_of(options))


def target_of(options: Options) -> Server | None:
    if not options.target:
        return None
    from answerby.cli.client import Server  # noqa: PLC0415  # needs grpc

    return Server(options.target, options.token, options.tls_ca, options.patience)


def clocks_of(new: Rulebook, old: RuleSet | None) -> list[str]:
    return sorted({*new.clocks, *(old.rulebook.clocks if old is not None else ())})


def count_refused(tally: Tally, request_set: RequestSet, refusals: Refusals) -> None:
    """Counts the requests that could not be used, and all requests of the source."""
    known = {unit.request_id for unit in request_set.waiting}
    tally.counts[REFUSED] = refusals.requests + tally.count("refused", NEW)
    tally.counts[ASKED_FOR] = len(known | refusals.request_ids) + refusals.unknown


def read_requests(options: Options, new: RuleSet, old: RuleSet | None) -> tuple[RequestSet, dict[str, int], Refusals]:
    """The requests, the numbers of rows by result, and the refused rows. Raises CommandFailed without requests."""
    rulebooks = [new.rulebook] + ([old.rulebook] if old is not None else [])
    request_set = empty_request_set([rulebook.vocabulary for rulebook in rulebooks])
    period = period_of(options.since, options.start, options.end, datetime.now(UTC))
    rows: dict[str, int] = {}
    refusals = Refusals()
    if options.events is None:
        read_server(options, rulebooks, old is None, period, request_set)
    elif options.mapping is None:
        read_recording(options.events, options.limit, period, request_set)
    else:
        rows, refusals = read_rows(options, options.events, options.mapping, period, request_set)
    if old is None and not request_set.recorded:
        raise CommandFailed(
            f"{request_set.name} holds no decisions; name what to compare with by --against, "
            "or export it again without --without-decisions"
        )
    if not request_set.compared:
        refused = f"; {refusals.rows} of its rows were refused, for the reasons above" if refusals.rows else ""
        raise CommandFailed(f"{request_set.name} holds no request of the time asked for{refused}")
    return request_set, rows, refusals


def read_server(
    options: Options, rulebooks: list[Rulebook], with_decisions: bool, period: Period, request_set: RequestSet
) -> None:
    """Raises CommandFailed, grpc.RpcError."""
    target = target_of(options)
    if target is None:
        raise CommandFailed("say what to decide again: --events FILE, with --mapping MAP for an export; or --since 30d")
    from answerby.cli.requests.export import Selection, stream  # noqa: PLC0415  # needs grpc

    until = period.end or datetime.now(UTC)
    windows = [field.window.within for r in rulebooks for field in r.vocabulary.fields.values() if field.window]
    selection = Selection(period, max(windows, default=timedelta()), with_decisions, options.tenant)
    read_recording_lines(stream(target, selection, until), options.limit, period, request_set, options.target)


def read_rows(
    options: Options, file: Path, mapping: Path, period: Period, request_set: RequestSet
) -> tuple[dict[str, int], Refusals]:
    source, refusals = read_export(file, load_mapping(mapping), options.tenant, options.limit, period, request_set)
    for line, reason in refusals.first:
        print(f"{file.name}:{line} refused: {reason}", file=sys.stderr)
    counts = source.counts
    rows = {
        "read": counts.read,
        "skipped": counts.skipped,
        "damaged": counts.damaged,
        "without_event": counts.without_event,
        "refused": refusals.rows,
    }
    return rows, refusals


def horizon_of(text: str, request_set: RequestSet) -> datetime | None:
    """`end` is the latest moment of the events, a duration is that much later, `timers` is none.

    Raises CommandFailed.
    """
    assert request_set.ended is not None
    if text == END:
        return request_set.ended
    if text == TIMERS:
        return None
    try:
        return request_set.ended + parse_span(text, "--horizon")
    except OverflowError:
        raise CommandFailed(f"--horizon {text} lies beyond the year 9999") from None


def require_comparison(gates: list[Gate], compared: int) -> None:
    """A gate on no requests would pass for the wrong reason. Raises CommandFailed."""
    if not compared and not all(gate.needs_no_comparison for gate in gates):
        raise CommandFailed(
            "--fail-if needs something to compare with: name --against DIR, or say in the mapping what the export "
            "itself says (expect)"
        )


def write(options: Options, report: Report) -> None:
    """Raises OSError."""
    if options.json:
        content = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
        if options.json == STANDARD_OUTPUT:
            sys.stdout.buffer.write(content)
        else:
            Path(options.json).write_bytes(content)
    if options.html is not None:
        from answerby.cli.backtest.page.report_page import render_page  # noqa: PLC0415  # only when asked for

        options.html.write_text(render_page(report), encoding="utf-8")
    if options.json != STANDARD_OUTPUT:
        print_report(report, console_for_report())


@contextmanager
def progress_bar(console: Console, total: int) -> Iterator[pool.ReportProgress]:
    """Progress, shown on a terminal only."""
    columns = (TextColumn("requests"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("requests", total=total)
        yield lambda requests: progress.advance(task, requests)
