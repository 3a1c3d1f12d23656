"""The answerby command: what each subcommand takes. What it does is in a module of its own, loaded when it runs."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

import codecs
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import (
    DEFAULT_PATIENCE,
    DEFAULT_TARGET,
    PatienceOption,
    TargetOption,
    TlsCaOption,
    TokenOption,
)
from answerby.cli.rulebook.commands import app as rulebook_commands

app = typer.Typer(
    name="answerby",
    help="Tells what a customer request is, how urgent, answered by when, who hears if it is not, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(rulebook_commands)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="ANSWERBY_CONFIG", help="TOML file; see the configuration how-to.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
ListenOption = Annotated[str, typer.Option("--listen", help="host:port of the gRPC server.", show_default=False)]
RulesOption = Annotated[Path | None, typer.Option("--rules", help="Rules folder.")]
VersionOption = Annotated[
    bool, typer.Option("--version", is_eager=True, help="Print the version, its commit, and what decides here.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the embedded store.")]


@app.callback(invoke_without_command=True)
def about(version: VersionOption = False) -> None:
    if version:
        from answerby.cli.version import version_line

        print(version_line())
        raise typer.Exit


@app.command()
@command
def serve(
    config: ConfigOption = None,
    listen: ListenOption = "",
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=0, show_default=False)] = 0,
    rules: RulesOption = None,
    data: DataOption = None,
    engine: Annotated[str, typer.Option(help="durable, reference or shadow.", show_default=False)] = "",
) -> None:
    """Serve until a stop signal."""
    from answerby.cli.serve.serving import serve_forever

    serve_forever(config, listen=listen, workers=workers, rules=rules, data=data, engine=engine)


@app.command()
@command
def run(
    config: ConfigOption = None,
    listen: ListenOption = "",
    rules: RulesOption = None,
    data: DataOption = None,
    once: Annotated[bool, typer.Option("--once", help="End after the samples are decided and delivered.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why the first sample was decided so.")] = False,
) -> None:
    """Serve, decide the sample requests that ship with the rules, and keep serving until Ctrl-C."""
    from answerby.cli.serve.running import run_samples

    run_samples(config, listen=listen, rules=rules, data=data, once=once, explain=explain)


@app.command()
@command
def submit(
    file: Annotated[Path, typer.Argument(help="Events as JSON lines; - is standard input.")],
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
    as_json: JsonOption = False,
    historical: Annotated[bool, typer.Option("--historical", help="Past events: no timer, no delivery.")] = False,
) -> None:
    """Submit events to a server; status 1 when any was refused."""
    from answerby.cli.client import Target
    from answerby.cli.requests.submitting import submit_file

    if submit_file(file, Target(target, token, tls_ca, patience), as_json=as_json, historical=historical):
        raise typer.Exit(1)


@app.command()
@command
def get(
    request_id: str,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    decisions: Annotated[int, typer.Option(help="How many decisions, newest first.", min=1, max=200)] = 20,
) -> None:
    """Show one request: state, clocks, decisions."""
    from answerby.cli.client import Target
    from answerby.cli.requests import reading

    reading.get(Target(target, token, tls_ca), request_id, decisions, as_json=as_json)


@app.command("list")
@command
def list_(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    category: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    priority: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    department: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    breached: Annotated[bool, typer.Option("--breached", help="Only with a breached clock.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
) -> None:
    """List requests, newest first."""
    from answerby.cli.client import Target
    from answerby.cli.requests import reading

    filters = reading.Filters(category or [], priority or [], status or [], department or [], breached_only=breached)
    reading.list_all(Target(target, token, tls_ca), filters, limit, as_json=as_json)


@app.command()
@command
def watch(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
    as_json: JsonOption = False,
    resume: Annotated[str, typer.Option(help="Go on from this token.")] = "",
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest decision kept.")] = False,
    priority: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    request: Annotated[list[str] | None, typer.Option(help="Only this request; may be repeated.")] = None,
) -> None:
    """Print decisions as they are made, until Ctrl-C."""
    from answerby.cli.client import Target
    from answerby.cli.requests import watching

    start = watching.Start(resume, from_start=from_start, priorities=priority or [], request_ids=request or [])
    watching.watch(Target(target, token, tls_ca, patience), start, as_json=as_json)


@app.command()
@command
def explain(
    request_id: Annotated[str, typer.Argument(help="A request of the server's.", show_default=False)] = "",
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    sequence: Annotated[int, typer.Option(help="Which decision of the request; 0 is the latest.", min=0)] = 0,
    event: Annotated[Path | None, typer.Option("--event", help="Decide these JSON events here instead.")] = None,
    rules: RulesOption = None,
    count: Annotated[list[str] | None, typer.Option(help="With --event: <count>=<number before it>.")] = None,
    why_not: Annotated[list[str] | None, typer.Option(help="priority=P0, rule=<id>, ...; may be repeated.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A fact that must stay; may be repeated.")] = None,
    most_changes: Annotated[int, typer.Option(help="Facts that may be otherwise.", min=1, max=6)] = 3,
    clocks: Annotated[bool, typer.Option("--clocks", help="Only the clocks: where their time went.")] = False,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Say why a request was decided as it was, and what would have had to be otherwise."""
    from answerby.cli.client import Target
    from answerby.cli.requests import explaining
    from answerby.cli.rules_folder import shipped_rules
    from answerby.workbench.counterfactual.inquiry import Inquiry

    if bool(request_id) == (event is not None):
        raise typer.BadParameter("give a request of the server's, or --event FILE to decide here")
    goals = tuple(why_not or ())
    inquiry = Inquiry(goals, alternatives=not goals and not clocks, keep=tuple(keep or ()), most_changes=most_changes)
    question = explaining.Question(inquiry, language, as_json=as_json, clocks=clocks)
    if event is not None:
        explaining.explain_event(event, rules or shipped_rules(), count or (), question)
    else:
        explaining.explain_stored(Target(target, token, tls_ca), request_id, sequence, question)


