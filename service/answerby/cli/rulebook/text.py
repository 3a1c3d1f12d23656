"""Rulebooks, revisions and their history as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from rich.table import Column, Table
from rich.text import Text

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.cli.decision_tables import show_time
from answerby.server.rpc.values import instant_of

STATES = {
    pb.RULEBOOK_STATE_UNAVAILABLE: "UNAVAILABLE: no valid rules yet, nothing is served",
    pb.RULEBOOK_STATE_ACTIVE: "ACTIVE",
    pb.RULEBOOK_STATE_DEGRADED: "DEGRADED: the last change was refused, the rules before it are live",
}
REVISION_STATES = {
    pb.REVISION_STATE_KEPT: "kept",
    pb.REVISION_STATE_WAITING: "waiting",
    pb.REVISION_STATE_APPROVED: "approved",
    pb.REVISION_STATE_REJECTED: "rejected",
    pb.REVISION_STATE_ACTIVE: "LIVE",
}
ACTIONS = {
    pb.RULEBOOK_ACTION_START: "first start",
    pb.RULEBOOK_ACTION_RELOAD: "reload",
    pb.RULEBOOK_ACTION_UPLOAD: "upload",
    pb.RULEBOOK_ACTION_ACTIVATE: "activate",
    pb.RULEBOOK_ACTION_ROLLBACK: "roll back",
    pb.RULEBOOK_ACTION_APPROVE: "approved",
    pb.RULEBOOK_ACTION_REJECT: "rejected",
    pb.RULEBOOK_ACTION_KEEP: "kept",
    pb.RULEBOOK_ACTION_RESTORE: "restore",
    pb.RULEBOOK_ACTION_TRY: "try",
    pb.RULEBOOK_ACTION_END_TRIAL: "end of trial",
    pb.RULEBOOK_ACTION_PROMOTE: "promote",
}


def action_word(action: pb.RulebookAction.ValueType) -> str:
    return ACTIONS.get(action, "?")


def show_lines(rulebook: pb.Rulebook, zone: tzinfo) -> Iterator[str]:
    yield f"revision   {rulebook.revision or 'none'}"
    yield f"state      {STATES.get(rulebook.state, '?')}"
    if rulebook.revision:
        since = show_time(instant_of(rulebook.activate_time), zone)
        yield f"live since {since}, by {rulebook.actor}{f': {rulebook.reason}' if rulebook.reason else ''}"
        yield f"rules      {rulebook.rule_count} in {len(rulebook.files)} files, engine {rulebook.engine}"
        yield f"etag       {rulebook.etag}"
    count = len(rulebook.workers)
    yield f"workers    {count - rulebook.skew} of {count} run it"
    if rulebook.approval_required:
        yield f"waiting    {', '.join(rulebook.waiting_revisions) or 'none'} (approval required)"
    for found in rulebook.diagnostics:
        place = f"{found.file}:{found.line}:{found.column}: " if found.file else ""
        hint = f" ({found.hint})" if found.hint else ""
        yield f"{found.severity}: {place}{found.code} {found.message}{hint}"


def workers_table(rulebook: pb.Rulebook) -> Table:
    table = Table(Column("worker", no_wrap=True), "runs", "activation", "made ready", "problem", box=None)
    for worker in rulebook.workers:
        table.add_row(
            worker.name, worker.revision, str(worker.generation), worker.prepared_revision, Text(worker.problem)
        )
    return table


def revisions_table(revisions: Iterable[pb.Revision], zone: tzinfo) -> Table:
    table = Table(Column("revision", no_wrap=True), "state", "rules", "brought", "by", "why", "judged", box=None)
    for kept in revisions:
        judged = f"{kept.judge}: {kept.judge_reason}" if kept.judge_reason else kept.judge
        table.add_row(
            kept.revision,
            REVISION_STATES.get(kept.state, "?"),
            str(kept.rule_count),
            show_time(instant_of(kept.create_time), zone),
            Text(", ".join(kept.authors)),
            Text(kept.reason),
            Text(judged),
        )
    return table


def history_table(entries: Iterable[pb.Activation], zone: tzinfo) -> Table:
    table = Table(Column("when", no_wrap=True), "what", "by", "why", "from", "to", box=None)
    for entry in entries:
        table.add_row(
            show_time(instant_of(entry.time), zone),
            action_word(entry.action),
            Text(entry.actor),
            Text(entry.reason),
            entry.from_revision,
            entry.to_revision,
        )
    return table
