"""`answerby trace`: how the effects of a request went out."""

from __future__ import annotations

import functools

from rich.table import Column, Table
from rich.text import Text

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, print_json, show_time
from answerby.cli.patience import Patience
from answerby.cli.shown_zone import ShownZone
from answerby.server.rpc.values import instant_of

CALL_SECONDS = 15.0


def trace_request(server: Server, request_id: str, zone: ShownZone, *, as_json: bool) -> None:
    """Prints the end of each attempt, and the effects that still wait. Raises grpc.RpcError."""
    query = pb.ListDeliveriesRequest(request_id=request_id)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        ask = functools.partial(stub.ListDeliveries, query, metadata=server.metadata, timeout=CALL_SECONDS)
        reply: pb.ListDeliveriesResponse = Patience(server.patience).ask(ask)
    if as_json:
        print_json(reply)
        return
    if not reply.attempts and not reply.waiting:
        print("nothing was delivered, and nothing waits")
        return
    shown = zone.get()
    table = Table(
        Column("when", no_wrap=True), "connector", "decision", "effect", "outcome", "times", "detail", box=None
    )
    for attempt in reply.attempts:
        refused = f"refused: {'; '.join(attempt.refused)}" if attempt.refused else ""
        row = (
            show_time(instant_of(attempt.last_time), shown),
            attempt.connector,
            str(attempt.sequence),
            f"{attempt.kind} {attempt.key}",
            attempt.outcome,
            str(attempt.count),
            "; ".join(filter(None, (attempt.detail, refused))),
        )
        table.add_row(*(Text(printable_lines(cell)) for cell in row))
    for effect in reply.waiting:
        row = ("", effect.connector, str(effect.sequence), f"{effect.kind} {effect.key}", "waiting", "", "")
        table.add_row(*(Text(printable_lines(cell)) for cell in row))
    console_for_tables().print(table)
