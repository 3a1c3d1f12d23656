"""`answerby watch`: decisions as they are made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Target
from answerby.cli.render import deciding_rule, fact, next_due, print_json, show_time
from answerby.server.rpc.convert import instant_of


@dataclass(frozen=True)
class Start:
    """From where on, and what."""

    resume: str = ""
    from_start: bool = False
    priorities: Sequence[str] = field(default=())
    request_ids: Sequence[str] = field(default=())


def watch(target: Target, start: Start, *, as_json: bool) -> None:
    """Prints decisions until Ctrl-C, then the token to go on from. Raises grpc.RpcError."""
    query = rpc.WatchDecisionsRequest(
        resume_token=start.resume,
        from_start=start.from_start,
        priorities=start.priorities,
        request_ids=start.request_ids,
    )
    token = start.resume
    with contextlib.suppress(KeyboardInterrupt), target.connect() as channel:
        for response in RequestServiceStub(channel).WatchDecisions(query, metadata=target.metadata):
            token = response.resume_token
            if as_json:
                print_json(response)
            elif response.HasField("decision"):
                print(line(response.decision), flush=True)
    if token and not as_json:
        print(f"go on with: answerby watch --resume {token}", file=sys.stderr)


def line(decision: pb.Decision) -> str:
    parts = (
        show_time(instant_of(decision.decide_time)),
        decision.number,
        decision.request_id,
        decision.event_type,
        fact(decision.facts, "category"),
        fact(decision.facts, "priority"),
        next_due(decision),
        deciding_rule(decision),
    )
    return "  ".join(part for part in parts if part)
