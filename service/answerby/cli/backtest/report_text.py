"""The report of a backtest as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from answerby.domain.message_words import local_time
from answerby.sla.zones import load_zone
from answerby.workbench.backtest.fields import NOTHING
from answerby.workbench.backtest.report import FieldReport, Pair, Report, StageReport

MOST_COLUMNS = 12
"""The largest matrix shown as a table. A larger one is shown cell by cell."""
MOST_ROWS = 20
WIDTH = 160
"""The width in columns without a terminal."""


def console_for_report() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=WIDTH, highlight=False)


def print_report(report: Report, console: Console) -> None:
    """The whole report without the stage explanations of the examples. JSON and the page have those."""
    _print_head(report, console)
    if report.compared:
        _print_summary(report, console)
        for stage in report.stages:
            _print_stage(stage, console)
        _print_clocks(report, console)
        _print_effects(report, console)
        _print_examples(report, console)
    else:
        for stage in report.stages:
            for field in stage.fields:
                console.print(values_table(field))
        _print_clocks(report, console)
    for gate in report.gates:
        verdict = "[bold red]trips[/]" if gate.tripped else "holds"
        console.print(f"gate {gate.gate}: {gate.requests} requests, {gate.percent:.2f} %: {verdict}")


def with_revision(name: str, revision: str) -> str:
    """The name of rules with their revision, which the name of rules from a server has already."""
    return name if name.endswith(revision) else f"{name} ({revision})"


def _print_head(report: Report, console: Console) -> None:
    console.print(Text(report.summary, style="bold"), soft_wrap=True)
    if report.requests_refused:
        rows = f": {report.rows['refused']} rows could not be used" if report.rows.get("refused") else ""
        console.print(Text(f"{report.requests_refused} requests refused{rows}", style="bold yellow"))
    console.print(Text(f"new rules: {with_revision(report.new, report.new_revision)}", style="bold"))
    if report.old:
        console.print(Text(f"against:   {with_revision(report.old, report.old_revision)}", style="bold"))
    zone = load_zone(report.time_zone)
    until = f"until {local_time(report.horizon, zone)}" if report.horizon else "until no timer was left"
    lead = f", {report.lead} earlier ones only counted" if report.lead else ""
    console.print(Text(f"{report.source}: {report.requests} requests{lead}, {report.events} events, timers {until}"))
    if report.old and report.compared < report.requests:
        console.print(f"{report.compared} requests could be compared")
    sides = (("old", report.cut.old, report.refused.old), ("new", report.cut.new, report.refused.new))
    for side, cut, refused in sides:
        if cut:
            console.print(Text(f"{side} rules: {cut} requests fired too many timers; the rest was left out", "yellow"))
        if refused:
            console.print(Text(f"{side} rules: {refused} requests have an event that could not be decided", "yellow"))


def _print_summary(report: Report, console: Console) -> None:
    table = Table("requests", Column("number", justify="right"), Column("share", justify="right"), box=None)
    for name, number in headline(report):
        table.add_row(name, str(number), share(number, report.compared))
    console.print(table)


def headline(report: Report) -> list[tuple[str, int]]:
    """The most important figures."""
    rows = [("decided differently", report.differing)]
    fields = {field.name: field for stage in report.stages for field in stage.fields}
    if (priority := fields.get("priority")) is not None:
        rows += [("priority raised", priority.raised), ("priority lowered", priority.lowered)]
    if (category := fields.get("category")) is not None:
        rows.append(("category changed", category.changed))
    rows += [("breach: only under the new rules", report.breach_new), ("breach: no longer", report.breach_gone)]
    rows.append(("told, tasked or opened differently", report.effects_changed))
    rows.append(("errors: only under the new rules", report.errors_new))
    if both := report.errors.new - report.errors_new:
        # The comparison used the safe defaults of failed stages, which say little about the rules.
        rows.append(("errors: under both", both))
    return rows


def share(number: int, of: int) -> str:
    return f"{100 * number / of:.2f} %" if of else "-"


def _print_stage(stage: StageReport, console: Console) -> None:
    changed = [field for field in stage.fields if field.changed or field.sometime]
    odd = [cell for cell in stage.outcomes if cell.old != cell.new]
    if not changed and not odd:
        return
    console.print(Text(f"\n{stage.stage}", style="bold"))
    for cell in odd:
        console.print(Text(f"  {cell.requests} requests: {cell.old} before, {cell.new} now"))
    for field in changed:
        _print_field(field, console)
    moved = [rule for rule in stage.rules if rule.old != rule.new]
    if moved:
        table = Table("decided by", Column("old", justify="right"), Column("new", justify="right"), box=None)
        for rule in moved[:MOST_ROWS]:
            table.add_row(Text(rule.id), str(rule.old), str(rule.new))
        console.print(table)


def _print_field(field: FieldReport, console: Console) -> None:
    console.print(Text(f"{field.name}: {field.words}"))
    if field.is_set:
        _print_members(field, console)
    elif len(field.values) <= MOST_COLUMNS:
        console.print(matrix_table(field))
    else:
        moves = sorted((c for c in field.matrix if c.old != c.new), key=lambda c: (-c.requests, c.old, c.new))
        for cell in moves[:MOST_ROWS]:
            console.print(Text(f"  {cell.requests}: {cell.old} -> {cell.new}"))


def matrix_table(field: FieldReport) -> Table:
    counts = {(cell.old, cell.new): cell.requests for cell in field.matrix}
    columns = [value for value in field.values if any(new == value for _, new in counts)]
    table = Table(f"{field.name}: old / new", *(Column(v, justify="right") for v in columns), box=None)
    for old in field.values:
        cells = [counts.get((old, new), 0) for new in columns]
        if any(cells):
            table.add_row(Text(old), *(str(n) if n else "." for n in cells))
    return table


def values_table(field: FieldReport) -> Table:
    table = Table(field.name, Column("requests", justify="right"), box=None)
    for value, number in field.new.items():
        table.add_row(Text(value), str(number))
    return table


def _print_members(field: FieldReport, console: Console) -> None:
    for word, members in (("gained", field.gained), ("lost", field.lost)):
        if members:
            console.print(Text(f"  {word}: {most_first(members)}"))


def most_first(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number}" for name, number in ordered[:MOST_ROWS])


def _print_clocks(report: Report, console: Console) -> None:
    if not report.clocks:
        return
    columns = ("ran, old", "ran, new", "breached, old", "breached, new", "only new", "no longer")
    table = Table("clock", *(Column(c, justify="right") for c in columns), box=None)
    for clock in report.clocks:
        pairs = (clock.ran.old, clock.ran.new, clock.breached.old, clock.breached.new, clock.new, clock.gone)
        table.add_row(Text(clock.name), *map(str, pairs))
    console.print("")
    console.print(table)


def _print_effects(report: Report, console: Console) -> None:
    if not report.effects:
        return
    columns = ("old", "new", "more on", "fewer on")
    table = Table("what", "who", *(Column(c, justify="right") for c in columns), box=None)
    for effect in report.effects:
        figures = (*_figures(effect.total), effect.more, effect.fewer)
        table.add_row(effect.kind, Text(f"{effect.name} {effect.title}".strip()), *map(str, figures))
    console.print("")
    console.print(table)


def _figures(pair: Pair) -> Iterable[int]:
    return pair.old, pair.new


def _print_examples(report: Report, console: Console) -> None:
    if report.examples:
        console.print(Text("\nexamples, the most important first", style="bold"))
    for example in report.examples:
        console.print(Text(f"{example['kind']}: request {example['request_id']}"))
        for line in example_lines(example):
            console.print(Text(f"  {line}"))


def example_lines(example: Mapping[str, object]) -> Iterable[str]:
    """The changes of an example, in words."""
    for change in _list(example, "changes"):
        yield f"{change['field']}: {shown(change['old'])} -> {shown(change['new'])}"
    for clock in _list(example, "clocks"):
        yield f"{clock['name']}: {_clock(clock['old'])} -> {_clock(clock['new'])}"
    for stage in _list(example, "stages"):
        old, new = _winners(stage["old"]), _winners(stage["new"])
        if old != new:
            yield f"{stage['stage']}: by {old or 'default'} -> by {new or 'default'}"


def shown(value: object) -> str:
    """A value of the report as people write it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(shown(item) for item in value) or NOTHING
        case Mapping():
            return ", ".join(f"{name} {shown(item)}" for name, item in value.items()) or NOTHING
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _clock(clock: object) -> str:
    if not isinstance(clock, dict):
        return "none"
    return f"{clock['target']}{', breached' if clock['breached'] else ''}"


def _winners(stage: object) -> str:
    return ", ".join(str(rule["id"]) for rule in _list(stage, "won")) if isinstance(stage, dict) else ""


def _list(data: object, key: str) -> list[dict[str, object]]:
    found = data.get(key, []) if isinstance(data, Mapping) else []
    return found if isinstance(found, list) else []
