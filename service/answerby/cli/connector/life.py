"""`answerby connector list`, `show`, `check`, `pause` and `resume`. All raise grpc.RpcError."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo

from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Column, Table
from rich.text import Text

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, print_json, show_time
from answerby.cli.patience import ask
from answerby.cli.shown_zone import ShownZone
from answerby.server.rpc.values import instant_of

CALL_SECONDS = 30.0
CHECK_SECONDS = 90.0


@contextmanager
def _stub(server: Server) -> Iterator[ConnectorServiceStub]:
    with server.connect() as channel:
        yield ConnectorServiceStub(channel)


def list_connectors(server: Server, zone: ShownZone, *, as_json: bool) -> None:
    """Prints every connector with its state."""
    with _stub(server) as stub:
        reply: pb.ListConnectorsResponse = ask(server, stub.ListConnectors, pb.ListConnectorsRequest(), CALL_SECONDS)
    if as_json:
        for connector in reply.connectors:
            print_json(connector)
    elif reply.connectors:
        console_for_tables().print(_table(reply.connectors, zone.get()))
    else:
        print("no connector is configured")


def show_connector(server: Server, name: str, zone: ShownZone, *, as_json: bool) -> None:
    """Prints one connector with all that is known of it."""
    with _stub(server) as stub:
        reply: pb.GetConnectorResponse = ask(server, stub.GetConnector, pb.GetConnectorRequest(name=name), CALL_SECONDS)
    _print(reply.connector, zone, as_json=as_json)


def check_connector(server: Server, name: str, *, as_json: bool) -> bool:
    """Prints what the platform says. False when there is something to mend."""
    request = pb.CheckConnectorRequest(name=name)
    with _stub(server) as stub:
        reply: pb.CheckConnectorResponse = ask(server, stub.CheckConnector, request, CHECK_SECONDS)
    if as_json:
        print_json(reply)
    else:
        for finding in reply.findings:
            print(printable_lines(f"{'ok  ' if finding.good else 'BAD '} {finding.text}"))
    return all(finding.good for finding in reply.findings)


def pause_connector(server: Server, name: str, reason: str, zone: ShownZone, *, as_json: bool) -> None:
    """Pauses a connector, and prints it."""
    request = pb.PauseConnectorRequest(name=name, reason=reason)
    with _stub(server) as stub:
        reply: pb.PauseConnectorResponse = ask(server, stub.PauseConnector, request, CALL_SECONDS)
    _print(reply.connector, zone, as_json=as_json)


def resume_connector(server: Server, name: str, zone: ShownZone, *, as_json: bool) -> None:
    """Lets a connector go on, and prints it."""
    with _stub(server) as stub:
        reply: pb.ResumeConnectorResponse = ask(
            server, stub.ResumeConnector, pb.ResumeConnectorRequest(name=name), CALL_SECONDS
        )
    _print(reply.connector, zone, as_json=as_json)


def state_of(connector: pb.Connector) -> str:
    return pb.ConnectorState.Name(connector.state).removeprefix("CONNECTOR_STATE_").lower()


def _print(connector: pb.Connector, zone: ShownZone, *, as_json: bool) -> None:
    if as_json:
        print_json(connector)
    else:
        print(printable_lines("\n".join(_lines(connector, zone.get()))))


def _table(connectors: Iterable[pb.Connector], zone: tzinfo) -> Table:
    table = Table(Column("name", no_wrap=True), "type", "state", "waiting", "oldest", "last success", "why", box=None)
    for connector in connectors:
        row = (
            connector.name,
            connector.type,
            state_of(connector),
            str(connector.waiting),
            _time(connector.oldest_time, zone),
            _time(connector.last_success_time, zone),
            connector.detail or connector.last_problem,
        )
        table.add_row(*(Text(printable_lines(cell)) for cell in row))
    return table


def _lines(connector: pb.Connector, zone: tzinfo) -> Iterator[str]:
    since = _time(connector.since_time, zone)
    yield f"{connector.name}: {state_of(connector)}{f', since {since}' if since else ''}"
    directions = [
        word
        for word, has in (("takes webhooks", connector.takes_webhooks), ("asks for changes", connector.polls))
        if has
    ]
    described = {
        "why": connector.detail,
        "paused by": connector.paused_by,
        "type": connector.type,
        "does": connector.description,
        "sources": ", ".join(connector.sources),
        "effects": ", ".join(["update_request", *connector.effects] if connector.sources else connector.effects),
        "events": ", ".join(directions),
        "guarantee": connector.guarantee,
        "cannot": "; ".join(connector.cannot),
        "waiting": str(connector.waiting),
        "oldest": _time(connector.oldest_time, zone),
        "last success": _time(connector.last_success_time, zone),
        "last problem": connector.last_problem,
    }
    yield from (f"  {name}: {value}" for name, value in described.items() if value)


def _time(stamp: Timestamp, zone: tzinfo) -> str:
    return show_time(instant_of(stamp), zone) if stamp.seconds else ""
