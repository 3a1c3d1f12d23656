"""The active rulebook of a process, and its status for operators."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from answerby.domain.errors import RulebookRejected
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.matching.matcher import Matcher
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import Diagnostic, error_count_text
from answerby.server.base.services import Services
from answerby.server.live.checking.rule_check import close, finding
from answerby.server.live.pointer import Live, LivePointer
from answerby.store.rulebooks.revision_records import Finding, Pointer, Problem

__all__ = ["Live", "Prepared", "RulebookHolder", "State", "Status", "rejection"]


class State(StrEnum):
    UNAVAILABLE = "unavailable"
    """No valid rulebook has been loaded yet."""
    ACTIVE = "active"
    """The last change was good."""
    DEGRADED = "degraded"
    """The last change was refused; an older rulebook is active."""


@dataclass(frozen=True, slots=True)
class Status:
    """Status of the rulebook for operators."""

    state: State = State.UNAVAILABLE
    rulebook: Rulebook | None = None
    engine: str = ""
    pointer: Pointer | None = None
    """The activation that this process follows."""
    loaded: datetime | None = None
    """Time of the last check of a change."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def revision(self) -> str:
        return self.rulebook.revision if self.rulebook is not None else ""

    @property
    def generation(self) -> int:
        return self.pointer.generation if self.pointer is not None else 0

    @property
    def rule_count(self) -> int:
        return count_rules(self.rulebook) if self.rulebook is not None else 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Revision that is ready to decide."""

    revision: str
    """Name in the store. Another version of the program may compute another hash for the same files."""
    compiled: CompiledRulebook
    files: Mapping[str, bytes]
    warnings: tuple[Diagnostic, ...] = ()


class RulebookHolder:
    """Holder of the active rulebook of a process, and of one more revision that is ready to follow."""

    def __init__(self, services: Services) -> None:
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._live = LivePointer()
        self._problem: Problem | None = None
        self._trouble = ""
        self.reports = 0
        """Number of calls of `set_problem`."""
        self.status = Status()
        self.current: Prepared | None = None
        """Revision that decides."""
        self.ready: Prepared | None = None
        """Revision that is ready to be next."""

    def use(self) -> AbstractContextManager[Live]:
        """The active rulebook, open for the whole block. Raises RulebookUnavailable."""
        return self._live.use()

    @property
    def matcher(self) -> Matcher | None:
        """Matcher of the active rulebook."""
        compiled = self._live.compiled
        return compiled.matcher if compiled is not None else None

    @property
    def active(self) -> Rulebook | None:
        compiled = self._live.compiled
        return compiled.rulebook if compiled is not None else None

    def has(self, revision: str) -> bool:
        """Whether `follow` could go to this revision at once."""
        return any(p is not None and p.revision == revision for p in (self.current, self.ready))

    def offer(self, prepared: Prepared) -> None:
        """Holds the revision ready, in place of the earlier one."""
        self.withdraw()
        self.ready = prepared

    def withdraw(self) -> None:
        """Drops the revision that is ready."""
        if self.ready is not None:
            close(self.ready.compiled)
        self.ready = None

    def follow(self, pointer: Pointer) -> bool:
        """Switches to the revision of the pointer at once. Returns False for a revision that is not ready."""
        if self.status.pointer == pointer:
            return True
        if self.current is not None and self.current.revision == pointer.revision:
            self._show(pointer=pointer)
            return True
        if self.ready is None or self.ready.revision != pointer.revision:
            return False
        self.current, self.ready = self.ready, None
        self._swap(self.current, pointer)
        return True

    def set_problem(self, problem: Problem | None) -> None:
        """Sets the problem of the last change, from any worker; None after a good change."""
        self.reports += 1
        if problem != self._problem:
            self._problem = problem
            self._show()

    def set_trouble(self, reason: str) -> None:
        """Sets the reason why this process cannot follow; empty for none."""
        if reason != self._trouble:
            self._trouble = reason
            self._show()

    def note_check(self, *, good: bool) -> None:
        """Notes the check of a change in this process."""
        self._metrics.rulebook_loaded(good=good)
        self._show(loaded=self._now())

    def close(self) -> None:
        """Retires the active rulebook."""
        self.withdraw()
        self._live.swap(None)
        self.current = None

    def _swap(self, prepared: Prepared, pointer: Pointer) -> None:
        before = self.status.revision
        self._live.swap(prepared.compiled)
        matcher = prepared.compiled.matcher
        rulebook = prepared.compiled.rulebook
        self._show(pointer=pointer, rulebook=rulebook, engine=matcher.name)
        self._metrics.rulebook_active(before, rulebook.revision, self.status.rule_count, pointer.activated)
        self._logger.info(
            "rulebook activated",
            revision=rulebook.revision,
            generation=pointer.generation,
            rules=self.status.rule_count,
            engine=self.status.engine,
        )
        if matcher.fallback_reason:
            self._logger.warning("reference matcher in use", reason=matcher.fallback_reason, engine=self.status.engine)

    def _show(self, **changes: object) -> None:
        status = replace(self.status, **changes)  # type: ignore[arg-type]
        bad = self._problem is not None or bool(self._trouble)
        state = State.UNAVAILABLE if self._live.compiled is None else State.DEGRADED if bad else State.ACTIVE
        self.status = replace(status, state=state, diagnostics=self._diagnostics())
        self._metrics.rulebook_state(state, State)

    def _diagnostics(self) -> tuple[Diagnostic, ...]:
        diagnostics = tuple(diagnostic_of(item) for item in self._problem.findings) if self._problem is not None else ()
        if self._trouble:
            diagnostics += (finding("CANNOT_FOLLOW", self._trouble),)
        return diagnostics or (self.current.warnings if self.current is not None else ())


def count_rules(rulebook: Rulebook) -> int:
    """Number of rules and table rows."""
    return sum(len(stage.rules) for stage in rulebook.stages)


def finding_of(diagnostic: Diagnostic) -> Finding:
    """Finding of the store for a diagnostic."""
    return Finding(
        code=str(diagnostic.code),
        severity=str(diagnostic.severity),
        file=diagnostic.file,
        line=diagnostic.line,
        column=diagnostic.column,
        message=diagnostic.message,
        hint=diagnostic.hint,
    )


def diagnostic_of(record: Finding) -> Diagnostic:
    return Diagnostic(
        record.code, record.severity, record.file, record.line, record.column, record.message, record.hint
    )


def rejection(diagnostics: tuple[Diagnostic, ...]) -> RulebookRejected:
    """Error that lists all mistakes of the rule files."""
    findings = [str(finding) for finding in diagnostics if finding.severity == "error"]
    if not findings:
        return RulebookRejected()
    return RulebookRejected(findings, f"the rule files have {error_count_text(len(findings))}: {findings[0]}")
