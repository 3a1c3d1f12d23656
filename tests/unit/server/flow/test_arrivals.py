"""Events of connectors on their way to the stream: marked, of one tenant, and in a form that the store can keep."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import Event
from answerby.server.flow.arrivals import arrival, storable, unmarked
from answerby.store import codec

EVENT = Event(
    tenant="other", source="p", id="1", type="request.received", time=datetime(2026, 1, 5, tzinfo=UTC), request_id="R"
)


def with_data(**data) -> Event:
    return Event(**{name: getattr(EVENT, name) for name in EVENT.__struct_fields__} | {"data": data})


def test_the_mark_comes_off_again() -> None:
    stored = arrival(with_data(a="x"), "acme", "desk")
    assert stored.tenant == "acme"
    event, name = unmarked(stored)
    assert (event.data, name) == ({"a": "x"}, "desk")
    assert unmarked(event) == (event, "")


def test_half_characters_and_huge_numbers_do_not_stop_the_store() -> None:
    event = storable(with_data(text="ab\ud83d", words=["\udc00", "好"], number=2**70, small=-(2**63), nothing=None))
    assert event.data == {"text": "ab?", "words": ["?", "好"], "number": str(2**70), "small": -(2**63), "nothing": None}
    assert codec.decode_event(codec.encode(event)) == event
