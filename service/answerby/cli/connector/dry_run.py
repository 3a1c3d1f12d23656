"""`answerby connector try`: what would become of a webhook."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import fact, print_json
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import ask

CALL_SECONDS = 60.0
LONGEST_VALUE = 100
"""Most characters of a fact that are shown. The JSON has all."""


def try_webhook(server: Server, name: str, file: Path, headers: Sequence[str], *, as_json: bool) -> bool:
    """Prints each event of the webhook with its decision. False when one would be refused.

    Raises CommandFailed, OSError and grpc.RpcError.
    """
    body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    request = pb.TryConnectorRequest(name=name, body=body, headers=dict(map(header_of, headers)))
    with server.connect() as channel:
        stub = ConnectorServiceStub(channel)
        response: pb.TryConnectorResponse = ask(server, stub.TryConnector, request, CALL_SECONDS)
    if as_json:
        print_json(response)
    elif not response.events:
        print("no event: this webhook means nothing for requests")
    else:
        for tried in response.events:
            print(printable_lines("\n".join(lines_of(tried))))
    return not any(tried.reason and tried.reason != "OWN_WRITE" for tried in response.events)


def header_of(text: str) -> tuple[str, str]:
    """A header from `Name: value`. Raises CommandFailed."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CommandFailed(f"--header {text}: write it as 'Name: value'")
    return name.strip(), value.strip()


def lines_of(tried: pb.TriedEvent) -> Iterator[str]:
    """An event and its decision in words."""
    event = tried.event
    actor = resources_pb2.Actor.Name(event.actor).removeprefix("ACTOR_").lower()
    yield f"{event.type} of {event.request_id}, by {actor}{f' {event.actor_id}' if event.actor_id else ''}"
    yield f"  id {event.id}, source {event.source}, time {event.time.ToJsonString()}"
    for name in sorted(event.facts):
        shown = fact(event.facts, name)
        yield f"  {name} = {shown[:LONGEST_VALUE]}{'...' if len(shown) > LONGEST_VALUE else ''}"
    if tried.reason:
        yield f"  no decision: {tried.reason}: {tried.message}"
    elif tried.duplicate:
        yield f"  decided before, as decision {tried.decision.sequence}"
    if tried.HasField("decision"):
        derived = tried.decision.facts
        new = [(name, fact(derived, name)) for name in sorted(derived) if name not in event.facts]
        changed = ", ".join(f"{name} = {value}" for name, value in new if value)
        yield f"  decision: {changed or 'nothing is derived'}"
        for effect in tried.decision.effects:
            yield f"  effect: {effect.kind}{f' to {effect.role}' if effect.role else ''}"
