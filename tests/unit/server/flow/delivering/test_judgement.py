"""What becomes of an outbox entry after an attempt, and how long it waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.backoff import Backoff
from answerby.domain.effect import Effect, EffectKind
from answerby.server.flow.delivering.attempt import delivery_of, with_number
from answerby.server.flow.delivering.delivery_options import DeliveryOptions, backoff, judge, report_of
from answerby.store.connector_life import Answer
from answerby.store.records import CompletionKind, Lease, OutboxEntry
from answerby_connectors.kit.base import Outcome, OutcomeKind

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
OPTIONS = DeliveryOptions(max_attempts=3, give_up_after=timedelta(hours=1), backoff=Backoff(1.0, 60.0, jitter=1.0))


def lease(attempts: int = 0, age: timedelta = timedelta(0), previous_unknown: bool = False, **payload) -> Lease:
    entry = OutboxEntry(
        effect_id="e1" * 16,
        tenant="acme",
        request_id="R-1",
        connector="desk",
        effect=Effect(kind=EffectKind.UPDATE_REQUEST, key="update", payload=payload),
        decision_sequence=1,
        created=NOW - age,
        source="crm",
        number="202601-CSR-001",
        attempts=attempts,
    )
    return Lease(entry=entry, token=1, previous_unknown=previous_unknown)


def test_done_and_refused():
    assert judge(lease(), Outcome(OutcomeKind.DONE), OPTIONS, NOW).kind is CompletionKind.DONE
    dead = judge(lease(), Outcome(OutcomeKind.FAILED, "HTTP 410"), OPTIONS, NOW)
    assert (dead.kind, dead.reason) == (CompletionKind.DEAD, "HTTP 410")


def test_a_refusal_of_the_whole_connector_never_gives_an_entry_up():
    completion = judge(lease(attempts=99, age=timedelta(days=9)), Outcome(OutcomeKind.HELD, "HTTP 401"), OPTIONS, NOW)
    assert (completion.kind, completion.reason) == (CompletionKind.HELD, "HTTP 401")


@pytest.mark.parametrize(
    ("kind", "before", "unknown"),
    [
        (OutcomeKind.RETRY, False, False),
        (OutcomeKind.UNKNOWN, False, True),
        (OutcomeKind.RETRY, True, True),
        (OutcomeKind.UNKNOWN, True, True),
    ],
)
def test_unknown_stays_unknown_until_it_is_certain(kind, before, unknown):
    completion = judge(lease(previous_unknown=before), Outcome(kind), OPTIONS, NOW)
    assert (completion.kind, completion.unknown) == (CompletionKind.RETRY, unknown)


@pytest.mark.parametrize(
    ("attempts", "age", "dead"),
    [(1, 2, False), (2, 2, True), (9, 2, True), (9, 0, False)],
    ids=["few and old", "many and old", "more and old", "many and young"],
)
def test_gives_up_when_many_attempts_took_long(attempts, age, dead):
    made = lease(attempts=attempts, age=timedelta(hours=age))
    completion = judge(made, Outcome(OutcomeKind.UNKNOWN, "ReadTimeout"), OPTIONS, NOW)
    assert (completion.kind is CompletionKind.DEAD) is dead
    if dead:
        assert completion.reason == f"given up after {attempts + 1} attempts: ReadTimeout"


def test_waits_until_a_write_without_an_answer_must_have_settled():
    """The platform may carry out what was sent later than the answer was given up."""
    for _ in range(100):
        completion = judge(lease(), Outcome(OutcomeKind.UNKNOWN, settle=90.0), OPTIONS, NOW)
        assert completion.wait == timedelta(seconds=90)
    longer = judge(lease(), Outcome(OutcomeKind.UNKNOWN, retry_after=200.0, settle=90.0), OPTIONS, NOW)
    assert longer.wait >= timedelta(seconds=200)


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Outcome(OutcomeKind.UNKNOWN, "ReadTimeout"), Answer.BAD),
        (Outcome(OutcomeKind.UNKNOWN, "ReadTimeout", settle=8.0), Answer.NONE),
        (Outcome(OutcomeKind.RETRY, "too many writes to this ticket", settle=8.0), Answer.NONE),
        (Outcome(OutcomeKind.UNKNOWN, "HTTP 500", 60.0, settle=8.0), Answer.WAIT),
        (Outcome(OutcomeKind.RETRY, "ConnectError"), Answer.BAD),
    ],
)
def test_a_write_that_may_still_land_is_no_outage_of_the_platform(outcome, answer):
    assert report_of(outcome, OPTIONS, "").answer is answer


def test_waits_at_least_as_long_as_it_is_told():
    for _ in range(100):
        assert 60.0 <= backoff(1, 60.0, OPTIONS) <= 61.0
        assert backoff(1, 0.0, OPTIONS) == 0.0


@pytest.mark.parametrize(("attempts", "limit"), [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (10_000, 60.0)])
def test_backoff_is_anything_up_to_a_limit_that_doubles(attempts, limit):
    waits = [backoff(attempts, None, OPTIONS) for _ in range(300)]
    assert 0.0 <= min(waits) < 0.2 * limit
    assert 0.8 * limit < max(waits) <= limit


def test_a_delivery_says_which_attempt_it_is():
    made = delivery_of(lease(attempts=2, previous_unknown=True), lambda: True)
    assert (made.attempt, made.previous_unknown, made.number, made.source) == (3, True, "202601-CSR-001", "crm")


def test_the_number_is_filled_into_texts():
    texts = {"text.zh": "{number} 已超时", "text.en": "{number}: {clock}", "tags": ["{number}"], "step": 1}
    effect = with_number(Effect(kind=EffectKind.NOTIFY, key="k", payload=texts), "202601-CSR-001")
    assert effect.payload == {
        "text.zh": "202601-CSR-001 已超时",
        "text.en": "202601-CSR-001: {clock}",
        "tags": ["{number}"],
        "step": 1,
    }
    assert with_number(effect, "") is effect


@pytest.mark.parametrize(
    ("outcome", "answer", "wait"),
    [
        (Outcome(OutcomeKind.DONE), "good", 0.2),
        (Outcome(OutcomeKind.FAILED, "HTTP 404"), "good", 0.2),
        (Outcome(OutcomeKind.HELD, "HTTP 401"), "held", 0.2),
        (Outcome(OutcomeKind.RETRY, "HTTP 429", 17.0), "wait", 17.0),
        (Outcome(OutcomeKind.RETRY, "HTTP 429", 0.0), "wait", 0.2),
        (Outcome(OutcomeKind.UNKNOWN, "HTTP 503", 30.0), "wait", 30.0),
        (Outcome(OutcomeKind.UNKNOWN, "ReadTimeout"), "bad", 0.2),
        (Outcome(OutcomeKind.RETRY, "ConnectError"), "bad", 0.2),
    ],
)
def test_an_outcome_tells_of_the_platform(outcome, answer, wait):
    """Only an answer that asks for a wait has one that counts, and none is shorter than a fifth of a second."""
    report = report_of(outcome, OPTIONS, "mark")
    assert (report.answer, report.wait, report.mark) == (answer, wait, "mark")
