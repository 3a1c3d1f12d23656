"""The answer of a platform to a call, and the end of a call that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from answerby.domain.errors import AnswerbyError
from answerby_connectors.kit.base import Outcome, OutcomeKind


@dataclass(frozen=True)
class Answer:
    """Status, headers with lower-case names, and body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @cached_property
    def json(self) -> Any:
        """The body as plain Python values; None without a body. Raises msgspec.DecodeError for what is no JSON."""
        return msgspec.json.decode(self.content) if self.content.strip() else None

    @property
    def peek(self) -> Any:
        """The body as plain Python values, or None when it is no JSON, such as the page of a proxy."""
        try:
            return self.json
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class CallFailed(AnswerbyError):
    """A call to the platform failed. `answer` is what the platform said, if anything."""

    reason = "CALL_FAILED"

    def __init__(self, what: str, outcome: Outcome, answer: Answer | None = None) -> None:
        super().__init__(f"{what}: {outcome.detail}")
        self.outcome = replace(outcome, detail=self.message)
        self.answer = answer

    @property
    def status(self) -> int:
        """The status of the answer; 0 without one."""
        return self.answer.status if self.answer is not None else 0


class Gone(CallFailed):
    """The platform has no such ticket, or no longer."""


def unreadable(what: str, error: Exception, kind: OutcomeKind = OutcomeKind.FAILED) -> CallFailed:
    """The end of a call whose answer has another form than the platform's documents say.

    The reason names members and types, never their content.
    """
    told = str(error) if isinstance(error, KeyError | msgspec.MsgspecError) else type(error).__name__
    return CallFailed(what, Outcome(kind, f"not what the API documents: {told}"))
