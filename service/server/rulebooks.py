"""The active rulebook: load -> compile -> warm -> run its tests -> swap one pointer.

Everything that can fail happens before the pointer moves, so a bad folder changes nothing. Decisions in progress finish
on the rulebook that they began with; its matcher is closed when the last of them is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from service.domain.errors import EngineLimit, RulebookRejected, RulebookUnavailable
from service.domain.event import Event
from service.engine.compiled import CompiledRulebook, compile_rulebook
from service.engine.decide import Context, decide
from service.engine.matcher import Matcher
from service.engine.rule_tests.runner import run_folder
from service.engine.rule_tests.suite import BadSuite
from service.rules.diagnostic import Diagnostic
from service.rules.loader import LoadResult, load_rulebook
from service.rules.model import Rulebook
from service.server.config import Engine
from service.server.logs import Logger
from service.server.metrics import Metrics
from service.server.snapshots import Snapshots
from service.server.windows import Windows


class State(StrEnum):
    UNAVAILABLE = "unavailable"
    """No valid rulebook has been loaded yet."""
    ACTIVE = "active"
    """The last load was good."""
    DEGRADED = "degraded"
    """The last load failed; an older rulebook is active."""


@dataclass(frozen=True, slots=True)
class Status:
    """What an operator sees of the rulebook."""

    state: State = State.UNAVAILABLE
    rulebook: Rulebook | None = None
    engine: str = ""
    activated: datetime | None = None
    loaded: datetime | None = None
    """When the last load was tried."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def revision(self) -> str:
        return self.rulebook.revision if self.rulebook is not None else ""

    @property
    def rule_count(self) -> int:
        return sum(len(stage.rules) for stage in self.rulebook.stages) if self.rulebook is not None else 0


class Live:
    """A compiled rulebook that decides, with what the store must be asked for it, and how many use it."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self.compiled = compiled
        self.windows = Windows(compiled.rulebook.vocabulary)
        self.users = 0
        self.retired = False

    def close_if_done(self) -> None:
        close = getattr(self.compiled.matcher, "close", None)
        if self.retired and self.users == 0 and close is not None:
            close()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What a load came to: a compiled rulebook, or none and the reasons."""

    diagnostics: tuple[Diagnostic, ...]
    compiled: CompiledRulebook | None


