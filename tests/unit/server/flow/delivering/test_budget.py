"""The budget of calls: one wait for both directions of a connector."""

from __future__ import annotations

from answerby.server.flow.delivering.budget import CallBudget


def test_a_wait_ends_by_the_clock_and_a_longer_one_stays() -> None:
    now = [100.0]
    budget = CallBudget(lambda: now[0])
    assert budget.wait == 0.0
    budget.hold(10.0)
    budget.hold(3.0)
    assert budget.wait == 10.0
    now[0] = 104.0
    assert budget.wait == 6.0
    now[0] = 111.0
    assert budget.wait == 0.0
