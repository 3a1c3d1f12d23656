"""Between domain types and stored bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.clock import ClockPhase, ClockState, Target
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.request import RequestState
from answerby.store import codec
from answerby.store.records import OutboxEntry

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text())
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def state(**fields) -> RequestState:
    return RequestState(
        **{"tenant": "acme", "request_id": "R-1", "source": "crm", "created": T0, "last_event": T0} | fields
    )


def decision(**fields) -> Decision:
    event = {"event_source": "crm", "event_id": "e1", "event_type": "request.received", "event_time": T0}
    return Decision(tenant="acme", request_id="R-1", decided=T0, sequence=1, revision="r", **event, **fields)


@given(st.dictionaries(st.text(), VALUES, max_size=5), INSTANTS)
def test_a_state_comes_back_as_it_was(given_facts: dict, created: datetime) -> None:
    before = state(version=3, number="202310-CSR-001", given=given_facts, created=created)
    assert codec.decode_state(codec.encode_state(before, 3), None) == before


def test_a_state_is_stored_under_the_version_of_its_commit() -> None:
    assert codec.decode_state(codec.encode_state(state(version=7), 8), None).version == 8


@pytest.mark.parametrize(
    ("own", "stored", "expected"), [("", b"N-1", "N-1"), ("N-2", b"N-1", "N-2"), ("", b"", ""), ("", None, "")]
)
def test_the_number_is_filled_in(own: str, stored: bytes | None, expected: str) -> None:
    assert codec.decode_state(codec.encode_state(state(number=own), 0), stored).number == expected
    assert codec.decode_decision(codec.encode_decision(decision(number=own)), stored).number == expected


def test_a_logged_decision_leaves_the_state_out() -> None:
    raw = codec.encode_decision(decision(state=state(given={"text.body": "private"})))
    assert b"private" not in raw
    assert codec.decode_decision(raw, None) == decision()


def test_an_entry_gets_number_and_attempts() -> None:
    effect = Effect(kind=EffectKind.NOTIFY, key="k", payload={"note": "急"})
    entry = OutboxEntry(
        effect_id="x", tenant="acme", request_id="R-1", connector="c", effect=effect, decision_sequence=1, created=T0
    )
    filled = codec.decode_entry(codec.encode(entry), b"202310-CSR-001", 4)
    assert (filled.number, filled.attempts, filled.effect) == ("202310-CSR-001", 4, effect)


def test_facets_are_what_lists_filter_by() -> None:
    clock = ClockState(name="reply", phase=ClockPhase.RUNNING, target=Target(amount=1), started=T0, breached=True)
    full = state(derived={"category": "投诉", "priority": "P0", "department": "quality"}, clocks={"reply": clock})
    assert json.loads(codec.encode_facets(full)) == ["投诉", "P0", "open", "quality", "1"]
    assert json.loads(codec.encode_facets(state())) == ["", "", "open", "", "0"]


@pytest.mark.parametrize(
    ("instant", "us", "ms"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0, 0),
        (datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), 1_500_000, 1_500),
        (datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC), 1_000_001, 1_001),
        (datetime(2023, 10, 9, 9, 0, tzinfo=timezone(timedelta(hours=8))), 1_696_813_200_000_000, 1_696_813_200_000),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1, 0),
    ],
)
def test_instants_become_exact_microseconds_and_milliseconds_rounded_up(instant: datetime, us: int, ms: int) -> None:
    assert codec.to_us(instant) == us
    assert codec.to_ms(instant) == ms


@given(INSTANTS)
def test_milliseconds_are_never_early_and_at_most_one_late(instant: datetime) -> None:
    late = codec.to_ms(instant) * 1000 - codec.to_us(instant)
    assert 0 <= late < 1000
