"""Generated histories: events of one request in the order they come, as Hypothesis draws them and makes them smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from answerby.domain.event import ActorRole, Event, EventType, Value


class Coming(NamedTuple):
    """An event, and when it comes."""

    at: datetime
    event: Event


def some_facts(facts: Mapping[str, Sequence[Value]], most: int = 3) -> st.SearchStrategy[dict[str, Value]]:
    """At most so many of the facts, each with one of its values."""
    pairs = [(name, value) for name, values in facts.items() for value in values]
    return st.lists(st.sampled_from(pairs), max_size=most).map(dict)


def happenings(
    kinds: Sequence[str], facts: Mapping[str, Sequence[Value]], *, gap: int, late: Sequence[timedelta], historical: bool
) -> st.SearchStrategy[Any]:
    """What one event is made of: minutes since the one before, its kind, how late it comes, who did it, its facts."""
    return st.tuples(
        st.integers(0, gap),
        st.sampled_from(kinds),
        st.sampled_from(late),
        st.sampled_from(list(ActorRole)),
        some_facts(facts),
        st.sampled_from([False] * 9 + [True]) if historical else st.just(False),
    )


@st.composite
def histories(
    draw: st.DrawFn,
    kinds: Sequence[str],
    facts: Mapping[str, Sequence[Value]],
    *,
    starts: Sequence[datetime],
    most: int,
    gap: int,
    late: Sequence[timedelta] = (timedelta(),),
    historical: bool = False,
    carried: Mapping[str, Mapping[str, Sequence[Value]]] | None = None,
) -> list[Coming]:
    """At most so many events of request R, at most `gap` minutes apart; the first is its receipt.

    `historical`: some of them are. `carried`: facts that an event of a kind always has, each with one of the values.
    """
    at = draw(st.sampled_from(starts))
    each = happenings(kinds, facts, gap=gap, late=late, historical=historical)
    history = []
    for number, (minutes, later, delay, actor, data, past) in enumerate(
        draw(st.lists(each, min_size=1, max_size=most))
    ):
        at += timedelta(minutes=minutes)
        kind = later if number else EventType.RECEIVED
        always = {name: draw(st.sampled_from(values)) for name, values in (carried or {}).get(kind, {}).items()}
        event = Event(
            source="test",
            id=f"e{number}",
            type=kind,
            time=at - delay,
            request_id="R",
            actor=actor,
            data={**data, **always},
            historical=past,
        )
        history.append(Coming(at, event))
    return history
