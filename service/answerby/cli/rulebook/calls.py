"""Calls of `answerby rulebook` to a server, and their answers as text. All raise grpc.RpcError."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status
from rich.table import Table

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.api.v1.rulebook_service_pb2_grpc import RulebookServiceStub
from answerby.cli.client import Server
from answerby.cli.decision_tables import console_for_tables, print_json
from answerby.cli.fail import CommandFailed
from answerby.cli.rulebook.text import action_word, history_table, revisions_table, show_lines, workers_table
from answerby.cli.shown_zone import ShownZone
from answerby.server.live.rule_files import lay_out, read_rule_files

CALL_SECONDS = 30.0
CHANGE_SECONDS = 60.0
LARGEST_PAGE = 500


class Client:
    """The calls of RulebookService with the caller's token."""

    def __init__(self, stub: RulebookServiceStub, server: Server) -> None:
        self._stub = stub
        self._server = server

    def ask(self, method: str, request: Message, seconds: float = CALL_SECONDS) -> Message:
        call = getattr(self._stub, method)
        reply: Message = call(request, metadata=self._server.metadata, timeout=seconds)
        return reply

    def rulebook(self) -> pb.Rulebook:
        reply = self.ask("GetRulebook", pb.GetRulebookRequest())
        assert isinstance(reply, pb.GetRulebookResponse)
        return reply.rulebook


@contextmanager
def connected(server: Server) -> Iterator[Client]:
    """A client. Before an error goes on, the mistakes in rule files that it names are listed."""
    with server.connect() as channel:
        try:
            yield Client(RulebookServiceStub(channel), server)  # type: ignore[no-untyped-call,unused-ignore]
        except grpc.RpcError as error:
            for line in mistakes(error):
                print(line, file=sys.stderr)
            raise


def mistakes(error: grpc.RpcError) -> list[str]:
    """Every mistake in the rule files that a refusal names."""
    status: Any = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    failure = error_details_pb2.PreconditionFailure()
    for detail in status.details if status is not None else ():
        if detail.Unpack(failure):
            return [violation.description for violation in failure.violations]
    return []


def show(server: Server, zone: ShownZone, *, as_json: bool) -> bool:
    """Whether the last change was accepted."""
    with connected(server) as client:
        rulebook = client.rulebook()
    if as_json:
        print_json(rulebook)
    else:
        print("\n".join(show_lines(rulebook, zone.known(rulebook))))
    return bool(rulebook.state == pb.RULEBOOK_STATE_ACTIVE)


def workers(server: Server, *, as_json: bool) -> bool:
    """Whether all workers run the active revision."""
    with connected(server) as client:
        rulebook = client.rulebook()
    if as_json:
        for worker in rulebook.workers:
            print_json(worker)
    else:
        console_for_tables().print(workers_table(rulebook))
    return bool(rulebook.skew == 0)


def revisions(server: Server, limit: int, zone: ShownZone, *, as_json: bool) -> None:
    found = listed(server, "ListRevisions", pb.ListRevisionsRequest, "revisions", limit)
    show_all(found, revisions_table, zone, as_json=as_json)


def history(server: Server, limit: int, zone: ShownZone, *, as_json: bool) -> None:
    found = listed(server, "ListActivations", pb.ListActivationsRequest, "activations", limit)
    show_all(found, history_table, zone, as_json=as_json)


def listed(server: Server, method: str, request: Callable[..., Message], field: str, limit: int) -> list[Any]:
    """The first `limit` items of a list call, page by page."""
    found: list[Any] = []
    token = ""
    with connected(server) as client:
        while len(found) < limit:
            page = request(page_size=min(limit - len(found), LARGEST_PAGE), page_token=token)
            reply: Any = client.ask(method, page)
            found += getattr(reply, field)
            token = reply.next_page_token
            if not token:
                break
    return found


def show_all(found: list[Any], table: Callable[[list[Any], tzinfo], Table], zone: ShownZone, *, as_json: bool) -> None:
    if as_json:
        for item in found:
            print_json(item)
    else:
        console_for_tables().print(table(found, zone.get() if found else UTC))


