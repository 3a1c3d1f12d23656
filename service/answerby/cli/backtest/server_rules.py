"""The rule files of a revision on a server."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from answerby.api.v1 import rulebook_service_pb2 as rpc
from answerby.api.v1.rulebook_service_pb2_grpc import RulebookServiceStub
from answerby.cli.client import Server
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import Patience

CALL_SECONDS = 30.0


def fetch_revision(server: Server, revision: str, folder: Path) -> str:
    """Writes the files of the revision below the folder. Empty: the active one. Returns the revision.

    Raises grpc.RpcError.
    """
    with server.connect() as channel:
        stub = RulebookServiceStub(channel)
        patience = Patience(server.patience)
        if not revision:
            asked = rpc.GetRulebookRequest()
            active = patience.ask(lambda: stub.GetRulebook(asked, metadata=server.metadata, timeout=CALL_SECONDS))
            revision = active.rulebook.revision
        if not revision:
            raise CommandFailed("the server has no active rules")
        request = rpc.GetRevisionRequest(revision=revision, include_files=True)
        answer = patience.ask(lambda: stub.GetRevision(request, metadata=server.metadata, timeout=CALL_SECONDS))
    for file in answer.revision.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise CommandFailed(f'the server names a rule file "{file.path}", which no rules folder can hold')
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
    return revision
