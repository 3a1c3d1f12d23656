"""The durable matcher: durable-rules inside its safe envelope.

The engine sees integers only, and only conjunctions of tests on them; everything else was decided in the facts.
Importing this module needs the C extension, which CPython 3.13 and later cannot load.
"""

# Stays interpreted: the C engine does the work.
from __future__ import annotations

import threading
import weakref

from answerby.domain.errors import EngineLimit
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Record
from answerby.engine.matching.columns import ColumnReader
from answerby.engine.matching.durable_compiler import CANARY, CANARY_PROPERTIES, Program, compile_stage
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.matching.reference import ReferenceMatcher
from answerby.engine.matching.session import EngineFault, Session
from answerby.rules.model.rulebook import Rulebook

FAULTS_LIMIT = 5
"""Faults of the C engine after which it is no longer used. Each fault costs the memory of one ruleset."""

REMEMBERED = 4096
"""Rows of a stage whose matches are kept. The engine sees only the row, so equal rows have equal matches."""


class DurableMatcher:
    """One ruleset per stage, one owner at a time: a lock lets any thread call `match`.

    After an error of the engine its memory is given up, the ruleset is built anew, and the reference answers instead.
    `faults` and `last_fault` report such errors.
    """

    name = "durable"
    recalls = True
    session_type: type[Session] = Session

    def __init__(self, rulebook: Rulebook, plan: FactPlan | None = None, *, remember: int = REMEMBERED) -> None:
        """`remember` is how many rows per stage are answered from memory; 0: the engine answers every time.

        Raises EngineLimit when the rules leave the envelope, InvalidInput when they do not fit the vocabulary.
        """
        plan = plan or FactPlan(rulebook)
        self._remember = remember
        self._answers: dict[str, dict[tuple[int, ...], MatchSet]] = {s.name: {} for s in rulebook.stages}
        self.fallback_reason = ""
        self.faults = 0
        self.last_fault = ""
        self._reference = ReferenceMatcher(rulebook, plan)
        self._programs = {stage.name: compile_stage(stage, rulebook.vocabulary) for stage in rulebook.stages}
        self._readers = {name: ColumnReader(program.columns, plan) for name, program in self._programs.items()}
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._sessions)
        # At exit the operating system frees the memory faster.
        self._finalizer.atexit = False
        try:
            for name, program in self._programs.items():
                self._sessions[name] = self._open(program)
        except EngineFault as fault:
            raise EngineLimit(f"the engine refuses the rules of stage {name}: {fault}") from fault

    def match(self, stage: str, record: Record) -> MatchSet:
        """Raises KeyError for a stage that the rulebook does not have, ValueError after close."""
        row = self._readers[stage].read(record)
        failed = self._reference.failed(stage, record)
        answers, key = self._answers[stage], tuple(row)
        known = answers.get(key)
        if known is not None:
            return known if not failed else MatchSet(known.matched, failed)
        matched = self._ask(self._programs[stage], row)
        if matched is None:
            return self._reference.match(stage, record)
        if self._remember:
            if len(answers) >= self._remember:
                answers.clear()
            answers[key] = MatchSet(matched, ())
        return MatchSet(matched, failed)

    def _ask(self, program: Program, row: list[int]) -> tuple[int, ...] | None:
        """The rules that the engine matches for a row; None when the reference has to answer instead."""
        facts = [
            shard.template % tuple([row[i] for i in shard.columns])
            for shard in program.shards
            if all(row[column] in values for column, values in shard.guards)
        ]
        if not facts:
            return ()
        with self._lock:
            if self.fallback_reason:
                return None
            try:
                fire = self._sessions[program.stage].fire
                fired = [name for fact in facts for name in fire(fact)]
            except EngineFault as fault:
                self._recover(program, fault)
                return None
        return tuple(sorted({program.rules[name] for name in fired}))

    def close(self) -> None:
        self._forget()
        with self._lock:
            self._finalizer()

    def _forget(self) -> None:
        for answers in self._answers.values():
            answers.clear()

    def _open(self, program: Program) -> Session:
        return self.session_type(program.stage, program.ruleset, CANARY, CANARY_PROPERTIES)

    def _recover(self, program: Program, fault: EngineFault) -> None:
        """Builds the ruleset anew. The old one is not freed, as freeing corrupt memory crashes."""
        self.faults += 1
        self._forget()
        self.last_fault = f"stage {program.stage}: {fault}"
        if self.faults >= FAULTS_LIMIT:
            self.fallback_reason = f"durable-rules failed {self.faults} times, at last in {self.last_fault}"
            return
        try:
            self._sessions[program.stage] = self._open(program)
        except EngineFault as again:
            self.fallback_reason = f"durable-rules cannot be restarted after {self.last_fault}: {again}"


def _close_all(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        session.close()
