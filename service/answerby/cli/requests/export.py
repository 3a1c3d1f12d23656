"""`answerby export`: a recording from a server's requests, and the stream that a backtest reads directly."""

from __future__ import annotations

import gzip
import lzma
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import grpc
from rich.console import Console

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import Patience
from answerby.cli.period import Period, parse_span, period_of
from answerby.cli.requests.recorded_messages import recorded_from
from answerby.server.rpc.values import set_instant
from answerby.workbench.backtest.recording import VERSION, RecordingHeader, encode_line

NO_LEAD = ("", "0")
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """Requests received in the period, and for `lead` before it, which are there to be counted with them."""

    period: Period
    lead: timedelta
    with_decisions: bool
    tenant: str = "default"
    """What the recording calls its tenant; the credential decides whose requests they are."""

    @property
    def start(self) -> datetime:
        """Raises CommandFailed if the beginning is missing."""
        if self.period.start is None:
            raise CommandFailed("say since when: --since 30d, or --from 2026-03-01")
        return max(EARLIEST, self.period.start - self.lead)


def stream(server: Server, selection: Selection, until: datetime) -> Iterator[bytes]:
    """The header, then a line for each request. After a short outage it goes on at the same place.

    Raises CommandFailed, and grpc.RpcError if the server does not come back or refuses.
    """
    start = selection.start
    assert selection.period.start is not None
    header = RecordingHeader(
        recording=VERSION,
        tenant=selection.tenant,
        since=selection.period.start,
        until=until,
        decisions=selection.with_decisions,
    )
    yield encode_line(header)
    request = rpc.ExportEventsRequest(include_decisions=selection.with_decisions)
    set_instant(request.start_time, start)
    set_instant(request.end_time, until)
    with server.connect() as channel:
        stub = RequestServiceStub(channel)
        patience = Patience(server.patience)
        while True:
            try:
                for message in stub.ExportEvents(request, metadata=server.metadata):
                    patience.answered()
                    request.page_token = message.page_token
                    if message.unreadable:
                        print(f"request {message.request.request_id} left out: {message.unreadable}", file=sys.stderr)
                        continue
                    yield encode_line(
                        recorded_from(message.request, selection.tenant, with_decisions=selection.with_decisions)
                    )
            except grpc.RpcError as error:
                patience.outlast(error)
            else:
                return


def selection_of(since: str, start: str, end: str, lead: str, *, with_decisions: bool) -> Selection:
    """The query from the options of the command. Raises CommandFailed."""
    period = period_of(since, start, end, datetime.now(UTC))
    span = timedelta() if lead in NO_LEAD else parse_span(lead, "--lead")
    return Selection(period, span, with_decisions=with_decisions)


def export_requests(server: Server, selection: Selection, out: Path) -> None:
    """Writes a recording that only its owner may read. Raises CommandFailed, OSError, grpc.RpcError."""
    until = selection.period.end or datetime.now(UTC)
    lines = stream(server, selection, until)
    first = next(lines)
    requests = 0
    with create_file(out) as file:
        file.write(first + b"\n")
        for line in lines:
            file.write(line + b"\n")
            requests += 1
    console = Console(stderr=True, highlight=False)
    console.print(f"{requests} requests in {out}. It holds what customers wrote: keep it as you keep their requests.")


@contextmanager
def create_file(out: Path) -> Iterator[BinaryIO]:
    """The file, compressed by its extension, which gets its name once it is complete. Raises OSError."""
    partial = out.with_name(f".{out.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            match out.suffix:
                case ".xz":
                    with lzma.open(raw, "wb", preset=1) as packed:
                        yield cast("BinaryIO", packed)
                case ".gz":
                    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed_gz:
                        yield cast("BinaryIO", packed_gz)
                case _:
                    yield raw
        partial.replace(out)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