class RulebookHolder:
    """The one pointer to the active rulebook of a process."""

    def __init__(
        self, folder: Path, engine: Engine, metrics: Metrics, logger: Logger, snapshots: Snapshots | None = None
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._metrics = metrics
        self._logger = logger
        self._snapshots = snapshots
        self._live: Live | None = None
        self._loading = asyncio.Lock()
        self.status = Status()

    @contextmanager
    def use(self) -> Iterator[Live]:
        """The active rulebook, kept open while in use. Raises RulebookUnavailable."""
        live = self._live
        if live is None:
            raise RulebookUnavailable
        live.users += 1
        try:
            yield live
        finally:
            live.users -= 1
            live.close_if_done()

    @property
    def matcher(self) -> Matcher | None:
        """Of the active rulebook."""
        return self._live.compiled.matcher if self._live is not None else None

    @property
    def active(self) -> Rulebook | None:
        return self._live.compiled.rulebook if self._live is not None else None

    async def reload(self) -> bool:
        """Reads the folder again and activates it. True when the revision changed. Raises RulebookRejected."""
        async with self._loading:
            candidate = await asyncio.to_thread(self._prepare, self._folder, self.status.revision)
            return await self._settle(candidate)

    async def start(self) -> None:
        """The first load. When the folder is bad, the last good rulebook that was kept is activated instead."""
        try:
            await self.reload()
        except RulebookRejected:
            await self._restore()

    async def check(self) -> tuple[Diagnostic, ...]:
        """What a reload would find, without a change. Raises RulebookRejected."""
        candidate = await asyncio.to_thread(self._prepare, self._folder, "")
        if candidate.compiled is None:
            raise rejection(candidate.diagnostics)
        _close(candidate.compiled)
        return candidate.diagnostics

    def close(self) -> None:
        """Retires the active rulebook."""
        if self._live is not None:
            self._retire(self._live)
            self._live = None

    def _prepare(self, folder: Path, active_revision: str) -> _Candidate:
        """Runs in a thread. A rulebook of the active revision is not compiled again."""
        result: LoadResult = load_rulebook(folder)
        rulebook = result.rulebook
        if rulebook is None:
            return _Candidate(result.diagnostics, None)
        if rulebook.revision == active_revision and self._live is not None:
            return _Candidate(result.diagnostics, self._live.compiled)
        try:
            compiled = compile_rulebook(rulebook, self._engine.value, on_difference=self._metrics.difference)
        except EngineLimit as error:
            return _Candidate((*result.diagnostics, _finding(error.reason, error.message)), None)
        try:
            _warm(compiled)
        except Exception as error:  # a rulebook that cannot decide at all must not be activated
            self._logger.exception("rulebook does not decide", revision=rulebook.revision, exc_info=error)
            _close(compiled)
            return _Candidate((*result.diagnostics, _finding("WARM_UP_FAILED", type(error).__qualname__)), None)
        if failures := _failed_tests(compiled, folder):
            _close(compiled)
            return _Candidate((*result.diagnostics, *failures), None)
        if self._snapshots is not None and folder == self._folder:
            self._keep(rulebook)
        return _Candidate(result.diagnostics, compiled)

    def _keep(self, rulebook: Rulebook) -> None:
        assert self._snapshots is not None
        try:
            if not self._snapshots.save(self._folder, rulebook):
                self._logger.warning("rule files changed while being read", revision=rulebook.revision)
        except OSError as error:
            self._logger.warning("rules not kept", revision=rulebook.revision, exc_info=error)

    async def _settle(self, candidate: _Candidate) -> bool:
        now = datetime.now(UTC)
        self._metrics.rulebook_loaded(good=candidate.compiled is not None)
        if candidate.compiled is None:
            state = State.DEGRADED if self._live is not None else State.UNAVAILABLE
            self._show(replace(self.status, state=state, loaded=now, diagnostics=candidate.diagnostics))
            for finding in candidate.diagnostics:
                self._logger.error(
                    "rule file rejected",
                    file=finding.file,
                    line=finding.line,
                    column=finding.column,
                    diagnostic=finding.code,
                )
            raise rejection(candidate.diagnostics)
        changed = self._live is None or candidate.compiled is not self._live.compiled
        if changed:
            self._swap(candidate.compiled, now)
        self._show(replace(self.status, state=State.ACTIVE, loaded=now, diagnostics=candidate.diagnostics))
        return changed

    async def _restore(self) -> None:
        folder = self._snapshots.last_good() if self._snapshots is not None else None
        if folder is None:
            return
        async with self._loading:
            candidate = await asyncio.to_thread(self._prepare, folder, "")
            if candidate.compiled is not None:
                self._swap(candidate.compiled, datetime.now(UTC))
                self._show(replace(self.status, state=State.DEGRADED))

    def _swap(self, compiled: CompiledRulebook, now: datetime) -> None:
        old, self._live = self._live, Live(compiled)
        before = self.status.revision
        matcher = compiled.matcher
        self.status = replace(
            self.status,
            rulebook=compiled.rulebook,
            engine=getattr(matcher, "name", self._engine.value),
            activated=now,
        )
        self._metrics.rulebook_active(before, self.status.revision, self.status.rule_count, now)
        self._logger.info(
            "rulebook activated", revision=self.status.revision, rules=self.status.rule_count, engine=self.status.engine
        )
        if reason := getattr(matcher, "fallback_reason", ""):
            self._logger.warning("reference matcher in use", reason=reason, engine=self.status.engine)
        if old is not None:
            self._retire(old)

    def _retire(self, live: Live) -> None:
        live.retired = True
        live.close_if_done()

    def _show(self, status: Status) -> None:
        self.status = status
        self._metrics.rulebook_state(status.state, State)


def rejection(diagnostics: tuple[Diagnostic, ...]) -> RulebookRejected:
    """The error for a folder with mistakes, all of them in it."""
    error = RulebookRejected()
    findings = tuple(str(finding) for finding in diagnostics if finding.severity == "error")
    if findings:
        error = RulebookRejected(f"the rule files have {len(findings)} errors, the first: {findings[0]}")
    error.findings = findings  # type: ignore[attr-defined]
    return error


def _warm(compiled: CompiledRulebook) -> None:
    """One decision that is thrown away: lazy structures are built before the first real event."""
    now = datetime.now(UTC)
    event = Event(source="warm-up", id="warm-up", type="request.received", time=now, request_id="warm-up")
    decide(compiled, None, event, Context(), now)


def _failed_tests(compiled: CompiledRulebook, folder: Path) -> tuple[Diagnostic, ...]:
    """A finding for each rule test that fails. Tests are no duty, but those that exist must pass."""
    return tuple(
        _finding("RULE_TEST_FAILED", str(outcome))
        if isinstance(outcome, BadSuite)
        else Diagnostic(
            "RULE_TEST_FAILED",
            "error",
            outcome.located.file,
            outcome.located.line,
            1,
            f"{outcome.located.case.name}: {'; '.join(outcome.differences)}",
        )
        for outcome in run_folder(compiled, folder)
        if isinstance(outcome, BadSuite) or outcome.differences
    )


def _close(compiled: CompiledRulebook) -> None:
    close = getattr(compiled.matcher, "close", None)
    if close is not None:
        close()


def _finding(code: str, message: str) -> Diagnostic:
    return Diagnostic(code, "error", "", 0, 0, message)
