"""`answerby rulebook migrate`: running clocks take the targets of the active rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import orjson
from google.protobuf.json_format import MessageToDict

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server


def migrate(server: Server, clocks: Sequence[str], limit: int, *, preview: bool, as_json: bool) -> bool:
    """Prints each clock that moves, progress on standard error, then a sum. False if some requests failed."""
    request = pb.MigrateClocksRequest(clocks=clocks, limit=limit, preview=preview)
    latest = pb.MigrateClocksResponse()
    with server.connect() as channel:
        for latest in RequestServiceStub(channel).MigrateClocks(request, metadata=server.metadata):
            for moved in latest.moved:
                if as_json:
                    sys.stdout.buffer.write(orjson.dumps(MessageToDict(moved)) + b"\n")
                else:
                    print(line(moved))
            sys.stdout.flush()
            if not latest.done:
                print(f"... {latest.examined} requests looked at, {latest.changed} to change", file=sys.stderr)
    print(summary(latest, preview=preview), file=sys.stderr)
    return not latest.failed


def line(moved: pb.MovedClock) -> str:
    name = moved.number or moved.request_id
    return f"{name} {moved.name}: {' -> '.join(sides(moved))}"


def sides(moved: pb.MovedClock) -> Iterator[str]:
    for there, clock, target in (
        (moved.HasField("before"), moved.before, moved.target_before),
        (moved.HasField("after"), moved.after, moved.target_after),
    ):
        yield f"{standing(clock)} ({target})" if there else "none"


def standing(clock: resources_pb2.Clock) -> str:
    if clock.HasField("due_time"):
        late = ", over it" if clock.breached else ""
        return f"due {clock.due_time.ToJsonString()}{late}"
    return resources_pb2.ClockPhase.Name(clock.phase).removeprefix("CLOCK_PHASE_").lower()


def summary(latest: pb.MigrateClocksResponse, *, preview: bool) -> str:
    verb = "would change" if preview else "changed"
    failed = f", {latest.failed} failed; see the log, and run it again" if latest.failed else ""
    return f"{latest.changed} of {latest.examined} live requests {verb} under {latest.revision}{failed}"
