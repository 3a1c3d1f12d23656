"""Cases of one request's life: its clocks at given moments, as the engine decides them from real rule files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.event import ActorRole
from answerby.sla.business_time import working_seconds_between
from answerby.sla.clocks import calendar_of, late_seconds, longest_seconds, used_seconds
from tests.kit.plays import Play
from tests.kit.sections import compiled, targets

Case = Mapping[str, Any]

SEMANTICS: Mapping[str, Mapping[str, object]] = {
    # Every clock of Zammad stands still while the ticket is pending.
    "zammad": {"pause_while": ["on_hold"]},
}
"""The keys that the product of a source needs, where they are not the defaults of the kind."""
KINDS = {"staff_work": "agent_work", "ola": "ownership"}
MESSAGES = {
    "customer_message": ("request.customer_replied", ActorRole.CUSTOMER),
    "agent_reply": ("request.replied", ActorRole.AGENT),
    "auto_reply": ("request.replied", ActorRole.SYSTEM),
    "assigned": ("request.assigned", ActorRole.AGENT),
}
CASE_KEYS = frozenset(
    [
        "id",
        "op",
        "title",
        "source",
        "test",
        "confidence",
        "calendar",
        "boundary",
        "granularity",
        "created",
        "paused_states",
        "stopped_states",
        "clocks",
        "events",
        "checks",
        "tags",
        "note",
        "initial_state",
        "calendars",
    ]
)
CLOCK_KEYS = frozenset(["kind", "target", "warn", "end_of_day"])


def run(case: Case, calendars: Mapping[str, Any]) -> None:
    """Raises AssertionError where a check differs, and for anything in the case that is not understood."""
    assert set(case) <= CASE_KEYS, f"the case says more than is understood: {sorted(set(case) - CASE_KEYS)}"
    desk = Play(compiled(sections(case, calendars), targets(({}, goals(case)))))
    moments = sorted([*happenings(case), *checks(case)], key=lambda moment: moment[:2])
    assert any(kind == CHECK for _, kind, _ in moments), "the case checks nothing"
    for at, kind, what in moments:
        if kind == CHECK:
            desk.waits(at)
            check(desk, at, what)
        else:
            happen(desk, case, at, what)


HAPPENING, CHECK = 0, 1
"""What happens at a moment comes before what is checked then."""


def happenings(case: Case) -> Iterator[tuple[datetime, int, Mapping[str, Any]]]:
    created = instant(case["created"])
    yield created, HAPPENING, {"type": "created", "state": case.get("initial_state")}
    for event in case["events"]:
        assert set(event) <= {"at", "type", "state"}, f"an event says more than is understood: {event}"
        yield instant(event["at"]), HAPPENING, event


def checks(case: Case) -> Iterator[tuple[datetime, int, Mapping[str, Any]]]:
    for item in case["checks"]:
        yield instant(item["at"]), CHECK, {name: expected for name, expected in item.items() if name != "at"}


def happen(desk: Play, case: Case, at: datetime, event: Mapping[str, Any]) -> None:
    kind, state = event.get("type"), event.get("state")
    if kind == "created":
        desk.see("received", at, ActorRole.CUSTOMER)
    elif kind is not None:
        desk.see(MESSAGES[kind][0], at, MESSAGES[kind][1])
    if state in case.get("paused_states", ()):
        desk.see("on_hold", at)
    elif state in case.get("stopped_states", ()):
        desk.see("closed" if state == "closed" else "completed", at)
    elif state is not None:
        assert desk.state is not None
        finished = desk.state.status.value in ("completed", "closed")
        desk.see("reopened" if finished else "resumed", at)


def sections(case: Case, calendars: Mapping[str, Any]) -> dict[str, object]:
    name = case["calendar"]
    clocks, ladders = [], []
    for clock, spec in case["clocks"].items():
        assert set(spec) <= CLOCK_KEYS, f"a clock says more than is understood: {spec}"
        steps = [{"at": offset(text), "notify": {"role": "clerk", "template": "late"}} for text in spec.get("warn", ())]
        at_due = {"at": "0m", "notify": {"role": "chief", "template": "late"}}
        ladders.append({"id": clock, "because": "case", "offsets": "working_time", "steps": [*steps, at_due]})
        semantics = next((keys for source, keys in SEMANTICS.items() if case["source"].startswith(source)), {})
        given = {key: case[key] for key in ("boundary", "granularity") if key in case}
        kind = KINDS.get(spec["kind"], spec["kind"])
        clocks.append(
            {"id": clock, "because": "case", "kind": kind, "calendar": name, "ladder": clock, **semantics, **given}
        )
    calendar = {} if name == "always" else {name: calendars[name]}
    return {"clocks": clocks, "ladders": ladders, "calendars": calendar}


def goals(case: Case) -> dict[str, object]:
    return {
        name: {"within": spec["target"], **({"end_of_day": True} if spec.get("end_of_day") else {})}
        for name, spec in case["clocks"].items()
    }


def offset(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"


def check(desk: Play, at: datetime, expected: Mapping[str, Mapping[str, Any]]) -> None:
    for name, figures in expected.items():
        assert desk.state is not None
        assert name in desk.state.clocks, f"there is no clock {name}"
        clock = desk.state.clocks[name]
        for figure, value in figures.items():
            found = FIGURES[figure](desk, clock, at)
            wanted = instants(value) if figure in ("due", "warn") else value
            assert found == wanted, f"{name}.{figure} at {at}: {found}, not {wanted}"


def pause_total(desk: Play, clock: ClockState, at: datetime) -> float:
    calendar = calendar_of(desk.rulebook.rulebook.calendars, clock.target)
    return sum(working_seconds_between(calendar, start, end) for start, end in clock.pauses)


def warnings(desk: Play, clock: ClockState, at: datetime) -> list[datetime]:
    ladder = desk.rulebook.rulebook.ladders[clock.ladder]
    return [timer.due for timer in desk.timers(clock.name) if timer.step < len(ladder.steps) - 1]


FIGURES = {
    "due": lambda desk, clock, at: clock.due,
    "paused": lambda desk, clock, at: clock.phase is ClockPhase.PAUSED,
    "running": lambda desk, clock, at: clock.phase is ClockPhase.RUNNING,
    "met": lambda desk, clock, at: clock.phase is ClockPhase.STOPPED and not clock.breached,
    "breached": lambda desk, clock, at: clock.breached,
    "elapsed": lambda desk, clock, at: used_seconds(desk.rulebook.rulebook.calendars, clock, at),
    "late_by": lambda desk, clock, at: late_seconds(desk.rulebook.rulebook.calendars, clock, at),
    "worst_elapsed": lambda desk, clock, at: longest_seconds(desk.rulebook.rulebook.calendars, clock, at)[0],
    "worst_late_by": lambda desk, clock, at: longest_seconds(desk.rulebook.rulebook.calendars, clock, at)[1],
    "cycle": lambda desk, clock, at: clock.cycle,
    "pause_total": pause_total,
    "warn": warnings,
}


def instants(value: Any) -> Any:
    if isinstance(value, list):
        return [instant(item) for item in value]
    return None if value is None else instant(value)


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None, f"{text} has no offset"
    return found
