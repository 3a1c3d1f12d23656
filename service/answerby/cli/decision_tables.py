"""Decisions and requests as tables and lines for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from answerby.api.v1 import resources_pb2 as pb
from answerby.engine.explanation.flag_text import flag_text
from answerby.server.rpc.values import instant_of, values_from

PHASES = {
    pb.CLOCK_PHASE_RUNNING: "running",
    pb.CLOCK_PHASE_PAUSED: "paused",
    pb.CLOCK_PHASE_STOPPED: "stopped",
    pb.CLOCK_PHASE_CANCELLED: "cancelled",
}
WIDTH_WITHOUT_TERMINAL = 180
DECIDING_STAGES = ("classification", "priority")
"""The stages whose winning rule is shown as the deciding rule, the later one first."""


def print_json(message: Message) -> None:
    """Prints a message as one line of JSON."""
    sys.stdout.write(MessageToJson(message, indent=None, ensure_ascii=False, preserving_proto_field_name=True) + "\n")
    sys.stdout.flush()


def console_for_tables() -> Console:
    """A console as wide as the terminal, or wide enough for any table where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_WITHOUT_TERMINAL)


def decisions_table(decisions: Iterable[pb.Decision], zone: tzinfo) -> Table:
    table = Table(Column("number", no_wrap=True), "request", "category", "priority", box=None)
    for header in ("next due", "owner role", "decided by", "flags"):
        table.add_column(header, overflow="fold")
    for decision in decisions:
        facts = decision.facts
        table.add_row(
            decision.number,
            Text(decision.request_id),
            Text(fact(facts, "category")),
            Text(fact(facts, "priority")),
            next_due(decision, zone),
            Text(fact(facts, "role")),
            Text(deciding_rule(decision)),
            flag_codes(decision.flags),
        )
    return table


def history_table(decisions: Iterable[pb.Decision], zone: tzinfo) -> Table:
    """The decisions on one request: the event of each and its result."""
    table = Table(Column("no.", no_wrap=True), Column("event", no_wrap=True), "of", "status", "category", "priority")
    table.box = None
    for header in ("next due", "decided by", "flags"):
        table.add_column(header, overflow="fold")
    for decision in decisions:
        table.add_row(
            str(decision.sequence),
            Text(decision.event_type),
            show_time(instant_of(decision.event_time), zone),
            Text(decision.status),
            Text(fact(decision.facts, "category")),
            Text(fact(decision.facts, "priority")),
            next_due(decision, zone),
            Text(deciding_rule(decision)),
            flag_codes(decision.flags),
        )
    return table


def requests_table(requests: Iterable[pb.Request], zone: tzinfo) -> Table:
    table = Table("number", "request", "status", "category", "priority", "department", "next due", "late", box=None)
    table.add_column("flags", overflow="fold")
    for request in requests:
        due = min((c.due_time.ToDatetime(UTC) for c in request.clocks if is_running(c)), default=None)
        table.add_row(
            request.number,
            Text(request.request_id),
            request.status,
            Text(fact(request.facts, "category")),
            Text(fact(request.facts, "priority")),
            Text(fact(request.facts, "department")),
            show_time(due, zone),
            ", ".join(clock.name for clock in request.clocks if clock.breached),
            flag_codes(request.flags),
        )
    return table


def flag_codes(flags: Iterable[pb.Flag]) -> Text:
    """The codes of flags, each once."""
    return Text(", ".join(dict.fromkeys(flag.code for flag in flags)))


def flag_lines(flagged: Iterable[tuple[str, Iterable[pb.Flag]]], zone: tzinfo) -> list[str]:
    """The flags in words, each once, with the requests that have it: `UNKNOWN_FIELD: ... (R-1, R-2)`."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for request_id, flags in flagged:
        for flag in flags:
            found.setdefault((flag.code, flag.message), {})[request_id] = None
    return [f"{flag_text(code, message, zone)} ({', '.join(requests)})" for (code, message), requests in found.items()]


def print_flags(console: Console, flagged: Iterable[tuple[str, Iterable[pb.Flag]]], zone: tzinfo) -> None:
    """Prints the flags in words, below a table that names their codes."""
    lines = flag_lines(flagged, zone)
    if lines:
        console.print()
    for line in lines:
        console.print(Text(line, style="yellow"))


def clocks_table(clocks: Iterable[pb.Clock], zone: tzinfo) -> Table:
    table = Table("clock", "state", "started", "due", "stopped", "rule", box=None)
    for clock in clocks:
        state = PHASES.get(clock.phase, "?") + (", breached" if clock.breached else "")
        times = (show_field(clock, name, zone) for name in ("start_time", "due_time", "stop_time"))
        table.add_row(clock.name, state, *times, Text(clock.rule))
    return table


def facts_table(facts: Mapping[str, pb.FactValue]) -> Table:
    table = Table("fact", "value", box=None, show_header=False)
    for name in sorted(facts):
        table.add_row(Text(name), Text(fact(facts, name)))
    return table


def fact(facts: Mapping[str, pb.FactValue], name: str) -> str:
    """A fact as text; empty when it is missing."""
    value = values_from({name: facts[name]})[name] if name in facts else None
    match value:
        case None:
            return ""
        case list():
            return ", ".join(value)
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def deciding_rule(decision: pb.Decision) -> str:
    """What decided the priority, or else the category: a rule, a ladder or a person, with its place if it has one."""
    won = {stage.stage: stage.won for stage in decision.explanation if stage.won}
    rules = next((won[stage] for stage in reversed(DECIDING_STAGES) if stage in won), None)
    if not rules:
        return ""
    first = rules[0]
    return f"{first.id} ({first.file}:{first.line})" if first.file else first.id


def next_due(decision: pb.Decision, zone: tzinfo) -> str:
    if not decision.HasField("next_due_time"):
        return ""
    due = instant_of(decision.next_due_time)
    name = next((c.name for c in decision.clocks if is_running(c) and c.due_time == decision.next_due_time), "")
    return f"{show_time(due, zone)} {name}".strip()


def is_running(clock: pb.Clock) -> bool:
    return clock.phase == pb.CLOCK_PHASE_RUNNING and clock.HasField("due_time")


def show_field(clock: pb.Clock, name: str, zone: tzinfo) -> str:
    return show_time(instant_of(getattr(clock, name)), zone) if clock.HasField(name) else ""  # type: ignore[arg-type]


def show_time(moment: datetime | None, zone: tzinfo) -> str:
    """The time in the zone with its offset; empty for None."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %z}" if moment else ""
