"""`answerby connector sync`: the changes of a platform since a moment, once more."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime

import grpc

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import print_json
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import Patience
from answerby.cli.period import parse_moment, parse_span
from answerby.server.rpc.values import set_instant


def sync_connector(server: Server, name: str, since: str, *, as_json: bool) -> None:
    """Prints how many events were fetched, and how many of them were new.

    Begins again when the server goes away and comes back: what was fetched before is then known. Raises CommandFailed,
    and grpc.RpcError when the server stays away for longer than the patience.
    """
    request = pb.SyncConnectorRequest(name=name)
    set_instant(request.since, moment_of(since, datetime.now(UTC)))
    patience = Patience(server.patience)
    added_before = 0
    with server.connect() as channel:
        stub = ConnectorServiceStub(channel)
        while True:
            latest = pb.SyncConnectorResponse()
            try:
                for latest in stub.SyncConnector(request, metadata=server.metadata):
                    patience.answered()
                    if not latest.done:
                        print(f"... {latest.fetched} events fetched, {latest.added} new", file=sys.stderr)
            except grpc.RpcError as error:
                patience.outlast(error)
                added_before += latest.added
                print("the server or the platform went away; fetching again", file=sys.stderr)
            else:
                break
    latest.added += added_before
    if as_json:
        print_json(latest)
    else:
        print(f"{latest.fetched} events fetched, {latest.added} new; the new ones wait to be decided")


def moment_of(text: str, now: datetime) -> datetime:
    """The moment of `--since`: a time back from now, a date or an instant. Raises CommandFailed."""
    with contextlib.suppress(CommandFailed):
        return now - parse_span(text, "--since")
    return parse_moment(text, "--since")
