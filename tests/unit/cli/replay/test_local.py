"""Replay in this process: what follows from an event for another request is folded in at once."""

from datetime import UTC, datetime

from answerby.cli.replay.local_decider import LocalDecider, load
from answerby.cli.replay.outcome import Outcome
from answerby.cli.replay.planner import Planned
from answerby.domain.event import Event
from tests.kit.places import RULES


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


def complaint(number: int, hour: int, *, customer: str = "C", text: str = "我要投诉") -> Planned:
    return planned(number, f"R{number}", "received", hour, customer__id=customer, text__body=text)


def test_the_third_complaint_within_a_day_is_the_third() -> None:
    plan = [
        complaint(1, 1),
        complaint(2, 2, text="客服小李服务很好，特此表扬"),
        complaint(3, 3, text="建议增加自行车停车位"),
        complaint(4, 4),
        complaint(5, 5, customer="somebody else"),
        complaint(6, 6, text="请问怎么换货"),
        complaint(7, 7),
        planned(8, "R1", "replied", 8),
        complaint(9, 9),
        planned(10, "R7", "customer_replied", 23, text__body="怎么样了"),
    ]

    decided = list(LocalDecider(load(RULES, "reference")).decide_all(plan))

    marked = [
        p.event.id for p, o in decided if isinstance(o, Outcome) and "repeat-complaint" in (o.facts.get("tags") or [])
    ]
    assert marked == ["e7", "e9", "e10"], "the third and the fourth, also later on, and never the first"
    priorities = {p.event.id: o.facts["priority"] for p, o in decided if isinstance(o, Outcome)}
    assert (priorities["e4"], priorities["e7"], priorities["e10"]) == ("P2", "P1", "P1")
