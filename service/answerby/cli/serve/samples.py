"""`answerby run`: starts a server, submits the samples, and shows the decisions."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.text import Text

from answerby.api.v1 import resources_pb2 as pb
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, decisions_table, print_flags
from answerby.cli.event_lines import read_events
from answerby.cli.fail import CommandFailed
from answerby.cli.requests import get_and_list
from answerby.cli.requests.submit import Submitted, submit
from answerby.cli.serve.configuration import configured, options
from answerby.cli.serve.own_server import LOOK_SECONDS, free_port, own_server, stop_signals, wait_for_stop
from answerby.cli.shown_zone import ShownZone
from answerby.domain.effect import EffectKind

SAMPLES = Path("samples") / "requests.jsonl"
DELIVERY_SECONDS = 30.0

EffectName = tuple[str, str]
"""The id of a request and the key of an effect."""


def run_samples(
    config: Path | None, *, listen: str, rules: Path | None, data: Path | None, once: bool, explain: bool
) -> None:
    """Serves and decides the samples. It ends with `once`, else at Ctrl-C. Raises CommandFailed if it cannot start."""
    overlay = options(listen=listen, rules=rules, data=data)
    settings = configured(config, overlay, demo_if_none=True)
    if settings.server.listen.port == 0:
        overlay["ANSWERBY_SERVER__LISTEN"] = f"{settings.server.listen.host}:{free_port(settings.server.listen.host)}"
    delivered = settings.store.data_folder / "delivered.jsonl"
    if not settings.connectors:
        overlay["ANSWERBY_CONNECTORS"] = file_connector(delivered)
    folder = settings.rules.folder
    assert folder is not None
    if settings.rules.demo:
        overlay["ANSWERBY_RULES__DEMO"] = "true"
    else:
        overlay["ANSWERBY_RULES__FOLDER"] = str(folder)
    settings = configured(config, overlay)
    samples = folder / SAMPLES
    if not samples.is_file():
        raise CommandFailed(f"{samples} is missing; without samples say `answerby serve`")
    console = console_for_tables()
    with stop_signals(), own_server(config, overlay, settings) as (process, server):
        refused = show_samples(samples, server, delivered, console, explain=explain)
        if once:
            if refused:
                raise typer.Exit(1)
            return
        console.print(f"\nserving on {server.address}; Ctrl-C stops", highlight=False)
        raise typer.Exit(wait_for_stop(process))


def show_samples(samples: Path, server: Server, delivered: Path, console: Console, *, explain: bool) -> int:
    """Submits the samples, prints decisions and deliveries, and returns the number of refused samples."""
    with samples.open("rb") as lines:
        results = list(submit(read_events(lines, datetime.now(UTC)), server))
    latest: dict[str, pb.Decision] = {r.decision.request_id: r.decision for r in results if r.decision is not None}
    zone = ShownZone(server, "").get()
    console.print(decisions_table(latest.values(), zone))
    print_flags(console, ((decision.request_id, decision.flags) for decision in latest.values()), zone)
    for result in results:
        if result.decision is None:
            console.print(Text(f"{samples.name} line {result.line}: {result.refused}", style="yellow"))
    show_delivered(results, delivered, console)
    if explain and latest:
        console.print()
        get_and_list.print_explanation(server, next(iter(latest)), 0, "en")
    return sum(result.decision is None for result in results)


def show_delivered(results: list[Submitted], delivered: Path, console: Console) -> None:
    """Waits until the effects of the decisions are in the file of the connector, and prints their number."""
    decisions = [result.decision for result in results if result.decision is not None and not result.duplicate]
    expected = expected_effects(decisions)
    deadline = time.monotonic() + DELIVERY_SECONDS
    while expected - delivered_effects(delivered) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    missing = (expected - delivered_effects(delivered)).total()
    known = sum(result.duplicate for result in results)
    console.print(
        f"\n{len(decisions)} events decided, {known} known from before; "
        f"{expected.total() - missing} of {expected.total()} effects delivered to {delivered}",
        highlight=False,
    )


def expected_effects(decisions: list[pb.Decision]) -> Counter[EffectName]:
    """The effects to expect. The last update of a request may replace the others, so it is expected once."""
    expected: Counter[EffectName] = Counter()
    for decision in decisions:
        for effect in decision.effects:
            name = (decision.request_id, effect.key)
            expected[name] = 1 if effect.kind == EffectKind.UPDATE_REQUEST else expected[name] + 1
    return expected


def delivered_effects(delivered: Path) -> Counter[EffectName]:
    """The effects in the file. A line that is still being written does not count."""
    if not delivered.is_file():
        return Counter()
    lines = (line for line in delivered.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))
    records = (orjson.loads(line) for line in lines)
    return Counter((record["request_id"], record["key"]) for record in records)


def file_connector(path: Path) -> str:
    """The connectors for a configuration without any, as JSON."""
    connector = {
        "name": "file",
        "type": "file",
        "sources": ["*"],
        "effects": ["notify", "create_task", "open_case"],
        "settings": {"path": str(path)},
    }
    return json.dumps([connector])
