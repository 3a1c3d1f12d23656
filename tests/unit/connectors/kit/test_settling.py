"""No attempt looks before an earlier write has had its time."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import DONE, LEASE_OVER, Outcome, OutcomeKind
from answerby_connectors.kit.settling import Settling

UNKNOWN, RETRY = Outcome(OutcomeKind.UNKNOWN, "ReadTimeout"), Outcome(OutcomeKind.RETRY, "HTTP 429")


class Time:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def settling(time):
    return Settling(8.0, time, time.pause)


async def waited(settling, time, delivery) -> float:
    before = time.now
    await settling.before(delivery)
    return time.now - before


async def test_the_first_attempt_does_not_wait(settling, time, make_delivery):
    assert await waited(settling, time, make_delivery()) == 0.0


async def test_an_unknown_outcome_says_how_long_to_wait_and_the_next_attempt_waits_for_the_rest(
    settling, time, make_delivery
):
    assert settling.after(make_delivery(), UNKNOWN) == Outcome(OutcomeKind.UNKNOWN, "ReadTimeout", settle=8.0)
    time.now += 3.0
    assert await waited(settling, time, make_delivery(attempt=2, previous_unknown=True)) == 5.0


async def test_a_server_that_waited_is_not_kept_longer(settling, time, make_delivery):
    settling.after(make_delivery(), UNKNOWN)
    time.now += 8.0
    assert await waited(settling, time, make_delivery(attempt=2, previous_unknown=True)) == 0.0


async def test_what_settled_stays_settled_over_attempts_that_wrote_nothing(settling, time, make_delivery):
    settling.after(make_delivery(), UNKNOWN)
    await settling.before(make_delivery(attempt=2, previous_unknown=True))
    settling.after(make_delivery(attempt=2), RETRY)
    assert await waited(settling, time, make_delivery(attempt=3, previous_unknown=True)) == 0.0


async def test_an_attempt_of_another_worker_is_waited_for_in_full(settling, time, make_delivery):
    """The third attempt knows of the first, not of the second, which another worker made."""
    assert await waited(settling, time, make_delivery(attempt=2, previous_unknown=True)) == 8.0
    settling.after(make_delivery(), UNKNOWN)
    time.now += 60.0
    assert await waited(settling, time, make_delivery(attempt=3, previous_unknown=True)) == 8.0


@pytest.mark.parametrize("outcome", [DONE, LEASE_OVER])
async def test_other_ends_leave_nothing_known(settling, time, make_delivery, outcome):
    """After a lost lease another worker may be writing now."""
    assert settling.after(make_delivery(), outcome) is outcome
    assert await waited(settling, time, make_delivery(attempt=2, previous_unknown=True)) == 8.0


async def test_an_attempt_that_was_interrupted_is_waited_for_in_full(settling, time, make_delivery):
    settling.after(make_delivery(), UNKNOWN)
    await settling.before(make_delivery(attempt=2, previous_unknown=True))
    assert await waited(settling, time, make_delivery(attempt=3, previous_unknown=True)) == 8.0
