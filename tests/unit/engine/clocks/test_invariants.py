"""The invariants of service/docs/explanation/invariants.md, each over generated histories.

What must happen is worked out here from due times, offsets and the order of events. Nothing of it is asked of the
ladders' own arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.clock import ClockState
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import EventType
from answerby.domain.request import RequestState
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from tests.kit.examples import examples
from tests.kit.histories import Coming, histories
from tests.kit.plays import Play, effects
from tests.kit.sections import compiled, targets

MINUTE = timedelta(minutes=1)
STEPS = {
    "usual": {0: -30 * MINUTE, 1: timedelta(), 2: 45 * MINUTE},
    "chain": {0: -20 * MINUTE, 1: timedelta(), 2: 40 * MINUTE},
    "before": {0: -25 * MINUTE},
}
"""Offsets from the due time, by ladder and number of the step."""
LADDER_OF = {
    "plain": "",
    "fix": "usual",
    "part@desk": "usual",
    "part@lab": "usual",
    "chained": "chain",
    "hand": "before",
}
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
KINDS = [
    EventType(f"request.{kind}")
    for kind in (
        *("updated", "updated", "updated", "acknowledged", "acknowledged", "replied", "customer_replied"),
        *("on_hold", "resumed", "completed", "reopened", "closed"),
    )
]
FACTS = {
    "priority.asked": ["P3", "P2", "P1", "P0"],
    "override.department": ["lab", "desk"],
    "due.hand": ["2026-03-02T03:00:00+00:00", "2026-03-02T05:00:00+00:00", "2026-03-02T09:30:00+00:00", None],
    "due.fix": ["2026-03-02T04:00:00+00:00", "2026-03-03T03:00:00+00:00", None],
    "acknowledged.clock": ["fix", "chained"],
}
ORDERLY = histories(KINDS, FACTS, starts=[START], most=12, gap=150)
LATE = histories(KINDS, FACTS, starts=[START], most=9, gap=150, late=[timedelta()] * 3 + [60 * MINUTE, 400 * MINUTE])


def ladder(name: str, **keys: object) -> dict[str, object]:
    steps = [
        {"at": f"{int(offset / MINUTE):+d}m".replace("+0m", "0m"), "notify": {"role": "clerk", "template": "late"}}
        for offset in STEPS[name].values()
    ]
    return {"id": name, "because": "case", "steps": steps, **keys}


def clock(name: str, **keys: object) -> dict[str, object]:
    stop = {"stop": ["request.completed"], "pause_while": ["on_hold"], "reopen": "continue"}
    return {"id": name, "because": "case", "calendar": "always", **stop, **keys}


@pytest.fixture(scope="module")
def rulebook() -> CompiledRulebook:
    return various()


def various() -> CompiledRulebook:
    """Clocks with and without a ladder, of many sorts."""
    usual = ladder("usual")
    usual["steps"][1] |= {"repeat": {"every": "40m", "at_most": 5}}
    sections = {
        "clocks": [
            clock("plain"),
            clock("fix", ladder="usual", calendar="office", reopen="new_cycle"),
            clock("part", ladder="usual", per="department"),
            clock(
                "chained",
                ladder="chain",
                stop=["request.replied"],
                start=["request.received", "request.customer_replied"],
            ),
            clock("hand", ladder="before"),
        ],
        "ladders": [usual, ladder("chain", on_acknowledgement="stop_chain"), ladder("before")],
        "calendars": {"office": {"timezone": "UTC", "weekly": {"daily": ["01:00-06:00", "07:00-12:00"]}}},
    }
    each = ("plain", "fix", "part", "chained", "hand")
    goals = [
        ({"priority.asked": priority}, dict.fromkeys(each, target))
        for priority, target in (("P3", "6h"), ("P1", "1h"), ("P0", "10m"))
    ]
    return compiled(sections, targets(*goals, ({}, dict.fromkeys(each, "3h"))))


class Moment(NamedTuple):
    """A decision, and the request before and after it."""

    at: datetime
    decision: Decision
    before: RequestState | None
    after: RequestState

    def told(self) -> list[Effect]:
        """The messages of ladders, first ones and repeats."""
        return [effect for effect in effects(self.decision, EffectKind.NOTIFY) if effect.key.startswith("ladder/")]

    def firsts(self) -> list[tuple[str, int]]:
        """Clock and step of each step that fired, repeats left out."""
        return [(e.payload["clock"], e.payload["step"]) for e in self.told() if not e.payload["repeat"]]


def life(rulebook: CompiledRulebook, history: list[Coming], *, with_history: bool = False) -> list[Moment]:
    """Every decision of the request, all timers fired when they are due, and of the two days after."""
    play = Play(rulebook, with_history=with_history)
    moments: list[Moment] = []

    def decided(event: object, now: datetime) -> RequestState:
        before = play.state
        now = max(now, moments[-1].at) if moments else now
        decision = play.take(event, now)
        moments.append(Moment(now, decision, before, play.request))
        return play.request

    for at, event in history:
        fire_until(play.state, at, decided)
        decided(event, at)
    fire_until(play.state, moments[-1].at + timedelta(days=2), decided)
    return moments


def running(state: RequestState) -> Iterator[ClockState]:
    return (clock for clock in state.clocks.values() if clock.phase == "running")


def stretches(moments: list[Moment]) -> Iterator[tuple[Moment, datetime]]:
    """Each decision, with the time until which its state stood."""
    ends = [moment.at for moment in moments[1:]]
    return zip(moments, [*ends, moments[-1].at + timedelta(days=2)], strict=True)


@examples(200)
@given(history=ORDERLY)
def test_a_running_clock_is_late_from_its_due_time_on(rulebook, history) -> None:
    for moment, until in stretches(life(rulebook, history)):
        for each in running(moment.after):
            assert each.due is not None
            assert each.breached == (each.due <= moment.at)
            assert not moment.at < each.due < until, "nothing was decided at the due time"


@examples(100)
@given(history=LATE, with_history=st.booleans())
def test_no_late_event_leaves_a_clock_past_due_in_time(rulebook, history, with_history) -> None:
    for moment, until in stretches(life(rulebook, history, with_history=with_history)):
        for each in running(moment.after):
            assert each.due is not None
            assert each.breached or each.due > moment.at
            assert not moment.at < each.due < until, "nothing was decided at the due time"


@examples(200)
@given(history=ORDERLY)
def test_time_makes_no_decision_twice(rulebook, history) -> None:
    """A timer fires a step, or makes a clock late; never is one decision made for the lateness of another."""
    for moment in life(rulebook, history):
        if moment.decision.event_type == EventType.TIMER_DUE:
            late = {c.name for c in running(moment.after) if c.breached}
            before = {c.name for c in running(moment.before) if c.breached}
            assert moment.told() or late - before


@examples(200)
@given(history=ORDERLY)
def test_the_platform_knows_what_is_late_and_when_all_else_is_due(rulebook, history) -> None:
    written: dict[str, object] = {}
    for moment in life(rulebook, history):
        for update in effects(moment.decision, EffectKind.UPDATE_REQUEST):
            written = update.payload
        due = {f"due.{c.name}": c.due for c in running(moment.after)}
        told = {name: datetime.fromisoformat(at) for name, at in written.items() if name.startswith("due.")}
        assert told == due
        late = {c.name for c in moment.after.clocks.values() if c.breached and c.phase == "running"}
        assert late <= set(written["breached"])
        assert {n for n in written["breached"] if moment.after.clocks[n].phase == "running"} == late


@examples(200)
@given(history=ORDERLY)
def test_each_due_time_in_force_is_told_at_its_time_whoever_acknowledged_before(rulebook, history) -> None:
    """Of ladders that an acknowledgement does not end: it suppresses no step that is raised after it."""
    moments = life(rulebook, history)
    told = {(m.at, *first) for m in moments for first in m.firsts()}
    for moment, until in stretches(moments):
        for each in running(moment.after):
            for number, offset in STEPS.get(LADDER_OF[each.name], {}).items():
                at = each.due + offset
                if moment.at < at <= until and LADDER_OF[each.name] != "chain":
                    assert (at, each.name, number) in told


@examples(200)
@given(history=ORDERLY)
def test_no_step_is_told_twice_for_one_due_time(rulebook, history) -> None:
    told: set[tuple[object, ...]] = set()
    for moment in life(rulebook, history):
        for name, step in moment.firsts():
            each = moment.after.clocks[name]
            key = (name, each.cycle, step, each.due)
            assert key not in told
            told.add(key)


@examples(200)
@given(history=ORDERLY)
def test_what_is_told_is_due_and_names_a_clock_that_runs(rulebook, history) -> None:
    completed = START
    for moment in life(rulebook, history):
        if moment.after.status == "completed" and moment.before and moment.before.status != "completed":
            completed = moment.decision.event_time
        for effect in moment.told():
            before, after = (state.clocks[effect.payload["clock"]] for state in (moment.before, moment.after))
            assert (before.phase, after.phase) == ("running", "running")
            assert before.cycle == after.cycle
            assert datetime.fromisoformat(effect.payload["due"]) == after.due
            if not effect.payload["repeat"]:
                at = before.due + STEPS[LADDER_OF[before.name]][effect.payload["step"]]
                assert moment.decision.event_time == at <= moment.at
            assert moment.before.status not in ("closed", "merged")
            # A message of the customer on a completed request begins a clock of its own.
            assert moment.before.status != "completed" or before.started >= completed


@examples(200)
@given(history=ORDERLY)
def test_an_acknowledgement_ends_what_it_answers_and_nothing_else(rulebook, history) -> None:
    """Repeats of a step end with the acknowledgement after it; of `chained`, the later steps of the same due time."""
    moments = life(rulebook, history)
    raised: dict[tuple[str, int], set[int]] = {}
    answered: dict[tuple[str, int], set[int]] = {}
    ended: dict[tuple[str, int], datetime] = {}
    heard = {(m.at, *first) for m in moments for first in m.firsts()}
    for moment, until in stretches(moments):
        for effect in moment.told():
            each = moment.after.clocks[effect.payload["clock"]]
            key, step = (each.name, each.cycle), effect.payload["step"]
            if effect.payload["repeat"]:
                assert step not in answered.get(key, ()), "a repeat after its acknowledgement"
            else:
                raised.setdefault(key, set()).add(step)
                answered.get(key, set()).discard(step)
                assert key not in ended or each.due > ended[key], "a step after the chain was ended"
        if moment.decision.event_type == EventType.REOPENED:
            answered, ended = {}, {}
        if moment.decision.event_type == EventType.ACKNOWLEDGED:
            event = next(e for _, e in history if e.id == moment.decision.event_id)
            only = event.data.get("acknowledged.clock")
            for each in moment.before.clocks.values():
                key = (each.name, each.cycle)
                if each.phase not in ("running", "paused") or only not in (None, each.name, each.name.split("@")[0]):
                    continue
                new = raised.get(key, set()) - answered.get(key, set())
                answered.setdefault(key, set()).update(new)
                if new and LADDER_OF[each.name] == "chain" and each.due is not None:
                    ended[key] = each.due
        for each in running(moment.after):
            if LADDER_OF[each.name] != "chain":
                continue
            key = (each.name, each.cycle)
            for number, offset in STEPS["chain"].items():
                if moment.at < each.due + offset <= until and (key not in ended or each.due > ended[key]):
                    assert (each.due + offset, each.name, number) in heard
