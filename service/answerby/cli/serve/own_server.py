"""A server as a child process: started, awaited and drained."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from answerby.cli.client import Server
from answerby.cli.fail import CommandFailed
from answerby.server.base.config import Address, Config

START_SECONDS = 60.0


STOP_SECONDS = 30.0


LOOK_SECONDS = 0.05


LOG_LINES_SHOWN = 5


@contextmanager
def own_server(
    config: Path | None, overlay: Mapping[str, str], settings: Config
) -> Iterator[tuple[subprocess.Popen[bytes], Server]]:
    """A server as a child process, drained at the end. Raises CommandFailed when it does not start."""
    address = settings.server.listen
    if is_in_use(address):  # Otherwise a foreign server at that address would be taken for this one.
        raise CommandFailed(f"cannot listen on {address}: address already in use; choose another port with --listen")
    settings.store.data_folder.mkdir(parents=True, exist_ok=True)
    log = settings.store.data_folder / "serve.log"
    arguments = [sys.executable, "-m", "answerby.cli.main", "serve"]
    arguments += ["--config", str(config)] if config else []
    with log.open("wb") as stream:
        # In a session of its own, Ctrl-C reaches only this process. It then asks the server to drain, once.
        process = subprocess.Popen(  # noqa: S603  # our own command
            arguments, stdout=stream, stderr=stream, env={**os.environ, **overlay}, start_new_session=True
        )
    try:
        tokens = (token for token, entry in settings.server.tokens.items() if entry.tenant)
        server = Server(str(address), next(tokens, ""))
        wait_until_serving(process, server, log)
        yield process, server
    finally:
        stop(process)


def wait_until_serving(process: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with server.connect() as channel:
        while not is_serving(channel):
            if process.poll() is not None:
                raise CommandFailed(f"the server ended with status {process.returncode}\n{tail(log)}")
            if time.monotonic() > deadline:
                raise CommandFailed(f"the server is not ready after {START_SECONDS:.0f} s, see {log}\n{tail(log)}")
            time.sleep(LOOK_SECONDS)


def is_serving(channel: grpc.Channel) -> bool:
    try:
        reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
    except grpc.RpcError:
        return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def wait_for_stop(process: subprocess.Popen[bytes]) -> int:
    """Waits for a stop signal, or for the end of the server. Returns the exit status."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def stop_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGINT raise KeyboardInterrupt, even where a shell ignores SIGINT."""

    def interrupt(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the server to drain, and kills it when it does not end."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_in_use(address: Address) -> bool:
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
