"""Actions of people on the rules: bring, activate, roll back, approve and refuse a change."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from answerby.domain.errors import (
    ApprovalRequired,
    RevisionActive,
    RevisionNotFound,
    RevisionRefused,
    RulebookRejected,
)
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import Diagnostic
from answerby.server.base.roles import OwnRevision
from answerby.server.base.services import Services
from answerby.server.live.activation import Activator, Order, log_action
from answerby.server.live.checking.rule_check import Checked
from answerby.server.live.preparing import Preparer
from answerby.server.live.rule_files import RuleFiles, RulesFolder
from answerby.server.live.rulebooks import RulebookHolder, count_rules, finding_of, rejection
from answerby.store.rulebooks.revision_records import (
    Action,
    Activation,
    FileEntry,
    JudgeOutcome,
    Pointer,
    Problem,
    Revision,
    Verdict,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a change."""

    revision: str
    changed: bool = False
    """Whether another revision is live now."""
    waiting: bool = False
    """Whether the revision waits for an approver."""


class Changes:
    """Changes of the rules, one at a time in a process. A change continues to its end without its caller."""

    def __init__(
        self,
        services: Services,
        holder: RulebookHolder,
        preparer: Preparer,
        activator: Activator,
        folder: RulesFolder,
    ) -> None:
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._holder = holder
        self._preparer = preparer
        self._activator = activator
        self._folder = folder
        self._one = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def validate(self, files: RuleFiles) -> Checked:
        """Result of the checks of a change, without keeping the change. Raises RulebookRejected."""
        checked = await self._preparer.check(files)
        if checked.rulebook is None:
            raise rejection(checked.diagnostics)
        return checked

    async def bring(self, files: RuleFiles, order: Order, *, keep_only: bool = False) -> Outcome:
        """Checks the files, keeps them as a revision, and puts the revision live when that is allowed.

        Raises RulebookRejected, RevisionRefused, and the errors of put_live.
        """
        return await self._run_to_end(self._bring(files, order, keep_only))

    async def activate(self, revision: str, order: Order) -> Outcome:
        """Puts a revision of the store live. Its rule tests run again, except for a rollback.

        Raises RevisionNotFound, ApprovalRequired, RevisionRefused, RulebookRejected, and the errors of put_live.
        """
        return await self._run_to_end(self._activate(revision, order))

    async def rollback(self, order: Order) -> tuple[str, Outcome]:
        """Puts the previous revision live. The result starts with the name of the revision that was active.

        Raises the errors of `activate`, and NoPreviousRevision.
        """
        return await self._run_to_end(self._rollback(order))

    async def judge(self, revision: str, actor: str, reason: str, *, approved: bool) -> Revision:
        """Approves or refuses a revision. Raises RevisionNotFound, OwnRevision, RevisionActive."""
        now = self._now()
        before = await self._store.revisions.active()
        action = Action.APPROVE if approved else Action.REJECT
        entry = _entry(action, now, actor, reason, before, revision)
        verdict = Verdict(approved=approved, actor=actor, time=now, reason=reason)
        match await self._store.revisions.judge(revision, verdict, entry):
            case JudgeOutcome.OWN:
                raise OwnRevision
            case JudgeOutcome.ACTIVE:
                raise RevisionActive
            case JudgeOutcome.GONE:
                raise RevisionNotFound(f"no revision {revision} is kept; see ListRevisions", name=revision)
            case JudgeOutcome.OK:
                self._metrics.rulebook_action(action)
                log_action(self._logger, entry)
        return await self.revision(revision)

    async def revision(self, revision: str) -> Revision:
        """Revision of this name in the store. Raises RevisionNotFound."""
        record = await self._store.revisions.get(revision)
        if record is None:
            raise RevisionNotFound(f"no revision {revision} is kept; see ListRevisions", name=revision)
        return record

    async def check_trial(self, revision: str, *, operator: bool) -> None:
        """Raises RevisionNotFound, RevisionRefused or ApprovalRequired for a revision that must not be tried."""
        record = await self.revision(revision)
        check_verdict(record)
        if self._waits(record) and not operator:
            raise ApprovalRequired

    async def note(self, action: Action, order: Order, revision: str) -> None:
        """Records an action without an activation in history, metrics and log."""
        before = await self._store.revisions.active()
        entry = _entry(action, self._now(), order.actor, order.reason, before, revision)
        await self._store.revisions.note(entry)
        self._metrics.rulebook_action(action)
        log_action(self._logger, entry)

    async def give_back(self) -> None:
        """Restores a rulebook that the store has lost."""
        await self._run_to_end(self._activator.give_back())

    async def folder_is_good(self, actor: str) -> None:
        """Clears the problem of a folder that is good now. The problem of an upload stays."""
        problem = (await self._store.workers.look()).problem
        if problem is not None and (problem.actor == actor or problem.folder == self._folder.name):
            await self._clear_problem()

    async def _clear_problem(self) -> None:
        await self._store.workers.show_problem(None)
        self._holder.set_problem(None)

    async def _bring(self, files: RuleFiles, order: Order, keep_only: bool) -> Outcome:
        checked = await self._preparer.check(files)
        self._holder.note_check(good=checked.rulebook is not None)
        if checked.rulebook is None:
            await self._refuse(checked.diagnostics, order)
        revision = checked.rulebook.revision
        record = await self._keep(files, checked.rulebook, order)
        await self._clear_problem()
        if keep_only or self._waits(record):
            return await self._note_kept(record, order)
        check_verdict(record)
        active = await self._activator.expected(order)
        if active is not None and active.revision == revision:
            return Outcome(revision)
        prepared = await self._preparer.compile(revision, checked.rulebook, files.content, checked.diagnostics)
        return Outcome(revision, changed=await self._activator.put_live(prepared, order))

    async def _refuse(self, diagnostics: tuple[Diagnostic, ...], order: Order) -> NoReturn:
        """Shows the mistakes to all workers. Raises RulebookRejected."""
        for diagnostic in diagnostics:
            self._logger.error(
                "rule file rejected",
                file=diagnostic.file,
                line=diagnostic.line,
                column=diagnostic.column,
                diagnostic=diagnostic.code,
            )
        findings = [finding_of(diagnostic) for diagnostic in diagnostics]
        problem = Problem(order.actor, self._now(), findings, order.folder)
        try:
            await self._store.workers.show_problem(problem)
        finally:
            self._holder.set_problem(problem)
        raise rejection(diagnostics)

    async def _keep(self, files: RuleFiles, rulebook: Rulebook, order: Order) -> Revision:
        now = self._now()
        revision = Revision(
            revision=rulebook.revision,
            author=order.actor,
            created=now,
            reason=order.reason,
            folder=order.folder,
            rules=count_rules(rulebook),
            files=[FileEntry(file.path, file.sha256) for file in rulebook.files],
        )
        await self._store.revisions.save(revision, files.content, files.digest, self._activator.keeping, now)
        return await self.revision(revision.revision)

    async def _note_kept(self, record: Revision, order: Order) -> Outcome:
        await self.note(Action.KEEP, order, record.revision)
        return Outcome(record.revision, waiting=self._waits(record))

    def _waits(self, record: Revision) -> bool:
        return self._activator.approval_required and record.verdict is None

    async def _activate(self, revision: str, order: Order) -> Outcome:
        record = await self.revision(revision)
        check_verdict(record)
        if self._waits(record):
            raise ApprovalRequired
        active = await self._activator.expected(order)
        if active is not None and active.revision == revision:
            return Outcome(revision)
        files = await self._store.revisions.files(revision)
        if files is None:
            raise RevisionNotFound(f"no revision {revision} is kept; see ListRevisions", name=revision)
        checked = await self._preparer.check(RuleFiles(files), tests=order.action is not Action.ROLLBACK)
        if checked.rulebook is None:
            raise rejection(checked.diagnostics)
        prepared = await self._preparer.compile(revision, checked.rulebook, files, checked.diagnostics)
        changed = await self._activator.put_live(prepared, order)
        await self._clear_problem()
        return Outcome(revision, changed=changed)

    async def _rollback(self, order: Order) -> tuple[str, Outcome]:
        previous = await self._activator.previous(order)
        active = await self._activator.expected(order)
        outcome = await self._activate(previous, order)
        return (active.revision if active is not None else ""), outcome

    async def _run_to_end(self, work: Coroutine[Any, Any, T]) -> T:
        async def alone() -> T:
            async with self._one:
                return await work

        task = asyncio.create_task(alone())
        self._running.add(task)
        task.add_done_callback(self._log_failure)
        return await asyncio.shield(task)

    def _log_failure(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or task.exception() is None or isinstance(task.exception(), RulebookRejected):
            return
        self._logger.warning("rulebook action failed", exc_info=task.exception())


def check_verdict(record: Revision) -> None:
    """Raises RevisionRefused for a revision that an approver refused."""
    verdict = record.verdict
    if verdict is not None and not verdict.approved:
        raise RevisionRefused(f"{verdict.actor} refused {record.revision}: {verdict.reason}")


def _entry(action: Action, now: datetime, actor: str, reason: str, before: Pointer | None, after: str) -> Activation:
    return Activation(
        action=action,
        time=now,
        actor=actor,
        reason=reason,
        before=before.revision if before is not None else "",
        after=after,
    )
