"""Parking: when a platform may be asked again, and what waits for it."""

from answerby.server.flow.parking import Parking
from answerby.store.codec import decode_place
from answerby.store.records import IntakeEntry


def entry(stream_id):
    return IntakeEntry(
        tenant="t", id=stream_id, place=decode_place(stream_id), payload=b"", event=None, error="", deliveries=1
    )


def test_nothing_is_asked_before_the_platform_said():
    parking = Parking()
    parking.close("desk", now=100.0, retry_after=60.0)
    parking.add("desk", entry("1-0"))
    assert parking.is_closed("desk", 159.9)
    assert parking.take_due(159.9) == []
    assert not parking.is_closed("desk", 160.0)
    assert [e.id for e in parking.take_due(160.0)] == ["1-0"]
    assert len(parking) == 0


def test_a_platform_that_says_nothing_is_asked_ever_less_often():
    parking, now = Parking(), 0.0
    for wait in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0):
        parking.close("desk", now, None)
        assert parking.is_closed("desk", now + wait - 0.01)
        now += wait + 0.01
        assert not parking.is_closed("desk", now)


def test_an_answer_ends_the_series():
    parking = Parking()
    parking.close("desk", 0.0, None)
    parking.close("desk", 1.0, None)
    parking.note_answer("desk")
    parking.close("desk", 10.0, None)
    assert not parking.is_closed("desk", 10.3)


def test_one_platform_does_not_hold_up_another_and_order_is_by_arrival():
    parking = Parking()
    parking.close("away", 0.0, 100.0)
    parking.add("away", entry("1-0"))
    parking.add("here", entry("10-0"))
    parking.add("here", entry("9-1"))
    assert [e.id for e in parking.take_due(1.0)] == ["9-1", "10-0"]
    assert parking.stream_ids == ["1-0"]
