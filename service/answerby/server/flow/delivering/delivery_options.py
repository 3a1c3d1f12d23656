"""The limits of deliveries, and what becomes of an effect and of its platform after an attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from answerby.domain.backoff import Backoff
from answerby.store.connector_life import Answer, Report, RestPolicy
from answerby.store.records import Completion, Lease
from answerby_connectors.kit.base import Outcome, OutcomeKind

AGAIN = Backoff(first=1.0, most=600.0, jitter=1.0)
RESTS = RestPolicy()
LEAST_WAIT = 0.2
"""Seconds. A platform that asks for a wait of nothing is not asked again and again without a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """Limits and waits of deliveries. Times without a unit are seconds."""

    concurrency: int = 8
    """Most deliveries at a time for one connector in one worker."""
    rate: float = 0.0
    """Most deliveries that begin in a second, of all workers together; 0: no limit."""
    poll: float = 0.2
    """Interval of looks into an empty outbox."""
    lease: timedelta = timedelta(seconds=30)
    """Length of a lease. A delivery renews its lease after each third of this length."""
    attempt: float = 120.0
    """Longest time of one attempt. Afterwards the outcome is unknown."""
    backoff: Backoff = AGAIN
    """Wait between the attempts of one entry while the platform answers others, unless the platform sets the wait."""
    max_attempts: int = 20
    give_up_after: timedelta = timedelta(days=1)
    """Least age of an entry that is given up after `max_attempts`, so that an outage of a night loses no entry."""
    stray_look: float = 5.0
    """Interval of looks for entries of other tenants."""
    drain: float = 10.0
    """Time for running deliveries after a stop."""
    rests: RestPolicy = RESTS
    """How long the platform is left alone after bad answers, by all workers."""


def judge(lease: Lease, outcome: Outcome, options: DeliveryOptions, now: datetime) -> Completion:
    """Completion of the entry. An unknown outcome stays unknown until an attempt with a certain outcome."""
    entry, attempts = lease.entry, lease.entry.attempts + 1
    unknown = outcome.kind is OutcomeKind.UNKNOWN or lease.previous_unknown
    match outcome.kind:
        case OutcomeKind.DONE:
            return Completion.done()
        case OutcomeKind.FAILED:
            return Completion.dead(outcome.detail or "refused")
        case OutcomeKind.HELD:
            return Completion.held(outcome.detail or "refused", unknown=unknown)
    if attempts >= options.max_attempts and now - entry.created >= options.give_up_after:
        return Completion.dead(f"given up after {attempts} attempts: {outcome.detail}")
    wait = timedelta(seconds=max(backoff(attempts, outcome.retry_after, options), outcome.settle))
    settle = timedelta(seconds=outcome.settle)
    return Completion.retry(wait, unknown=unknown, reason=outcome.detail, settle=settle)


def backoff(attempts: int, retry_after: float | None, options: DeliveryOptions) -> float:
    """Seconds until the next attempt: the wait of the platform and a little more, or the wait of the options."""
    if retry_after is not None:
        return retry_after + random.uniform(0.0, min(1.0, 0.1 * retry_after))
    return options.backoff.wait(attempts)


def report_of(outcome: Outcome, options: DeliveryOptions, mark: str) -> Report:
    """What the outcome tells of the platform. `mark` stands for the settings in use."""
    match outcome.kind:
        case OutcomeKind.DONE | OutcomeKind.FAILED:
            answer = Answer.GOOD
        case OutcomeKind.HELD:
            answer = Answer.HELD
        case _ if outcome.retry_after is not None:
            # A budget belongs to the account, not to the request, so the whole connector waits, in every worker.
            answer = Answer.WAIT
        case _ if outcome.settle > 0:
            # The connector read before it wrote, so the platform is there: a slow write is no outage, and neither is
            # the limit of one ticket.
            answer = Answer.NONE
        case _:
            answer = Answer.BAD
    return Report(answer=answer, wait=max(LEAST_WAIT, outcome.retry_after or 0.0), mark=mark, rests=options.rests)
