"""RulebookService: which rules are active, and reloading them."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

from service.api.answerby.v1 import rulebook_service_pb2 as pb
from service.api.answerby.v1 import rulebook_service_pb2_grpc as rpc
from service.server.convert import set_instant
from service.server.interceptors import Context
from service.server.reloads import Reloads
from service.server.rulebooks import RulebookHolder, State, Status

STATES = {
    State.UNAVAILABLE: pb.RULEBOOK_STATE_UNAVAILABLE,
    State.ACTIVE: pb.RULEBOOK_STATE_ACTIVE,
    State.DEGRADED: pb.RULEBOOK_STATE_DEGRADED,
}


class RulebookServicer(rpc.RulebookServiceServicer):
    def __init__(self, rulebooks: RulebookHolder, reloads: Reloads) -> None:
        self._rulebooks = rulebooks
        self._reloads = reloads

    async def GetRulebook(self, request: pb.GetRulebookRequest, context: Context) -> pb.GetRulebookResponse:
        return pb.GetRulebookResponse(rulebook=rulebook_to(self._rulebooks.status))

    async def ReloadRulebook(self, request: pb.ReloadRulebookRequest, context: Context) -> pb.ReloadRulebookResponse:
        changed = False
        if request.validate_only:
            await self._rulebooks.check()
        else:
            changed = await self._reloads.reload()
        return pb.ReloadRulebookResponse(rulebook=rulebook_to(self._rulebooks.status), changed=changed)


def rulebook_to(status: Status) -> pb.Rulebook:
    message = pb.Rulebook(
        revision=status.revision,
        state=STATES[status.state],
        rule_count=status.rule_count,
        engine=status.engine,
        diagnostics=[
            pb.Diagnostic(
                file=finding.file,
                line=finding.line,
                column=finding.column,
                code=finding.code,
                severity=finding.severity,
                message=finding.message,
                hint=finding.hint,
            )
            for finding in status.diagnostics
        ],
    )
    if status.rulebook is not None:
        message.files.extend(pb.RulebookFile(path=file.path, sha256=file.sha256) for file in status.rulebook.files)
    if status.activated is not None:
        set_instant(message.activate_time, status.activated)
    if status.loaded is not None:
        set_instant(message.last_load_time, status.loaded)
    return message
