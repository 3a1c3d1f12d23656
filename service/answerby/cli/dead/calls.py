"""The calls of `answerby dead`, and what they print. All raise grpc.RpcError."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum

import grpc
from rich.table import Column, Table
from rich.text import Text

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, print_json, show_time
from answerby.cli.fail import CommandFailed, describe_rpc
from answerby.cli.patience import OUTLASTED, ask
from answerby.cli.shown_zone import ShownZone
from answerby.server.rpc.values import instant_of

CALL_SECONDS = 30.0
PAGE = 500
WAYS = {
    "": pb.DEAD_LETTER_DIRECTION_UNSPECIFIED,
    "in": pb.DEAD_LETTER_DIRECTION_INBOUND,
    "out": pb.DEAD_LETTER_DIRECTION_OUTBOUND,
}


class Action(StrEnum):
    REPLAY = "replay"
    DISCARD = "discard"


def list_letters(server: Server, connector: str, way: str, zone: ShownZone, *, as_json: bool) -> None:
    """Prints every dead letter without its content. Raises CommandFailed."""
    letters = list(_letters(server, connector, way))
    if as_json:
        for letter in letters:
            print_json(letter)
        return
    if not letters:
        print("nothing was given up")
        return
    shown = zone.get()
    table = Table(Column("id", no_wrap=True), "connector", "request", "what", "died", "attempts", "reason", box=None)
    for letter in letters:
        what = f"{letter.kind} {letter.key}{f' of decision {letter.sequence}' if letter.sequence else ''}"
        died = show_time(instant_of(letter.die_time), shown)
        row = (letter.id, letter.connector, letter.request_id, what, died, str(letter.attempts), letter.reason)
        table.add_row(*(Text(printable_lines(cell)) for cell in row))
    console_for_tables().print(table)


def show_letter(server: Server, letter_id: str, zone: ShownZone, *, as_json: bool) -> None:
    """Prints a dead letter with its content."""
    with server.connect() as channel:
        letter = _get(ConnectorServiceStub(channel), server, letter_id)
    if as_json:
        print_json(letter)
        return
    for name in ("id", "connector", "request_id", "number", "kind", "key", "reason"):
        print(printable_lines(f"{name}: {getattr(letter, name)}"))
    print(f"died: {show_time(instant_of(letter.die_time), zone.get())}, after {letter.attempts} attempts")
    print(printable_lines(letter.content.decode(errors="replace")))


def act(server: Server, action: Action, ids: Sequence[str], connector: str, way: str) -> bool:
    """Replays or discards the dead letters. False when one was refused; the others are done all the same.

    Raises CommandFailed unless ids or a connector are named.
    """
    if bool(ids) == bool(connector):
        raise CommandFailed(f"name the dead letters, or all of a connector: answerby dead {action} --connector NAME")
    done, refused = 0, 0
    chosen = ids or [letter.id for letter in _letters(server, connector, way)]
    with server.connect() as channel:
        stub = ConnectorServiceStub(channel)
        for letter_id in chosen:
            try:
                _act(stub, server, action, letter_id)
                done += 1
            except grpc.RpcError as error:
                if error.code() in OUTLASTED:
                    raise
                refused += 1
                print(printable_lines(f"{letter_id}: {describe_rpc(error)}"), file=sys.stderr)
    print(f"{done} {'replayed' if action is Action.REPLAY else 'discarded'}, {refused} refused")
    return not refused


def export_letters(server: Server, connector: str, way: str) -> None:
    """Prints every dead letter with its content, a line of JSON each. Raises CommandFailed."""
    letters = list(_letters(server, connector, way))
    with server.connect() as channel:
        stub = ConnectorServiceStub(channel)
        for letter in letters:
            print_json(_get(stub, server, letter.id))


def _act(stub: ConnectorServiceStub, server: Server, action: Action, letter_id: str) -> None:
    if action is Action.REPLAY:
        ask(server, stub.ReplayDeadLetter, pb.ReplayDeadLetterRequest(id=letter_id), CALL_SECONDS)
    else:
        ask(server, stub.DiscardDeadLetter, pb.DiscardDeadLetterRequest(id=letter_id), CALL_SECONDS)


def _get(stub: ConnectorServiceStub, server: Server, letter_id: str) -> pb.DeadLetter:
    request = pb.GetDeadLetterRequest(id=letter_id)
    reply: pb.GetDeadLetterResponse = ask(server, stub.GetDeadLetter, request, CALL_SECONDS)
    return reply.dead_letter


def _letters(server: Server, connector: str, way: str) -> Iterator[pb.DeadLetter]:
    if way not in WAYS:
        raise CommandFailed(f"--way {way}: write in or out")
    token = ""
    with server.connect() as channel:
        stub = ConnectorServiceStub(channel)
        while True:
            request = pb.ListDeadLettersRequest(
                direction=WAYS[way], connector=connector, page_size=PAGE, page_token=token
            )
            page: pb.ListDeadLettersResponse = ask(server, stub.ListDeadLetters, request, CALL_SECONDS)
            yield from page.dead_letters
            token = page.next_page_token
            if not token:
                return
