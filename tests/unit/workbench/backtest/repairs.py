"""Eight requests for tests of backtests under old and new rules, and what they come to, counted by hand.

The old rules are REPAIRS; the new ones give impact `mid` the highest priority. All of it happens on 2026-03-02, in UTC:

    request  impact  events                old            new
    A        mid     08:00, done 10:00     P2 until 12    P1 until 09: late, 08:30 clerk, 09:00 chief
    B        high    08:00, done 08:30     P1 until 09    the same; done as the warning falls due
    C        low     09:00                 P3 until 17    the same
    D        mid     08:00, done 08:20     P2 until 12    P1 until 09, nobody told
    E        high    08:00, done 09:00     P1 until 09    the same; in time to the minute, 08:30 clerk
    F1 F2    low     08:00, 08:10          P3             the same
    F3       low     08:20, customer f     P1 until 09:20 the same: their third; 08:50 clerk, 09:20 chief, late
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from answerby.domain.event import ActorRole, Event, Value
from answerby.workbench.backtest.recorded_request import RecordedEvent, RecordedRequest
from tests.kit.rulebooks import REPAIRS, variant

NEW = variant(REPAIRS, priority=REPAIRS["priority.yaml"].replace("[mid, P2]", "[mid, P1]"))

DAY = datetime(2026, 3, 2, tzinfo=UTC)
RECEIVED, COMPLETED = "request.received", "request.completed"


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return DAY.replace(hour=int(hour), minute=int(minute))


def event(request_id: str, kind: str, clock: str, **facts: Value) -> Event:
    return Event(
        source="test",
        id=f"{request_id}/{kind}/{clock}",
        type=kind,
        time=at(clock),
        request_id=request_id,
        actor=ActorRole.CUSTOMER if kind == RECEIVED else ActorRole.AGENT,
        data={name.replace("__", "."): value for name, value in facts.items()},
    )


def story(request_id: str, *events: Event) -> RecordedRequest:
    events = [RecordedEvent(e.time, number, e) for number, e in enumerate(events)]
    return RecordedRequest(request_id=request_id, events=events)


def request(request_id: str, impact: str, received: str, completed: str = "", customer: str = "") -> RecordedRequest:
    facts: dict[str, Value] = {"impact": impact, **({"customer__id": customer} if customer else {})}
    events = [event(request_id, RECEIVED, received, **facts)]
    if completed:
        events.append(event(request_id, COMPLETED, completed))
    return story(request_id, *events)


def groups() -> list[list[RecordedRequest]]:
    """The eight requests, those of customer f together."""
    return [
        [request("A", "mid", "8:00", "10:00")],
        [request("B", "high", "8:00", "8:30")],
        [request("C", "low", "9:00")],
        [request("D", "mid", "8:00", "8:20")],
        [request("E", "high", "8:00", "9:00")],
        [request(f"F{n}", "low", clock, customer="f") for n, clock in ((1, "8:00"), (2, "8:10"), (3, "8:20"))],
    ]


def export(groups: Iterable[Iterable[RecordedRequest]]) -> str:
    """The same as a CSV file, in order of time."""
    rows = sorted((h.moment, s.request_id, h.event) for group in groups for s in group for h in s.events)
    lines = ["ticket,state,at,impact,customer,body"]
    for moment, request_id, happened in rows:
        state = "new" if happened.type == RECEIVED else "done"
        data = happened.data
        cells = (request_id, state, moment.isoformat(), data.get("impact", ""), data.get("customer.id", ""))
        lines.append(",".join(map(str, cells)) + f",{data.get('text.body', '')}")
    return "\n".join(lines) + "\n"


MAPPING = """
mapping: desk
order: time
request_id: ticket
events:
  - type:
      - {first: true, is: request.received}
      - {when: {state: done}, is: request.completed}
      - {is: request.updated}
    time: at
    actor: {column: state, values: {new: customer, done: agent}}
facts:
  impact: impact
  customer.id: customer
  text.body: body
"""
