"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

import pytest

from answerby.domain.backoff import Backoff
from answerby.server.flow.breaker import Breaker, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(threshold=3, cooldown=Backoff(5.0, 12.0), clock=clock)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.begin()
        breaker.failure()


def test_opens_after_failures_in_a_row(breaker):
    fail(breaker, 2)
    assert (breaker.state, breaker.allowed(8)) == (BreakerState.CLOSED, 8)
    fail(breaker)
    assert (breaker.state, breaker.allowed(8), breaker.wait) == (BreakerState.OPEN, 0, 5.0)


def test_a_success_between_starts_the_count_again(breaker):
    fail(breaker, 2)
    breaker.success()
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


def test_asks_once_after_the_rest(breaker, clock):
    fail(breaker, 3)
    clock.now += 5.0
    assert (breaker.state, breaker.allowed(8)) == (BreakerState.HALF_OPEN, 1)
    breaker.begin()
    assert breaker.allowed(8) == 0
    breaker.success()
    assert (breaker.state, breaker.allowed(8), breaker.wait) == (BreakerState.CLOSED, 8, 0.0)


def test_rests_twice_as_long_each_time_up_to_a_limit(breaker, clock):
    fail(breaker, 3)
    waits = []
    for _ in range(4):
        waits.append(breaker.wait)
        clock.now += breaker.wait
        fail(breaker)
    assert waits == [5.0, 10.0, 12.0, 12.0]
    clock.now += breaker.wait
    breaker.begin()
    breaker.success()
    fail(breaker, 3)
    assert breaker.wait == 5.0


def test_failures_of_attempts_from_before_do_not_prolong_the_rest(breaker):
    for _ in range(6):
        breaker.begin()
    for _ in range(6):
        breaker.failure()
    assert breaker.wait == 5.0
