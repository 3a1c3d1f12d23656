"""The commands about requests: submit, get, list, watch, explain, what-if, export."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import DemoOption, JsonLinesOption, PatientServer, RulesOption, ZoneOption, on_server


@command
@on_server
def submit(
    file: Annotated[Path, typer.Argument(help="Events as JSON lines; - is standard input.")],
    *,
    server: PatientServer,
    as_json: JsonLinesOption = False,
    historical: Annotated[bool, typer.Option("--historical", help="Past events: no timer, no delivery.")] = False,
    zone: ZoneOption = "",
) -> None:
    """Submit events to a server; status 1 when any was refused."""
    from answerby.cli.requests.submit import submit_file
    from answerby.cli.shown_zone import ShownZone

    if submit_file(file, server, ShownZone(server, zone), as_json=as_json, historical=historical):
        raise typer.Exit(1)


@command
@on_server
def get(
    request_id: str,
    *,
    server: PatientServer,
    as_json: JsonLinesOption = False,
    decisions: Annotated[int, typer.Option(help="How many decisions, newest first.", min=1, max=200)] = 20,
    zone: ZoneOption = "",
) -> None:
    """Show one request: state, clocks, decisions."""
    from answerby.cli.requests.get_and_list import show_request
    from answerby.cli.shown_zone import ShownZone

    show_request(server, request_id, decisions, ShownZone(server, zone), as_json=as_json)


@command
@on_server
def trace(request_id: str, *, server: PatientServer, as_json: JsonLinesOption = False, zone: ZoneOption = "") -> None:
    """Show how the effects of a request went out: each end of an attempt, and what still waits."""
    from answerby.cli.requests.trace import trace_request
    from answerby.cli.shown_zone import ShownZone

    trace_request(server, request_id, ShownZone(server, zone), as_json=as_json)


@command
@on_server
def list_(
    *,
    server: PatientServer,
    as_json: JsonLinesOption = False,
    category: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    priority: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    department: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    breached: Annotated[bool, typer.Option("--breached", help="Only with a breached clock.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    zone: ZoneOption = "",
) -> None:
    """List requests, newest first."""
    from answerby.cli.requests.get_and_list import Filters, list_requests
    from answerby.cli.shown_zone import ShownZone

    filters = Filters(category or [], priority or [], status or [], department or [], breached_only=breached)
    list_requests(server, filters, limit, ShownZone(server, zone), as_json=as_json)


@command
@on_server
def watch(
    *,
    server: PatientServer,
    as_json: JsonLinesOption = False,
    resume: Annotated[str, typer.Option(help="Go on from this token.")] = "",
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest decision kept.")] = False,
    priority: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    request: Annotated[list[str] | None, typer.Option(help="Only this request; may be repeated.")] = None,
    zone: ZoneOption = "",
) -> None:
    """Print decisions as they are made, until Ctrl-C."""
    from answerby.cli.requests.watch import Start, watch_decisions
    from answerby.cli.shown_zone import ShownZone

    start = Start(resume, from_start=from_start, priorities=priority or [], request_ids=request or [])
    watch_decisions(server, start, ShownZone(server, zone), as_json=as_json)


@command
@on_server
def explain(
    request_id: Annotated[str, typer.Argument(help="A request of the server's.", show_default=False)] = "",
    *,
    server: PatientServer,
    sequence: Annotated[int, typer.Option(help="Which decision of the request; 0 is the latest.", min=0)] = 0,
    event: Annotated[Path | None, typer.Option("--event", help="Decide these JSON events here instead.")] = None,
    rules: RulesOption = None,
    demo: DemoOption = False,
    count: Annotated[list[str] | None, typer.Option(help="With --event: <count>=<number before it>.")] = None,
    why_not: Annotated[list[str] | None, typer.Option(help="priority=P0, rule=<id>, ...; may be repeated.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A fact that must stay; may be repeated.")] = None,
    most_changes: Annotated[int, typer.Option(help="Facts that may be otherwise.", min=1, max=6)] = 3,
    clocks: Annotated[bool, typer.Option("--clocks", help="Only the clocks: where their time went.")] = False,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    zone: ZoneOption = "",
    as_json: JsonLinesOption = False,
) -> None:
    """Say why a request was decided as it was, and what would have had to be otherwise."""
    from answerby.cli.requests.explain import Question, explain_event, explain_stored
    from answerby.cli.rules_folder import rules_of
    from answerby.workbench.counterfactual.inquiry import Inquiry

    if bool(request_id) == (event is not None):
        raise typer.BadParameter("give a request of the server's, or --event FILE to decide here")
    inquiry = Inquiry(
        tuple(why_not or ()),
        alternatives=not why_not and not clocks,
        keep=tuple(keep or ()),
        most_changes=most_changes,
    )
    question = Question(inquiry, language, as_json=as_json, clocks=clocks, zone=zone)
    if event is not None:
        explain_event(event, rules_of(rules, demo=demo), count or (), question)
    else:
        explain_stored(server, request_id, sequence, question)


@command
@on_server
def what_if(
    request_id: Annotated[str, typer.Argument(help="A request of the server's.")],
    facts: Annotated[list[str] | None, typer.Option("--set", help="priority=P0, ...; may be repeated.")] = None,
    at: Annotated[str, typer.Option("--at", help="When it would happen; default: now.")] = "",
    event: Annotated[str, typer.Option("--event", help="What would happen, such as request.replied.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="customer, agent or system.")] = "agent",
    *,
    server: PatientServer,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    zone: ZoneOption = "",
    as_json: JsonLinesOption = False,
) -> None:
    """Say what would become of a request and its due times if something were otherwise; nothing is stored."""
    from answerby.cli.requests.what_if import Supposition, ask

    supposition = Supposition(request_id, facts or (), at, event, actor)
    ask(server, supposition, language=language, zone=zone, as_json=as_json)


@command
@on_server
def export(
    out: Annotated[Path, typer.Option("--out", help="The recording, as JSON lines; packed if it ends in .xz or .gz.")],
    since: Annotated[str, typer.Option(help="Requests received since so long ago, such as 30d.")] = "",
    start: Annotated[str, typer.Option("--from", help="Requests received from this date or instant on.")] = "",
    end: Annotated[str, typer.Option("--to", help="Requests received before this date or instant.")] = "",
    lead: Annotated[str, typer.Option(help="And so long before, to be counted with them; 0: none.")] = "24h",
    without_decisions: Annotated[bool, typer.Option("--without-decisions", help="Only events; smaller.")] = False,
    *,
    server: PatientServer,
) -> None:
    """Record requests of a server in a file, for backtests. It holds what customers wrote; needs the role operator."""
    from answerby.cli.requests.export import export_requests, selection_of

    selection = selection_of(since, start, end, lead, with_decisions=not without_decisions)
    export_requests(server, selection, out)
