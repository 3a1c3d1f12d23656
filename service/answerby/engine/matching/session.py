"""Sessions: one ruleset inside the C extension, with one handle and one sid, for one thread at a time."""

# Stays interpreted: the C engine does the work.
from __future__ import annotations

import json
from typing import Any

import durable_rules_engine as engine

SID = "0"
STORED, NOT_STORED, ALREADY_LIVE = 0, 1, 2
ID_ATTEMPTS = 8
FIRINGS_LIMIT = 500
"""Most firings of one fact. A shard has fewer rules, so more firings are a fault."""
CHECK_EVERY = 1_000
"""Facts between two checks that the engine's memory is empty."""


class EngineFault(Exception):
    """The C engine misbehaved; its memory can no longer be trusted."""


class Session:
    """A ruleset in the engine. Any method raises EngineFault when the engine fails. The caller holds a lock."""

    def __init__(self, name: str, ruleset: dict[str, Any], canary: str, canary_properties: str) -> None:
        """Compiles the ruleset and fires the canary rule, which makes `close` safe."""
        self._facts = 0
        self._live = ""
        self._offset = 0
        self._in_flight = False
        try:
            self._handle: int | None = engine.create_ruleset(name, json.dumps(ruleset))
        except (engine.error, MemoryError) as error:
            raise EngineFault(f"{name}: the ruleset was refused: {error}") from error
        if self.fire(canary_properties) != [canary]:
            raise EngineFault(f"{name}: the canary did not fire")

    def fire(self, properties: str) -> list[str]:
        """Names of all rules that match the fact, given as JSON members without id. The fact does not stay.

        Raises ValueError after close.
        """
        handle = self._handle
        if handle is None:
            raise ValueError("the matcher is closed")
        try:
            fired = self._drain(handle) if self._assert(handle, properties) else []
        except (engine.error, MemoryError) as error:
            raise EngineFault(str(error)) from error
        finally:
            self._clear(handle)
        if self._facts % CHECK_EVERY == 0:
            self._check_empty(handle)
        return fired

    def collect(self, messages: str) -> list[str]:
        """The rules named in one firing. The engine waits meanwhile, so nothing else belongs here."""
        # A firing has one rule, named by the compiler: `{"r12": {...}}`. Parsing all of it costs three times more.
        return [messages.split('"', 2)[1]]

    def close(self) -> None:
        """Frees the engine's memory. Idempotent; safe only because the canary has fired."""
        handle, self._handle = self._handle, None
        if handle is not None:
            engine.delete_state(handle, SID)
            engine.delete_ruleset(handle)

    def _assert(self, handle: int, properties: str) -> bool:
        """Whether the fact was stored; one that meets no condition is not."""
        for _ in range(ID_ATTEMPTS):
            self._facts += 1
            # Set before the call, which may raise after storing. A refused id belongs to another fact and is cleared.
            self._live = str(self._facts)
            code, self._offset = engine.assert_fact(handle, f'{{"id":"{self._live}",{properties}}}')
            if code == STORED:
                return True
            self._live = ""
            if code == NOT_STORED:
                return False
            if code != ALREADY_LIVE:
                raise EngineFault(f"assert_fact returned {code}")
        raise EngineFault(f"{ID_ATTEMPTS} fact ids in a row were taken")

    def _drain(self, handle: int) -> list[str]:
        fired: list[str] = []
        started = engine.start_action_for_state(handle, self._offset)
        messages = started[1] if started else None
        self._in_flight = bool(messages)
        while messages:
            fired += self.collect(messages)
            if len(fired) > FIRINGS_LIMIT:
                raise EngineFault(f"more than {FIRINGS_LIMIT} firings of one fact")
            messages = engine.complete_and_start_action(handle, self._offset)
            self._in_flight = bool(messages)
        return fired

    def _clear(self, handle: int) -> None:
        """Retracts first, then completes. The other order leaves a stale frame that crashes the next request."""
        try:
            if self._live:
                engine.retract_fact(handle, f'{{"id":"{self._live}"}}')
                self._live = ""
            for _ in range(FIRINGS_LIMIT):
                if not self._in_flight:
                    return
                self._in_flight = bool(engine.complete_and_start_action(handle, self._offset))
        except (engine.error, MemoryError) as error:
            raise EngineFault(f"while clearing up: {error}") from error
        raise EngineFault("firings of a retracted fact never end")

    def _check_empty(self, handle: int) -> None:
        left = engine.get_facts(handle, SID)
        if left != "[]":
            raise EngineFault(f"facts were left behind: {left[:200]}")
