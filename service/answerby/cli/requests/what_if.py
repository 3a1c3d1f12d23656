"""`answerby what-if`: the decision on a request if something were otherwise. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.api.v1.decision_service_pb2_grpc import DecisionServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import print_json
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import Patience
from answerby.cli.zones import zone_asked
from answerby.server.rpc.values import put_values, set_instant

CALL_SECONDS = 60.0
ACTORS = {
    "customer": resources_pb2.ACTOR_CUSTOMER,
    "agent": resources_pb2.ACTOR_AGENT,
    "system": resources_pb2.ACTOR_SYSTEM,
}


class Supposition(NamedTuple):
    """The options of the command: what is supposed of a request."""

    request_id: str
    facts: Sequence[str]
    """Such as `priority=P0`."""
    at: str
    """An instant with its offset; empty: now."""
    event: str
    """The type of the event; empty: an update."""
    actor: str


def ask(server: Server, supposition: Supposition, *, language: str, zone: str, as_json: bool) -> None:
    """Asks a server and prints the answer. Raises grpc.RpcError and CommandFailed."""
    actor = supposition.actor
    zone_asked(zone)
    if actor not in ACTORS:
        raise CommandFailed(f"--actor {actor}: must be one of {', '.join(ACTORS)}")
    request = pb.WhatIfRequest(
        request_id=supposition.request_id,
        event_type=supposition.event,
        actor=ACTORS[actor],
        language_code=language,
        time_zone=zone,
    )
    put_values(request.facts, dict(map(fact_of, supposition.facts)))
    if supposition.at:
        set_instant(request.at, instant(supposition.at))
    with server.connect() as channel:
        call = partial(DecisionServiceStub(channel).WhatIf, request, metadata=server.metadata, timeout=CALL_SECONDS)
        response: pb.WhatIfResponse = Patience(server.patience).ask(call)
    if as_json:
        print_json(response)
    else:
        print(printable_lines(response.text))


def fact_of(text: str) -> tuple[str, object]:
    """The name and value in `priority=P0`. Numbers, true and false are typed. Raises CommandFailed."""
    name, found, value = text.partition("=")
    if not found or not name:
        raise CommandFailed(f"--set {text}: write it as <fact>=<value>, such as priority=P0")
    if value in ("true", "false"):
        return name, value == "true"
    try:
        return name, int(value)
    except ValueError:
        return name, value


def instant(text: str) -> datetime:
    """Raises CommandFailed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandFailed(f"--at {text}: write an instant with its offset, such as 2026-03-02T10:00:00+08:00")
    return moment
