"""Preparation of a rulebook from rule files, without delays for the requests of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from answerby.domain.errors import EngineLimit
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import Diagnostic
from answerby.server.base.config import Engine
from answerby.server.base.services import Services
from answerby.server.live.checking.checker import Checker
from answerby.server.live.checking.rule_check import Checked, Task, finding, warm
from answerby.server.live.rule_files import RuleFiles
from answerby.server.live.rulebooks import Prepared, rejection

SWITCH_SECONDS = 0.0005
"""Longest time for which a thread holds the interpreter while others wait (sys.setswitchinterval).

The usual 5 ms would delay a request several times during a compilation.
"""


class Preparer:
    """Checks rules in a separate process and compiles in a thread. `inline` checks in a thread too."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._metrics = services.metrics
        self._logger = services.logger
        self._engine = engine
        self._checker = Checker()
        self.inline = True

    async def check(self, files: RuleFiles, *, tests: bool = True) -> Checked:
        """Result of the check of the files. Only files without errors give a rulebook."""
        folder = files.folder.path if files.folder is not None else ""
        task = Task(files.content, folder, self._engine.value, tests, files.trouble)
        return await self._checker.check(task, inline=self.inline)

    async def compile(
        self, revision: str, rulebook: Rulebook, files: Mapping[str, bytes], warnings: tuple[Diagnostic, ...] = ()
    ) -> Prepared:
        """Compiles the rulebook. Raises RulebookRejected for rules that cannot run here."""
        try:
            compiled = await asyncio.to_thread(self._compile, rulebook)
        except EngineLimit as error:
            raise rejection((finding(error.reason, error.message),)) from error
        return Prepared(revision, compiled, files, warnings)

    async def prepare(self, revision: str, files: Mapping[str, bytes]) -> Prepared:
        """Prepares a revision of the store, whose tests have passed before. Raises RulebookRejected."""
        checked = await self.check(RuleFiles(files), tests=False)
        if checked.rulebook is None:
            raise rejection(checked.diagnostics)
        if checked.rulebook.revision != revision:
            self._logger.warning(
                "this version of answerby reads the same rules differently",
                revision=checked.rulebook.revision,
                reason=revision,
            )
        return await self.compile(revision, checked.rulebook, files, checked.diagnostics)

    async def wake(self) -> None:
        """Starts the checker ahead of an expected check."""
        if not self.inline:
            await self._checker.warm()

    async def close(self) -> None:
        await self._checker.close()

    def _compile(self, rulebook: Rulebook) -> CompiledRulebook:
        compiled = compile_rulebook(rulebook, self._engine.value, on_difference=self._metrics.difference)
        warm(compiled)
        return compiled
