"""`answerby watch`: decisions at the moment they are stored."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

import grpc

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import deciding_rule, fact, next_due, print_json, show_time
from answerby.cli.patience import Patience
from answerby.cli.shown_zone import ShownZone
from answerby.engine.explanation.flag_text import flag_text
from answerby.server.rpc.values import instant_of


@dataclass(frozen=True)
class Start:
    """From where on, and what."""

    resume: str = ""
    from_start: bool = False
    priorities: Sequence[str] = field(default=())
    request_ids: Sequence[str] = field(default=())


def watch_decisions(server: Server, start: Start, zone: ShownZone, *, as_json: bool) -> None:
    """Prints decisions until Ctrl-C, then the token to continue from. Raises grpc.RpcError."""
    query = rpc.WatchDecisionsRequest(
        resume_token=start.resume,
        from_start=start.from_start,
        priorities=start.priorities,
        request_ids=start.request_ids,
    )
    with contextlib.suppress(KeyboardInterrupt):
        for response in follow(server, query):
            if as_json:
                print_json(response)
            elif response.HasField("decision"):
                print(line(response.decision, zone.get()), flush=True)
            elif response.unreadable:
                print(f"a decision cannot be shown: {response.unreadable}", file=sys.stderr, flush=True)
    if query.resume_token and not as_json:
        print(f"go on with: answerby watch --resume {query.resume_token}", file=sys.stderr)


def follow(server: Server, query: rpc.WatchDecisionsRequest) -> Iterator[rpc.WatchDecisionsResponse]:
    """Every message of a watch; `query` then says how to go on after it. A server that comes back is asked to go on
    from there. Raises grpc.RpcError when it stays away or refuses.
    """
    patience = Patience(server.patience)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        while True:
            try:
                for response in stub.WatchDecisions(query, metadata=server.metadata):
                    patience.answered()
                    query.resume_token = response.resume_token
                    yield response
            except grpc.RpcError as error:
                patience.outlast(error)
            else:
                return


def line(decision: pb.Decision, zone: tzinfo) -> str:
    """The decision in one line, and each of its flags in words in a line of its own."""
    parts = (
        show_time(instant_of(decision.decide_time), zone),
        decision.number,
        decision.request_id,
        decision.event_type,
        fact(decision.facts, "category"),
        fact(decision.facts, "priority"),
        next_due(decision, zone),
        deciding_rule(decision),
    )
    flags = (f"  ! {flag_text(flag.code, flag.message, zone)}" for flag in decision.flags)
    return "\n".join(["  ".join(part for part in parts if part), *flags])