def files(server: Server, revision: str, out: Path) -> None:
    """Raises CommandFailed if the folder is not empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CommandFailed(f"{out} is not empty; name a new folder")
    with connected(server) as client:
        reply = client.ask("GetRevision", pb.GetRevisionRequest(revision=revision, include_files=True))
    assert isinstance(reply, pb.GetRevisionResponse)
    content = {file.path: file.content for file in reply.revision.files}
    if outside := [path for path in content if Path(path).is_absolute() or ".." in Path(path).parts]:
        raise CommandFailed(f"the server names a file outside of the folder: {outside[0]}")
    lay_out(content, out)
    print(f"{len(content)} files of {reply.revision.revision} in {out}")


def reload(server: Server, reason: str, *, check: bool, keep_only: bool, as_json: bool) -> None:
    request = pb.ReloadRulebookRequest(validate_only=check, reason=reason, keep_only=keep_only)
    with connected(server) as client:
        reply = client.ask("ReloadRulebook", request, CHANGE_SECONDS)
    assert isinstance(reply, pb.ReloadRulebookResponse)
    show_brought(reply, check=check, as_json=as_json)


def upload(server: Server, folder: Path, reason: str, *, check: bool, keep_only: bool, as_json: bool) -> None:
    """Raises CommandFailed for a folder that cannot be read."""
    read = read_rule_files(folder)
    if read.trouble or not read.content:
        raise CommandFailed(read.trouble or f"{folder} holds no rule files")
    request = pb.UploadRevisionRequest(
        files=[pb.RulebookFile(path=path, content=content) for path, content in sorted(read.content.items())],
        validate_only=check,
        reason=reason,
        keep_only=keep_only,
    )
    with connected(server) as client:
        reply = client.ask("UploadRevision", request, CHANGE_SECONDS)
    assert isinstance(reply, pb.UploadRevisionResponse)
    show_brought(reply, check=check, as_json=as_json)


def show_brought(reply: pb.ReloadRulebookResponse | pb.UploadRevisionResponse, *, check: bool, as_json: bool) -> None:
    if as_json:
        print_json(reply)
    elif check:
        print(f"{reply.revision} is good; nothing was changed")
    elif reply.waiting:
        print(f"{reply.revision} waits for an approver: answerby rulebook approve {reply.revision} --activate")
    elif reply.changed:
        print(f"{reply.revision} is live{followed(reply.rulebook)}")
    elif reply.revision == reply.rulebook.revision:
        print(f"{reply.revision} is live already")
    else:
        print(f"{reply.revision} is kept; {reply.rulebook.revision or 'nothing'} is live")


def followed(rulebook: pb.Rulebook) -> str:
    count = len(rulebook.workers)
    return f"; {count - rulebook.skew} of {count} workers run it" if rulebook.skew else ""


def activate(server: Server, revision: str, reason: str, etag: str, *, as_json: bool) -> None:
    request = pb.ActivateRevisionRequest(revision=revision, reason=reason, etag=etag)
    with connected(server) as client:
        reply = client.ask("ActivateRevision", request, CHANGE_SECONDS)
    assert isinstance(reply, pb.ActivateRevisionResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"{revision} is live{'' if reply.changed else ' already'}{followed(reply.rulebook)}")


def rollback(server: Server, reason: str, etag: str, *, as_json: bool) -> None:
    with connected(server) as client:
        reply = client.ask("RollbackRulebook", pb.RollbackRulebookRequest(reason=reason, etag=etag), CHANGE_SECONDS)
    assert isinstance(reply, pb.RollbackRulebookResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"{reply.rulebook.revision} is live again, in place of {reply.from_revision}{followed(reply.rulebook)}")


def approve(server: Server, revision: str, reason: str, *, put_live: bool, as_json: bool) -> None:
    request = pb.ApproveRevisionRequest(revision=revision, reason=reason, activate=put_live)
    with connected(server) as client:
        reply = client.ask("ApproveRevision", request, CHANGE_SECONDS)
    assert isinstance(reply, pb.ApproveRevisionResponse)
    if as_json:
        print_json(reply)
    else:
        live = "is approved and live" if put_live else "is approved; an operator can put it live"
        print(f"{revision} {live}")


def reject(server: Server, revision: str, reason: str, *, as_json: bool) -> None:
    with connected(server) as client:
        reply = client.ask("RejectRevision", pb.RejectRevisionRequest(revision=revision, reason=reason))
    assert isinstance(reply, pb.RejectRevisionResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"{revision} is {action_word(pb.RULEBOOK_ACTION_REJECT)}")
