"""Results of events, for the caller, the metrics and the log."""

from __future__ import annotations

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, EventIdReused, InternalError
from answerby.server.base.services import Services
from answerby.server.flow.processing.states import DecidedEvent, Waiting
from answerby.server.flow.processing.submission import Processed
from answerby.store.records import StoredReply


class Fates:
    """Reports the result of each event, once at its end."""

    def __init__(self, services: Services) -> None:
        self._metrics = services.metrics
        self._logger = services.logger

    def failed(self, waiting: Waiting, error: AnswerbyError) -> None:
        self._metrics.event(waiting.submission.origin, error.reason)
        waiting.fail(error)

    def broken(self, waiting: Waiting, error: Exception, revision: str) -> None:
        """Reports an internal fault in the decision under rulebook `revision`."""
        event = waiting.event
        self._logger.error(
            "decision failed",
            tenant=event.tenant,
            request_id=event.request_id,
            event_id=event.id,
            revision=revision,
            exc_info=error,
        )
        self.failed(waiting, InternalError())

    def no_longer_due(self, waiting: Waiting) -> None:
        waiting.done(Processed(None))

    def seen_before(self, waiting: Waiting, stored: StoredReply) -> None:
        """The same event again gets the same decision; another event with its id gets an error."""
        if stored.payload_hash != waiting.payload_hash or stored.decision is None:
            self.failed(waiting, EventIdReused(event_id=waiting.event.id, source=waiting.event.source))
            return
        self._metrics.event(waiting.submission.origin, "duplicate")
        waiting.done(Processed(stored.decision, duplicate=True))

    def committed(self, decided: DecidedEvent, number: str) -> Decision:
        """The stored decision, with the number of its request."""
        waiting, decision = decided.waiting, decided.decision
        if number and decision.number != number:
            decision = msgspec.structs.replace(decision, number=number)
        self._metrics.event(waiting.submission.origin, "decided")
        self._logger.debug(
            "decided",
            tenant=decision.tenant,
            request_id=decision.request_id,
            event_id=decision.event_id,
            event_type=decision.event_type,
            sequence=decision.sequence,
            revision=decision.revision,
        )
        waiting.done(Processed(decision))
        return decision
