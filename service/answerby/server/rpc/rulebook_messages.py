"""Rulebooks, revisions and their history as messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.engine.compiler import data_versions
from answerby.rules.text.diagnostics import Diagnostic
from answerby.server.live.activation import etag_of
from answerby.server.live.following import skew
from answerby.server.live.rulebooks import State, Status
from answerby.server.rpc.values import set_instant
from answerby.store.rulebooks.revision_records import Action, Activation, Revision, Scene, WorkerSeen

STATES = {
    State.UNAVAILABLE: pb.RULEBOOK_STATE_UNAVAILABLE,
    State.ACTIVE: pb.RULEBOOK_STATE_ACTIVE,
    State.DEGRADED: pb.RULEBOOK_STATE_DEGRADED,
}
ACTIONS = {action: pb.RulebookAction.Value(f"RULEBOOK_ACTION_{action.name}") for action in Action}


def rulebook_to(
    status: Status, scene: Scene, waiting: Iterable[str] = (), *, approval_required: bool = False
) -> pb.Rulebook:
    """The rulebook of this worker, and the reports of the other workers."""
    pointer = status.pointer
    message = pb.Rulebook(
        revision=status.revision,
        state=STATES[status.state],
        rule_count=status.rule_count,
        engine=status.engine,
        diagnostics=[diagnostic_to(finding) for finding in status.diagnostics],
        generation=status.generation,
        etag=etag_of(pointer),
        actor=pointer.actor if pointer is not None else "",
        reason=pointer.reason if pointer is not None else "",
        workers=[worker_to(worker) for worker in scene.workers if worker.live],
        skew=skew(scene),
        waiting_revisions=waiting,
        approval_required=approval_required,
    )
    if status.rulebook is not None:
        message.data = data_versions(status.rulebook)
        message.time_zone = status.rulebook.numbering.timezone
        message.files.extend(pb.RulebookFile(path=file.path, sha256=file.sha256) for file in status.rulebook.files)
    if pointer is not None:
        set_instant(message.activate_time, pointer.activated)
    if status.loaded is not None:
        set_instant(message.last_load_time, status.loaded)
    return message


def diagnostic_to(finding: Diagnostic) -> pb.Diagnostic:
    return pb.Diagnostic(
        file=finding.file,
        line=finding.line,
        column=finding.column,
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        hint=finding.hint,
    )


def worker_to(worker: WorkerSeen) -> pb.RulebookWorker:
    message = pb.RulebookWorker(
        name=worker.name,
        revision=worker.beat.revision,
        generation=worker.beat.generation,
        prepared_revision=worker.beat.prepared,
        problem=worker.beat.problem,
    )
    set_instant(message.heard_time, worker.last_beat)
    return message


def revision_to(
    kept: Revision, active: str, files: Mapping[str, bytes] | None = None, *, approval_required: bool = False
) -> pb.Revision:
    """The message of a revision. `active` is the revision that decides."""
    message = pb.Revision(
        revision=kept.revision,
        state=revision_state(kept, active, approval_required=approval_required),
        author=kept.author,
        authors=kept.authors,
        reason=kept.reason,
        source=str(kept.folder or ""),
        rule_count=kept.rules,
    )
    set_instant(message.create_time, kept.created)
    if files is None:
        message.files.extend(pb.RulebookFile(path=file.path, sha256=file.sha256) for file in kept.files)
    else:
        sums = {file.path: file.sha256 for file in kept.files}
        message.files.extend(
            pb.RulebookFile(path=path, sha256=sums.get(path, ""), content=content)
            for path, content in sorted(files.items())
        )
    if kept.verdict is not None:
        message.judge = kept.verdict.actor
        message.judge_reason = kept.verdict.reason
        set_instant(message.judge_time, kept.verdict.time)
    return message


def revision_state(kept: Revision, active: str, *, approval_required: bool) -> pb.RevisionState.ValueType:
    if kept.revision == active:
        return pb.REVISION_STATE_ACTIVE
    if kept.verdict is not None:
        return pb.REVISION_STATE_APPROVED if kept.verdict.approved else pb.REVISION_STATE_REJECTED
    return pb.REVISION_STATE_WAITING if approval_required else pb.REVISION_STATE_KEPT


def activation_to(entry: Activation) -> pb.Activation:
    message = pb.Activation(
        action=ACTIONS[entry.action],
        actor=entry.actor,
        reason=entry.reason,
        from_revision=entry.before,
        to_revision=entry.after,
        generation=entry.generation,
    )
    set_instant(message.time, entry.time)
    return message
