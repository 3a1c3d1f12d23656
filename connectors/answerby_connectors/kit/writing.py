"""One attempt to bring one ticket to what a decision wants: only differences, in an order that doubles nothing.

Any write may be the last before a crash. The next attempt reads the ticket and goes on from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from answerby_connectors.kit.base import DONE, LEASE_OVER, Outcome, OutcomeKind
from answerby_connectors.kit.http.answer import Answer, CallFailed, Gone
from answerby_connectors.kit.ticket import NOTE, Call, NoteOrder, Plan, Ticket, same


class Writable(Protocol):
    """What the attempt needs of its connector."""

    @property
    def note_order(self) -> NoteOrder: ...
    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> Sequence[Call]: ...
    async def send(self, ticket: Ticket, call: Call, changes: Mapping[str, object]) -> None: ...
    async def fetch(self, reference: str) -> Ticket: ...
    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]: ...
    def label(self, field: str) -> str: ...


class Writing:
    """The writes of one effect to one ticket."""

    def __init__(
        self,
        desk: Writable,
        ticket: Ticket,
        plan: Plan,
        render: Callable[[Sequence[str]], object],
        leased: Callable[[], bool],
    ) -> None:
        self._desk = desk
        self._ticket = ticket
        self._plan = plan
        self._render = render
        self._leased = leased
        self._refused: dict[str, str] = {}
        """Field -> what went wrong, for operators."""
        self._note_error: CallFailed | None = None

    async def run(self, *, noted: bool) -> Outcome:
        """Writes the plan. `noted`: the note of this effect is there already.

        A definite refusal of one field does not stop the others. Raises CallFailed, also for a refused note.
        """
        for names in self._groups(noted):
            if not await self._write(names):
                return LEASE_OVER
        return self._outcome()

    def _groups(self, noted: bool) -> Iterator[list[str]]:
        fields, note = list(self._plan.changes), [] if noted else [NOTE]
        match self._desk.note_order:
            case NoteOrder.FIRST:
                groups = [note, fields]
            case NoteOrder.LAST:
                groups = [fields, note]
            case NoteOrder.ALONG:
                groups = [fields + note]
        yield from filter(None, groups)

    async def _write(self, names: list[str]) -> bool:
        """Writes these. False once the lease is over."""
        waiting = deque([names])
        while waiting:
            changes = self._changes(waiting.popleft())
            for call in self._desk.write(self._ticket, changes):
                if all(name in self._refused for name in call.carries):
                    continue  # a call before it, for the same field, was refused
                if not self._leased():
                    return False
                try:
                    await self._desk.send(self._ticket, call, changes)
                except CallFailed as error:
                    if error.outcome.kind is not OutcomeKind.FAILED or isinstance(error, Gone):
                        raise
                    waiting.extend(self._without_refused(call, error))
                else:
                    await self._read_back(call, changes)
        return True

    def _changes(self, names: Sequence[str]) -> dict[str, object]:
        """The values of these names. The note tells what was refused until now."""
        return {name: self._note() if name == NOTE else self._plan.changes[name] for name in names}

    def _note(self) -> object:
        refusals = [f"{self._desk.label(name)} was not set: {why}" for name, why in self._refused.items()]
        return self._render([*self._plan.remarks, *refusals])

    def _without_refused(self, call: Call, error: CallFailed) -> list[list[str]]:
        """What remains to write of a refused call. Where nobody knows what was refused, each field goes alone."""
        blamed = self._desk.blame(error.answer, call.carries)
        if len(call.carries) == 1:
            if call.carries[0] == NOTE:
                self._note_error = error
            blamed = {call.carries[0]: next(iter(blamed.values()), error.message)}
        self._refused.update(blamed)
        rest = [name for name in call.carries if name not in blamed]
        if blamed or not rest:
            return [rest] if rest else []
        return [[name] for name in sorted(rest, key=NOTE.__eq__)]

    async def _read_back(self, call: Call, changes: Mapping[str, object]) -> None:
        fields = [name for name in call.carries if name != NOTE]
        if not call.read_back or not fields:
            return
        self._ticket = await self._desk.fetch(self._ticket.reference)
        for name in fields:
            if not same(self._ticket.values.get(name), changes[name]):
                self._refused[name] = f"{call.what}: the {self._desk.label(name)} is still another one"

    def _outcome(self) -> Outcome:
        refused = (*self._plan.remarks, *self._refused.values())
        if self._note_error is None and (self._desk.note_order is not NoteOrder.FIRST or not self._refused):
            return Outcome(OutcomeKind.DONE, refused=refused) if refused else DONE
        failed = Outcome(OutcomeKind.FAILED, "; ".join(self._refused.values()), refused=refused)
        if self._note_error is not None:
            self._note_error.outcome = failed
            raise self._note_error
        return failed
