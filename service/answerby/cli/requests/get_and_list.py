"""`answerby get`, `list` and `explain`: requests and decisions stored on a server."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import NamedTuple

from answerby.api.v1 import decision_service_pb2 as decisions_rpc
from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1.decision_service_pb2_grpc import DecisionServiceStub
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import (
    clocks_table,
    console_for_tables,
    facts_table,
    history_table,
    print_flags,
    print_json,
    requests_table,
)
from answerby.cli.patience import Patience
from answerby.cli.shown_zone import ShownZone

CALL_SECONDS = 15.0
PAGE = 500


class Filters(NamedTuple):
    """Combined with and; empty means any."""

    categories: Sequence[str] = ()
    priorities: Sequence[str] = ()
    statuses: Sequence[str] = ()
    departments: Sequence[str] = ()
    breached_only: bool = False


def show_request(server: Server, request_id: str, decisions: int, zone: ShownZone, *, as_json: bool) -> None:
    """Prints one request. Raises grpc.RpcError."""
    query = rpc.GetRequestRequest(request_id=request_id, decision_limit=decisions)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        ask = functools.partial(stub.GetRequest, query, metadata=server.metadata, timeout=CALL_SECONDS)
        response: rpc.GetRequestResponse = Patience(server.patience).ask(ask)
    if as_json:
        print_json(response)
        return
    console, shown = console_for_tables(), zone.get()
    console.print(requests_table([response.request], shown))
    console.print()
    console.print(facts_table(response.request.facts))
    console.print()
    console.print(clocks_table(response.request.clocks, shown))
    console.print()
    console.print(history_table(response.decisions, shown))
    print_flags(console, ((f"decision {decision.sequence}", decision.flags) for decision in response.decisions), shown)


def list_requests(server: Server, filters: Filters, limit: int, zone: ShownZone, *, as_json: bool) -> None:
    """Prints requests, page after page, up to the limit. Raises grpc.RpcError."""
    requests = pages(server, filters, limit)
    if as_json:
        for request in requests:
            print_json(request)
        return
    listed, console = list(requests), console_for_tables()
    shown = zone.get() if listed else UTC
    console.print(requests_table(listed, shown))
    print_flags(console, ((request.request_id, request.flags) for request in listed), shown)


def pages(server: Server, filters: Filters, limit: int) -> Iterator[pb.Request]:
    """The requests. A page that does not come is asked for again while the patience lasts. Raises grpc.RpcError."""
    patience = Patience(server.patience)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        size = min(limit, PAGE)
        token = ""
        while limit > 0:
            query = rpc.ListRequestsRequest(page_size=size, page_token=token, with_flags=True, **filters._asdict())
            ask = functools.partial(stub.ListRequests, query, metadata=server.metadata, timeout=CALL_SECONDS)
            response: rpc.ListRequestsResponse = patience.ask(ask)
            for request_id in response.unreadable_request_ids:
                print(f"request {request_id} cannot be shown: its stored data cannot be read", file=sys.stderr)
            yield from response.requests[:limit]
            limit -= len(response.requests)
            token = response.next_page_token
            if not token:
                return


def print_explanation(server: Server, request_id: str, sequence: int, language: str) -> None:
    """Prints the reasons of a decision in words. Raises grpc.RpcError."""
    with server.connect() as channel:
        response = DecisionServiceStub(channel).Explain(
            decisions_rpc.ExplainRequest(request_id=request_id, sequence=sequence, language_code=language),
            metadata=server.metadata,
            timeout=CALL_SECONDS,
        )
    print(response.text)
