"""Replay in this process: what follows from an event for another request is folded in at once."""

from datetime import UTC, datetime
from pathlib import Path

from service.cli.replay.local import LocalDecider, load
from service.cli.replay.outcome import Outcome
from service.cli.replay.planning import Planned
from service.domain.event import Event

RULES = Path(__file__).parents[3] / "rules"


def planned(number: int, request_id: str, kind: str, hour: int, **facts: str) -> Planned:
    event = Event(
        source="export",
        id=f"e{number}",
        type=f"request.{kind}",
        time=datetime(2026, 3, 2, hour, tzinfo=UTC),
        request_id=request_id,
        historical=True,
        data={name.replace("__", "."): value for name, value in facts.items()},
    )
    return Planned(event, number, {})


def test_a_past_merge_reaches_its_survivor() -> None:
    plan = [
        planned(1, "A", "received", 1),
        planned(2, "B", "received", 3),
        planned(3, "A", "merged", 4, merged__into="B"),
        planned(4, "B", "updated", 5, text__body="hello"),
    ]

    decided = list(LocalDecider(load(RULES, "reference")).decide_all(plan))

    assert [p.event.id for p, _ in decided] == ["e1", "e2", "e3", "e4"]
    last = decided[-1][1]
    assert isinstance(last, Outcome)
    (response,) = (clock for clock in last.clocks if clock.name == "first_response")
    # 48 working hours of 9 a day from Monday 09:00 in Shanghai: Friday is the 45th, so Monday at noon.
    assert response.due == datetime(2026, 3, 9, 4, tzinfo=UTC)
