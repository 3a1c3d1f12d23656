"""Errors, each with a reason for programs and a remedy for persons.

The docstring of an error class is its message where none is given, and so is shown to users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A mistake in one field of an input; `field` is its dotted path."""

    field: str
    description: str


class AnswerbyError(Exception):
    """Something answerby could not do."""

    reason = "INTERNAL"

    def __init__(self, message: str = "", **metadata: str) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        self.metadata = metadata

    @property
    def message(self) -> str:
        return str(self.args[0])


class InvalidInput(AnswerbyError):
    """The input breaks the contract; every violation is listed."""

    reason = "INVALID_FIELDS"

    def __init__(self, violations: list[FieldViolation], message: str = "") -> None:
        named = "; ".join(f"{v.field}: {v.description}" for v in violations)
        super().__init__(message or named)
        self.violations = violations


class EventIdReused(AnswerbyError):
    """An event with this source and id was already accepted with another payload; send a new id."""

    reason = "EVENT_ID_REUSED"


class RequestNotFound(AnswerbyError):
    """No request with this id is known to the tenant."""

    reason = "REQUEST_NOT_FOUND"


class DecisionNotFound(AnswerbyError):
    """The request has no decision with this sequence number."""

    reason = "DECISION_NOT_FOUND"


class RulebookUnavailable(AnswerbyError):
    """No valid rulebook has been loaded yet; mend the rule files, see GetRulebook."""

    reason = "RULEBOOK_UNAVAILABLE"


class RulebookRejected(AnswerbyError):
    """The rule files have errors; the last good rulebook stays active."""

    reason = "RULEBOOK_REJECTED"

    def __init__(self, findings: Sequence[str] = (), message: str = "") -> None:
        """`findings`: every mistake in the rule files, each a sentence that names its place."""
        super().__init__(message)
        self.findings = tuple(findings)


class RevisionNotFound(AnswerbyError):
    """No revision of this name is kept; see ListRevisions."""

    reason = "REVISION_NOT_FOUND"


class RulebookChanged(AnswerbyError):
    """Another revision went live meanwhile; look at it, then decide again."""

    reason = "RULEBOOK_CHANGED"


class ActivationUnderWay(AnswerbyError):
    """Another revision is being put live right now; wait and try again."""

    reason = "ACTIVATION_UNDER_WAY"


class ApprovalRequired(AnswerbyError):
    """The revision waits for the approval of somebody other than its author."""

    reason = "APPROVAL_REQUIRED"


class RevisionRefused(AnswerbyError):
    """An approver refused the revision; it can go live once it is approved."""

    reason = "REVISION_REFUSED"


class RevisionActive(AnswerbyError):
    """The revision is live and cannot be refused; roll back first."""

    reason = "REVISION_ACTIVE"


class NoCandidate(AnswerbyError):
    """No revision is on trial; start one."""

    reason = "NO_CANDIDATE"


class NoPreviousRevision(AnswerbyError):
    """There is nothing to roll back to; activate a revision by name."""

    reason = "NO_PREVIOUS_REVISION"


class NoRulesFolder(AnswerbyError):
    """The server has no rules folder; upload the rules, or set rules.folder."""

    reason = "NO_RULES_FOLDER"


class WorkerNotReady(AnswerbyError):
    """A worker cannot run the revision, so nothing went live; its name and problem are in the message."""

    reason = "WORKER_NOT_READY"


class Contention(AnswerbyError):
    """The request changed too often while it was being decided; send the event again."""

    reason = "CONTENTION"


class StoreUnavailable(AnswerbyError):
    """The store did not answer; send the event again, it is decided once."""

    reason = "STORE_UNAVAILABLE"


class RecordUnreadable(AnswerbyError):
    """The store holds a record that this version cannot read; restore it, or run the version that wrote it."""

    reason = "RECORD_UNREADABLE"


class ResumeTokenExpired(AnswerbyError):
    """The resume token is older than the retained decisions; start again from the oldest token."""

    reason = "RESUME_TOKEN_EXPIRED"


class InvalidPageToken(AnswerbyError):
    """The page token was not issued for this query; start the list again without a token."""

    reason = "INVALID_PAGE_TOKEN"


class CalendarYearMissing(AnswerbyError):
    """A deadline needs a year for which the calendar names no holidays; add the year to the calendar file."""

    reason = "CALENDAR_YEAR_MISSING"


class EngineLimit(AnswerbyError):
    """The rules exceed what the matching engine handles safely; split them as the message says."""

    reason = "ENGINE_LIMIT"


class TimeOutOfRange(AnswerbyError):
    """An instant or a target lies beyond what deadlines can be computed for; correct it."""

    reason = "TIME_OUT_OF_RANGE"


class TargetOutOfReach(TimeOutOfRange):
    """A calendar has too little working time within ten years; give it hours, or shorten the target."""

    reason = "TARGET_OUT_OF_REACH"


class Overloaded(AnswerbyError):
    """The server has as many calls in progress as it takes; wait and send again."""

    reason = "OVERLOADED"


class Draining(AnswerbyError):
    """The server is stopping; call again, another takes over."""

    reason = "DRAINING"


class InternalError(AnswerbyError):
    """Something failed inside; the server's log has it under the request id of this call."""

    reason = "INTERNAL"
