"""Plays about rule files and requests: what is selected, what is refused, what is merged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from answerby.domain.event import ActorRole, Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from tests.golden.sla.plays_of_clocks import at, clock
from tests.kit.plays import Play
from tests.kit.sections import compiled, load, targets

Case = Mapping[str, Any]
Calendars = Mapping[str, Any]
CUSTOMER = ActorRole.CUSTOMER


def rt_06(case: Case, calendars: Calendars) -> dict[str, object]:
    """We refuse the file rather than warn: a day that is not counted makes every deadline wrong."""
    weekly = {"mon-fri": ["09:00-17:00"], str(case["given"]["calendar_day"]): ["09:00-17:00"]}
    sections = {"clocks": [clock("ttr")], "calendars": {"c": {"timezone": "UTC", "weekly": weekly}}}
    found = load(sections, targets(({}, {"ttr": "1h"}))).diagnostics
    at_calendar = [d for d in found if d.file == "calendar-c.yaml"]
    assert all("7" in d.message for d in at_calendar)
    return {"load_warning": bool(at_calendar), "warnings": len(at_calendar)}


def glp_15(case: Case, calendars: Calendars) -> dict[str, object]:
    spec = {
        "timezone": "UTC",
        "weekly": {"mon-sun": ["00:00-24:00"]},
        "annual_holidays": {"05-01": "Labour Day"},
        "holidays": [
            {"from": "2019-07-08", "to": "2019-09-01", "name": "closed"},
            {"from": "2020-07-01"},
            {"to": "2018-02-01"},
        ],
    }
    result = load({"clocks": [clock("ttr")], "calendars": {"c": spec}}, targets(({}, {"ttr": "1h"})))
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    ignored = [d for d in result.diagnostics if d.file == "calendar-c.yaml" and d.severity == "warning"]
    assert len(ignored) == 2, "a range that does not begin or does not end is named"
    calendar = result.rulebook.calendars["c"]
    return {day: calendar.holiday_on(date.fromisoformat(day)) is not None for day in case["expect"]}


def frp_41(case: Case, calendars: Calendars) -> dict[str, object]:
    """One rule each, in order of precedence; the default is the stage's."""
    priority = {
        "stage": "priority",
        "hit": "first",
        "rules": [
            *(
                {"id": f"asked-{p}", "because": "c", "rank": 1, "when": {"priority.asked": p}, "then": {"priority": p}}
                for p in ("P0", "P1", "P2", "P3")
            ),
            {
                "id": "type",
                "because": "c",
                "rank": 2,
                "when": {"kind": {"equals": "outage"}},
                "then": {"priority": "P1"},
            },
        ],
    }
    book = compiled({"clocks": [clock("ttr")]}, priority, targets(({}, {"ttr": "1h"})))
    given = [{}, {"kind": "outage"}, {"kind": "outage", "priority.asked": "P3"}]
    found = [Play(book).see("received", at(), CUSTOMER, facts).facts["priority"] for facts in given]
    assert found[:2] == ["P2", "P1"], "the type's priority beats the default"
    return {"explicit_wins": found[2] == "P3"}


class Requests:
    """Several requests; what one decision sends to another is delivered, as the server does."""

    def __init__(self, book: CompiledRulebook) -> None:
        self.book = book
        self.states: dict[str, RequestState | None] = {}
        self.decided = 0

    def see(self, *events: Event) -> None:
        waiting = deque(events)
        while waiting:
            event = waiting.popleft()
            decision = decide(self.book, self.states.get(event.request_id), event, Context(), event.time)
            self.states[event.request_id] = decision.state
            waiting.extend(decision.follow_ups)
            self.decided += 1
            assert self.decided < 1_000, "the requests go in circles"


def event(request: str, number: int, what: EventType, minute: int, /, **facts: Any) -> Event:
    return Event(
        source="case",
        id=f"{request}/{number}",
        type=what,
        time=at(minutes=minute),
        request_id=request,
        actor=CUSTOMER,
        data={name.replace("__", "."): value for name, value in facts.items()},
    )


def frp_42(case: Case, calendars: Calendars) -> dict[str, object]:
    book = compiled({"clocks": [clock("answer", kind="next_reply")]}, targets(({}, {"answer": "1h"})))
    requests = Requests(book)
    requests.see(event("A", 1, EventType.RECEIVED, 0), event("B", 1, EventType.RECEIVED, 1))
    requests.see(event("A", 2, EventType.MERGED, 2, merged__into="B"))
    answered = Event(
        source="case", id="B/2", type="request.replied", time=at(minutes=3), request_id="B", actor=ActorRole.AGENT
    )
    requests.see(answered)
    requests.see(event("A", 3, EventType.CUSTOMER_REPLIED, 5, kind="still broken"))
    survivor = requests.states["B"]
    assert survivor is not None
    reached = survivor.given.get("kind") == "still broken" and survivor.clocks["answer"].due == at(minutes=65)
    # Both ways round: the second merge would close the circle.
    requests.see(event("B", 3, EventType.MERGED, 6, merged__into="A"))
    requests.see(event("A", 4, EventType.CUSTOMER_REPLIED, 7, kind="and again"))
    going_on = [state for state in requests.states.values() if state is not None and state.status.value == "open"]
    heard = [state for state in going_on if state.given.get("kind") == "and again"]
    return {"dropped": not (reached and heard), "recursion": not going_on}


PLAYS: Mapping[str, Callable[[Case, Calendars], Any]] = {
    "RT-06": rt_06,
    "GLP-15": glp_15,
    "FRP-41": frp_41,
    "FRP-42": frp_42,
}
