"""How long a lease surely holds: by seconds that go on while the process is frozen, and less than the store's."""

from __future__ import annotations

from answerby.server.flow.delivering.tenure import Tenure


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_of_30_s_may_begin_a_delivery_for_15_and_a_write_for_27() -> None:
    seconds = Seconds()
    tenure = Tenure(asked=1000.0, length=30.0, elapsed=seconds)
    assert tenure.is_fresh()
    assert tenure.holds()
    seconds.now += 14.9
    assert tenure.is_fresh()
    seconds.now += 0.2
    assert not tenure.is_fresh()
    assert tenure.holds()
    seconds.now += 12.0
    assert not tenure.holds()


def test_a_renewal_counts_from_its_question() -> None:
    seconds = Seconds()
    tenure = Tenure(asked=1000.0, length=30.0, elapsed=seconds)
    seconds.now = 1040.0
    tenure.renewed(1012.9)
    assert not tenure.holds()
    tenure.renewed(1039.0)
    assert tenure.is_fresh()
