"""`answerby rulebook migrate`: running clocks take the targets of the active rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import tzinfo

import grpc
import orjson
from google.protobuf.json_format import MessageToDict

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import show_time
from answerby.cli.patience import Patience
from answerby.cli.shown_zone import ShownZone
from answerby.server.rpc.values import instant_of


def migrate(
    server: Server, clocks: Sequence[str], limit: int, zone: ShownZone, *, preview: bool, as_json: bool
) -> bool:
    """Prints each clock that moves, progress on standard error, then a sum. False if some requests failed.

    Begins again when the server goes away and comes back: what has moved does not move a second time. Raises
    grpc.RpcError when the server stays away for longer than the patience.
    """
    request = pb.MigrateClocksRequest(clocks=clocks, limit=limit, preview=preview)
    patience = Patience(server.patience)
    shown: set[tuple[str, str]] = set()
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        while True:
            latest = pb.MigrateClocksResponse()
            try:
                for latest in stub.MigrateClocks(request, metadata=server.metadata):
                    patience.answered()
                    _show(latest, shown, zone, as_json=as_json)
            except grpc.RpcError as error:
                patience.outlast(error)
                if latest.examined:
                    print("the server went away; looking at all requests again", file=sys.stderr)
            else:
                break
    print(summary(latest, len({name for name, _ in shown}), preview=preview), file=sys.stderr)
    return not latest.failed


def _show(latest: pb.MigrateClocksResponse, shown: set[tuple[str, str]], zone: ShownZone, *, as_json: bool) -> None:
    """Prints the clocks of one message that are not shown yet."""
    for moved in latest.moved:
        key = (moved.request_id, moved.name)
        if key in shown:
            continue
        shown.add(key)
        if as_json:
            sys.stdout.buffer.write(orjson.dumps(MessageToDict(moved)) + b"\n")
        else:
            print(line(moved, zone.get()))
    sys.stdout.flush()
    if not latest.done:
        print(f"... {latest.examined} requests looked at, {latest.changed} to change", file=sys.stderr)


def line(moved: pb.MovedClock, zone: tzinfo) -> str:
    name = moved.number or moved.request_id
    return f"{name} {moved.name}: {' -> '.join(sides(moved, zone))}"


def sides(moved: pb.MovedClock, zone: tzinfo) -> Iterator[str]:
    for there, clock, target in (
        (moved.HasField("before"), moved.before, moved.target_before),
        (moved.HasField("after"), moved.after, moved.target_after),
    ):
        yield f"{standing(clock, zone)} ({target})" if there else "none"


def standing(clock: resources_pb2.Clock, zone: tzinfo) -> str:
    if clock.HasField("due_time"):
        late = ", over it" if clock.breached else ""
        return f"due {show_time(instant_of(clock.due_time), zone)}{late}"
    return resources_pb2.ClockPhase.Name(clock.phase).removeprefix("CLOCK_PHASE_").lower()


def summary(latest: pb.MigrateClocksResponse, shown: int, *, preview: bool) -> str:
    """`shown` are the requests of which a clock moved, those before an outage included."""
    verb = "would change" if preview else "changed"
    failed = f", {latest.failed} failed; see the log, and run it again" if latest.failed else ""
    return f"{max(shown, latest.changed)} of {latest.examined} live requests {verb} under {latest.revision}{failed}"
