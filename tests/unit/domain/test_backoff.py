"""Waits that double up to a limit, and what chance may do to them."""

from __future__ import annotations

import pytest

from answerby.domain.backoff import Backoff


def test_a_wait_doubles_with_each_failure_up_to_the_limit() -> None:
    backoff = Backoff(first=0.1, most=2.0)
    assert [backoff.wait(failures) for failures in range(1, 8)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])


def test_without_a_failure_there_is_no_wait() -> None:
    assert Backoff(first=0.1, most=2.0).wait(0) == 0.0


def test_the_limit_holds_for_the_first_wait_too() -> None:
    assert Backoff(first=5.0, most=2.0).wait(1) == 2.0


@pytest.mark.parametrize(("jitter", "shortest"), [(0.0, 8.0), (0.5, 4.0), (1.0, 0.0)])
def test_chance_takes_its_share_at_most(jitter: float, shortest: float) -> None:
    backoff = Backoff(first=1.0, most=8.0, jitter=jitter)
    assert backoff.wait(4, chance=lambda: 0.0) == 8.0
    assert backoff.wait(4, chance=lambda: 1.0) == pytest.approx(shortest)


def test_any_number_of_failures_can_be_waited_for() -> None:
    assert Backoff(first=0.001, most=600.0).wait(10**6) == 600.0
