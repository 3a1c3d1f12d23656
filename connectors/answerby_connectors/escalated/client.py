"""Calls to the escalated API. Every call ends in its answer or in CallFailed with an outcome."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from answerby.domain.errors import AnswerbyError
from answerby_connectors.escalated.model import MacroAnswer, MadeAnswer, MeAnswer, NamedAnswer, Ticket, TicketAnswer
from answerby_connectors.escalated.settings import EscalatedSettings
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.transport import check_url, make_client, outcome_of_error, outcome_of_status

LIST_SECONDS = 300.0
"""The time in memory of departments, tags and macros. They change rarely, and each costs a call of a small budget."""

T = TypeVar("T")


class CallFailed(AnswerbyError):
    """A call to the platform failed."""

    reason = "CALL_FAILED"

    def __init__(self, what: str, outcome: Outcome) -> None:
        super().__init__(f"{what}: {outcome.detail}")
        self.outcome = Outcome(outcome.kind, self.message, outcome.retry_after)


class Remembered(Generic[T]):
    """A value that is fetched again once the value is older than `seconds`."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], seconds: float = LIST_SECONDS) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._value: T | None = None
        self._until = 0.0

    async def get(self) -> T:
        if self._value is None or time.monotonic() > self._until:
            self._value = await self._fetch()
            self._until = time.monotonic() + self._seconds
        return self._value


class EscalatedClient:
    """One account at one installation."""

    def __init__(self, settings: EscalatedSettings) -> None:
        self._root = check_url(settings.url).rstrip("/")
        self._authorization = {"authorization": f"Bearer {settings.token}"}
        self._http = make_client(settings.timeout)
        self.departments = Remembered(self._departments)
        """Name -> id."""
        self.tags = Remembered(self._tags)
        """Name -> id."""
        self.macros = Remembered(self._macros)
        """Id of a department -> id of a macro that only sets the department."""
        self.account: str | None = None
        """The id of our account, once the platform has returned the id."""

    async def close(self) -> None:
        await self._http.aclose()

    async def identify(self) -> str:
        """The id of our account."""
        if self.account is None:
            answer = await self._read("who we are", "POST", "auth/validate/", MeAnswer)
            self.account = str(answer.user.id)
        return self.account

    async def ticket(self, reference: str) -> Ticket | None:
        """The ticket with its replies, notes and latest history. None when the platform has no such ticket."""
        path = f"tickets/{quote(reference, safe='')}/"
        try:
            return (await self._read("read ticket", "GET", path, TicketAnswer)).data
        except NotThere:
            return None

    async def add_note(self, reference: str, body: str) -> str:
        """The new note's id."""
        answer = await self._write("add note", "POST", reference, "reply", {"body": body, "is_internal_note": True})
        try:
            return str(msgspec.json.decode(answer, type=MadeAnswer).data.id)
        except msgspec.DecodeError as error:
            # The note was written, but the answer is not from the API. The next attempt reads the ticket.
            raise CallFailed(
                "add note", Outcome(OutcomeKind.UNKNOWN, f"not what the API documents: {error}")
            ) from error

    async def set_priority(self, reference: str, priority: str) -> None:
        await self._write("set priority", "PATCH", reference, "priority", {"priority": priority})

    async def set_tags(self, reference: str, tag_ids: list[int]) -> None:
        """Replaces the ticket's tags."""
        # The API refuses an empty list as missing. No tag has the id 0.
        await self._write("set tags", "POST", reference, "tags", {"tag_ids": tag_ids or [0]})

    async def apply_macro(self, reference: str, macro_id: int) -> None:
        """Applies a macro. The API answers 200 also after a failed action, so the caller must read the ticket."""
        await self._write("apply macro", "POST", reference, "macro", {"macro_id": macro_id})

    async def _departments(self) -> dict[str, int]:
        answer = await self._read("list departments", "GET", "departments/", NamedAnswer)
        return {item.name: item.id for item in answer.data}

    async def _tags(self) -> dict[str, int]:
        answer = await self._read("list tags", "GET", "tags/", NamedAnswer)
        return {item.name: item.id for item in answer.data}

    async def _macros(self) -> dict[int, int]:
        answer = await self._read("list macros", "GET", "macros/", MacroAnswer)
        return {macro.department: macro.id for macro in reversed(answer.data) if macro.department is not None}

    async def _write(self, what: str, method: str, reference: str, action: str, content: dict[str, object]) -> bytes:
        path = f"tickets/{quote(reference, safe='')}/{action}/"
        try:
            response = await self._http.request(
                method, f"{self._root}/{path}", json=content, headers=self._authorization
            )
        except httpx2.TransportError as error:
            raise CallFailed(what, outcome_of_error(error)) from error
        outcome = explained(response)
        if outcome.kind is not OutcomeKind.DONE:
            raise CallFailed(what, outcome)
        return response.content

    async def _read(self, what: str, method: str, path: str, kind: type[T]) -> T:
        """A call that changes nothing. The call may be repeated after every failure."""
        try:
            response = await self._http.request(method, f"{self._root}/{path}", headers=self._authorization)
        except httpx2.TransportError as error:
            raise CallFailed(what, again(outcome_of_error(error))) from error
        if response.status_code == httpx2.codes.NOT_FOUND:
            raise NotThere(what, explained(response))
        outcome = explained(response)
        if outcome.kind is not OutcomeKind.DONE:
            raise CallFailed(what, again(outcome))
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as error:
            raise CallFailed(what, Outcome(OutcomeKind.FAILED, f"not what the API documents: {error}")) from error


class NotThere(CallFailed):
    """The platform does not know it."""


def explained(response: httpx2.Response) -> Outcome:
    """The outcome of a status. A refused token may be mended at any time, so the call is tried again."""
    if response.status_code == httpx2.codes.UNAUTHORIZED:
        return Outcome(OutcomeKind.RETRY, "HTTP 401: the token is refused; set a valid one")
    return outcome_of_status(response)


def again(outcome: Outcome) -> Outcome:
    """The outcome of a call without a write: unknown becomes a plain retry."""
    if outcome.kind is OutcomeKind.UNKNOWN:
        return Outcome(OutcomeKind.RETRY, outcome.detail, outcome.retry_after)
    return outcome
