"""`answerby run`: a server of its own, the sample requests, and what became of them."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import orjson
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.text import Text

from answerby.api.v1 import resources_pb2 as pb
from answerby.cli.client import Target
from answerby.cli.fail import CommandFailed
from answerby.cli.lines import read_events
from answerby.cli.render import console_for_tables, decisions_table
from answerby.cli.requests import reading
from answerby.cli.requests.submitting import Submitted, submit
from answerby.cli.serve.serving import configured, options
from answerby.domain.effect import EffectKind
from answerby.server.base.config import Address, Config

SAMPLES = Path("samples") / "requests.jsonl"
START_SECONDS = 60.0
DELIVERY_SECONDS = 30.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.05
LOG_LINES_SHOWN = 5

EffectName = tuple[str, str]
"""Request id and the effect's key."""


def run_samples(
    config: Path | None, *, listen: str, rules: Path | None, data: Path | None, once: bool, explain: bool
) -> None:
    """Serves and decides the samples; ends with `once`, else at Ctrl-C. Raises CommandFailed when it cannot start."""
    overlay = options(listen=listen, rules=rules, data=data)
    settings = configured(config, overlay)
    if settings.server.listen.port == 0:
        overlay["ANSWERBY_SERVER__LISTEN"] = f"{settings.server.listen.host}:{free_port(settings.server.listen.host)}"
    delivered = settings.store.data_folder / "delivered.jsonl"
    if not settings.connectors:
        overlay["ANSWERBY_CONNECTORS"] = file_connector(delivered)
    overlay["ANSWERBY_RULES__FOLDER"] = str(settings.rules.folder)
    settings = configured(config, overlay)
    samples = settings.rules.folder / SAMPLES
    if not samples.is_file():
        raise CommandFailed(f"{samples} is missing; without samples say `answerby serve`")
    console = console_for_tables()
    with stop_signals(), own_server(config, overlay, settings) as (server, target):
        refused = show_samples(samples, target, delivered, console, explain=explain)
        if once:
            if refused:
                raise typer.Exit(1)
            return
        console.print(f"\nserving on {target.address}; Ctrl-C stops", highlight=False)
        raise typer.Exit(wait_for_stop(server))


def show_samples(samples: Path, target: Target, delivered: Path, console: Console, *, explain: bool) -> int:
    """Submits the samples, prints what was decided and how much was delivered; returns how many were refused."""
    with samples.open("rb") as lines:
        results = list(submit(read_events(lines, datetime.now(UTC)), target))
    latest: dict[str, pb.Decision] = {r.decision.request_id: r.decision for r in results if r.decision is not None}
    console.print(decisions_table(latest.values()))
    for result in results:
        if result.decision is None:
            console.print(Text(f"{samples.name} line {result.line}: {result.refused}", style="yellow"))
    show_delivered(results, delivered, console)
    if explain and latest:
        console.print()
        reading.explain(target, next(iter(latest)), 0, "en")
    return sum(result.decision is None for result in results)


def show_delivered(results: list[Submitted], delivered: Path, console: Console) -> None:
    """Waits until what was decided just now has been written by the file connector, and says how much it was."""
    decisions = [result.decision for result in results if result.decision is not None and not result.duplicate]
    wanted = expected_effects(decisions)
    deadline = time.monotonic() + DELIVERY_SECONDS
    while wanted - delivered_effects(delivered) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    missing = (wanted - delivered_effects(delivered)).total()
    known = sum(result.duplicate for result in results)
    console.print(
        f"\n{len(decisions)} events decided, {known} known from before; "
        f"{wanted.total() - missing} of {wanted.total()} effects delivered to {delivered}",
        highlight=False,
    )


def expected_effects(decisions: list[pb.Decision]) -> Counter[EffectName]:
    """By request and key. Of several updates of a request only the last is sure to be sent: it replaces the others."""
    wanted: Counter[EffectName] = Counter()
    for decision in decisions:
        for effect in decision.effects:
            name = (decision.request_id, effect.key)
            wanted[name] = 1 if effect.kind == EffectKind.UPDATE_REQUEST else wanted[name] + 1
    return wanted


def delivered_effects(delivered: Path) -> Counter[EffectName]:
    """What is in the file; a line that is still being written does not count."""
    if not delivered.is_file():
        return Counter()
    lines = (line for line in delivered.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))
    records = (orjson.loads(line) for line in lines)
    return Counter((record["request_id"], record["key"]) for record in records)


@contextmanager
def own_server(
    config: Path | None, overlay: Mapping[str, str], settings: Config
) -> Iterator[tuple[subprocess.Popen[bytes], Target]]:
    """A server as a child process that is drained at the end. Raises CommandFailed when it does not come up."""
    address = settings.server.listen
    if is_taken(address):  # else what answers there would be taken for our own server
        raise CommandFailed(f"cannot listen on {address}: address already in use; choose another port with --listen")
    settings.store.data_folder.mkdir(parents=True, exist_ok=True)
    log = settings.store.data_folder / "serve.log"
    arguments = [sys.executable, "-m", "answerby.cli.main", "serve"]
    arguments += ["--config", str(config)] if config else []
    with log.open("wb") as stream:
        # A session of its own: Ctrl-C reaches this process alone, which then asks the server to drain, once.
        server = subprocess.Popen(  # noqa: S603  # our own command
            arguments, stdout=stream, stderr=stream, env={**os.environ, **overlay}, start_new_session=True
        )
    try:
        tokens = (token for token, entry in settings.server.tokens.items() if entry.tenant)
        target = Target(str(address), next(tokens, ""))
        wait_until_serving(server, target, log)
        yield server, target
    finally:
        stop(server)


def wait_until_serving(server: subprocess.Popen[bytes], target: Target, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with target.connect() as channel:
        while not is_serving(channel):
            if server.poll() is not None:
                raise CommandFailed(f"the server ended with status {server.returncode}\n{tail(log)}")
            if time.monotonic() > deadline:
                raise CommandFailed(f"the server is not ready after {START_SECONDS:.0f} s, see {log}\n{tail(log)}")
            time.sleep(LOOK_SECONDS)


def is_serving(channel: grpc.Channel) -> bool:
    try:
        reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
    except grpc.RpcError:
        return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def wait_for_stop(server: subprocess.Popen[bytes]) -> int:
    """Until a stop signal, or until the server ends by itself: then its status."""
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def stop_signals() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does; Ctrl-C does so also where a shell had it ignored."""

    def interrupt(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Asks the server to drain; kills it when it does not end."""
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def file_connector(path: Path) -> str:
    """The connectors of a configuration that names none, as JSON."""
    connector = {
        "name": "file",
        "type": "file",
        "sources": ["*"],
        "effects": ["notify", "create_task", "open_case"],
        "settings": {"path": str(path)},
    }
    return json.dumps([connector])


def is_taken(address: Address) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:])