@app.command("what-if")
@command
def what_if(
    request_id: Annotated[str, typer.Argument(help="A request of the server's.")],
    facts: Annotated[list[str] | None, typer.Option("--set", help="priority=P0, ...; may be repeated.")] = None,
    at: Annotated[str, typer.Option("--at", help="When it would happen; default: now.")] = "",
    event: Annotated[str, typer.Option("--event", help="What would happen, such as request.replied.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="customer, agent or system.")] = "agent",
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Say what would become of a request and its due times if something were otherwise; nothing is stored."""
    from answerby.cli.client import Target
    from answerby.cli.requests import what_if as asking

    to = Target(target, token, tls_ca)
    asking.ask(to, request_id, facts or (), at=at, event=event, actor=actor, language=language, as_json=as_json)


@app.command()
@command
def check(
    path: Annotated[Path | None, typer.Argument(help="Rules folder, or a file or folder in one.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings refuse the rules too.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json, sarif or github.")] = "text",
    no_proofs: Annotated[bool, typer.Option("--no-proofs", help="Leave out the proofs; quicker.")] = False,
    rules: RulesOption = None,
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="As if today were this day.")] = "",
    explain: Annotated[
        str, typer.Option("--explain", metavar="CODE", help="Print the page of a code; all: every code.")
    ] = "",
) -> None:
    """Check rule files; status 1 when they are refused, 2 when they cannot be checked."""
    from answerby.cli.check import command as checking
    from answerby.cli.rules_folder import shipped_rules

    if explain:
        raise typer.Exit(checking.explain(explain))
    options = checking.Options(strict, form, not no_proofs, rules, on)
    raise typer.Exit(checking.check(path or rules or shipped_rules(), options))


@app.command()
@command
def diff(
    old: Annotated[Path, typer.Argument(help="Rules folder.")],
    new: Annotated[Path, typer.Argument(help="Rules folder.")],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Say what differs in meaning, with requests that show it; status 0 nothing, 1 something, 2 trouble."""
    from answerby.cli.diff.command import diff_folders

    raise typer.Exit(diff_folders(old, new, output))


@app.command()
@command
def schema(
    kind: Annotated[str, typer.Argument(help="Kind of file; any rule file when absent.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write all kinds into this folder.")] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="Know the names that these rules declare.")] = None,
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from answerby.cli.schemas import print_schemas

    print_schemas(kind, out, rules)


@app.command("test")
@command
def run_rule_tests(
    folder: Annotated[Path | None, typer.Argument(help="Rules folder.")] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which rules and rows no case decided by.")] = False,
    fail_under: Annotated[
        float | None, typer.Option("--fail-under", help="Least coverage in percent.", min=0, max=100)
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file too.")] = None,
    chosen: Annotated[str, typer.Option("--filter", help="Only cases whose file or name has this in it.")] = "",
    language: Annotated[str, typer.Option("--language", help="Of explanations: en or zh.")] = "en",
) -> None:
    """Run the *_test.yaml files beside the rules; status 1 when a case fails, 2 when they cannot be run."""
    from answerby.cli.rules_folder import shipped_rules
    from answerby.cli.test import command

    options = command.options(coverage, fail_under, form, junit, chosen, language)
    raise typer.Exit(command.test_rules(folder or shipped_rules(), options))


@app.command()
@command
def replay(
    file: Annotated[Path, typer.Argument(help="CSV or JSON-lines export, also .xz and .gz.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="From columns to events; see the replay how-to.")],
    out: Annotated[Path, typer.Option("--out", help="Decisions as JSON lines; - is standard output.")],
    rules: RulesOption = None,
    target: Annotated[str, typer.Option("--target", help="Decide on this server instead of here.")] = "",
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
    tenant: Annotated[str, typer.Option(help="Tenant of decisions made here.")] = "default",
    engine: Annotated[str, typer.Option(help="Of decisions made here: durable, reference or shadow.")] = "durable",
    summary: Annotated[Path | None, typer.Option("--summary", help="The summary as JSON too.")] = None,
    limit: Annotated[int, typer.Option(help="Stop after so many rows; 0: all.", min=0)] = 0,
    in_flight: Annotated[int, typer.Option(help="Batches under way at once.", min=1, max=64)] = 4,
    batch: Annotated[int, typer.Option(help="Events per batch.", min=1, max=500)] = 500,
    brief: Annotated[bool, typer.Option("--brief", help="Of a server: leave the rules out; quicker.")] = False,
) -> None:
    """Decide the past: turn an export into events, decide them all, sum up."""
    from answerby.cli.client import Target
    from answerby.cli.replay import command as replaying

    job = replaying.job(file, mapping, out, tenant, limit)
    to = Target(target, token, tls_ca, patience)
    way = replaying.remote(to, in_flight, batch, brief=brief) if target else replaying.local(rules, engine)
    replaying.run(job, way, summary)


@app.command()
def backtest(
    rules: Annotated[str, typer.Option("--rules", help="The new rules: a folder, or a revision of the server.")],
    against: Annotated[
        str,
        typer.Option(
            help="The old rules: a folder, a revision of the server, active, or recorded: what was really decided.",
            show_default="recorded",
        ),
    ] = "",
    events: Annotated[Path | None, typer.Option(help="A recording, or an export with its --mapping.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="From columns to events; see the replay how-to.")] = None,
    since: Annotated[str, typer.Option(help="Requests received since so long ago, such as 30d.")] = "",
    start: Annotated[str, typer.Option("--from", help="Requests received from this date or instant on.")] = "",
    end: Annotated[str, typer.Option("--to", help="Requests received before this date or instant.")] = "",
    horizon: Annotated[
        str, typer.Option(help="Fire timers until the end of the events, 48h after it, or: timers.")
    ] = "end",
    at: Annotated[str, typer.Option("--at", help="Compare requests as of their last or their first event.")] = "last",
    fail_if: Annotated[list[str] | None, typer.Option(help="Status 1 if so, such as 'priority.raised > 5%'.")] = None,
    json: Annotated[
        str, typer.Option("--json", help="The report as JSON too; - is standard output, and no text.")
    ] = "",
    html: Annotated[Path | None, typer.Option("--html", help="The report as one page with charts too.")] = None,
    examples: Annotated[int, typer.Option(help="Examples of each kind of change.", min=0, max=50)] = 3,
    show_text: Annotated[bool, typer.Option("--show-text", help="Show what customers wrote in the examples.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each processor.", min=0, max=256)] = 0,
    limit: Annotated[int, typer.Option(help="Stop after so many rows or requests; 0: all.", min=0)] = 0,
    tenant: Annotated[str, typer.Option(help="Tenant of the decisions.")] = "default",
    engine: Annotated[str, typer.Option(help="durable, reference or shadow.")] = "durable",
    target: TargetOption = "",
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
) -> None:
    """Decide the past again under other rules: whose requests would change, and how. Status 1: a gate trips."""
    from answerby.cli.backtest.command import Options, run

    run(
        Options(
            rules=rules,
            against=against,
            events=events,
            mapping=mapping,
            since=since,
            start=start,
            end=end,
            horizon=horizon,
            at=at,
            fail_if=tuple(fail_if or ()),
            json=json,
            html=html,
            examples=examples,
            show_text=show_text,
            jobs=jobs,
            limit=limit,
            tenant=tenant,
            engine=engine,
            target=target or (DEFAULT_TARGET if events is None else ""),
            token=token,
            tls_ca=tls_ca,
            patience=patience,
        )
    )


@app.command()
@command
def export(
    out: Annotated[Path, typer.Option("--out", help="The recording, as JSON lines; packed if it ends in .xz or .gz.")],
    since: Annotated[str, typer.Option(help="Requests received since so long ago, such as 30d.")] = "",
    start: Annotated[str, typer.Option("--from", help="Requests received from this date or instant on.")] = "",
    end: Annotated[str, typer.Option("--to", help="Requests received before this date or instant.")] = "",
    lead: Annotated[str, typer.Option(help="And so long before, to be counted with them; 0: none.")] = "24h",
    without_decisions: Annotated[bool, typer.Option("--without-decisions", help="Only events; smaller.")] = False,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
) -> None:
    """Record requests of a server in a file, for backtests. It holds what customers wrote; needs the role operator."""
    from answerby.cli.client import Target
    from answerby.cli.requests.exporting import export as write_recording
    from answerby.cli.requests.exporting import wanted_of

    wanted = wanted_of(since, start, end, lead, with_decisions=not without_decisions)
    write_recording(Target(target, token, tls_ca, patience), wanted, out)


def main() -> None:
    """Entry point of the console script."""
    _show_all_characters()
    app()


def _show_all_characters() -> None:
    """No terminal, however old, makes a command fail that has a Chinese name to show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            knows_ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            encoding = "utf-8" if knows_ascii_only else stream.encoding
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


if __name__ == "__main__":
    main()
