"""What the proofs claim of clocks against plays: no sequence of events and timers disproves a finding."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, note
from hypothesis import strategies as st

from answerby.domain.clock import ClockPhase
from answerby.domain.event import ActorRole, Event, EventType
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import LoadResult
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.clocks.clock_findings import clock_findings
from tests.kit.examples import examples
from tests.kit.rulebooks import load
from tests.unit.workbench.plays import Move, play

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
PLAYS = 40
TYPES = [
    "request.received",
    "request.updated",
    "request.replied",
    "request.on_hold",
    "request.blocked",
    "request.resumed",
    "request.customer_replied",
    "request.completed",
    "request.rated",
    "request.closed",
    "request.reopened",
]
STATUSES = ["open", "on_hold", "blocked", "completed"]
KEYS = ("start", "stop", "pause", "resume", "cancel", "reset")
FILES = {
    "fields": {
        "fields": {
            "waits": {"type": "enum", "values": ["nobody", "customer", "supplier"], "default": "nobody"},
            "fire": {"type": "boolean", "default": False},
        },
        "rulebook": {
            "stages": {"sla": {"on_error": {"sla.c": "1h"}}},
            "departments": {"desk": "D"},
            "roles": {"clerk": "C"},
            "numbering": {"timezone": "UTC", "default_code": "D"},
        },
        "templates": {"t": {"en": "{number}"}},
    },
}


def condition(chance: Random) -> dict[str, object]:
    parts: list[dict[str, object]] = [
        {"fire": chance.choice([True, False])},
        {"waits": chance.choice(["nobody", "customer", ["customer", "supplier"]])},
        {"event.type": chance.choice(TYPES)},
        {"event.actor": chance.choice(["customer", "agent"])},
        {"request.status": chance.choice([*STATUSES, STATUSES[:2]])},
    ]
    chosen = chance.choices(parts, weights=[4, 4, 1, 1, 2], k=chance.choice([1, 1, 2]))
    whole = {key: value for part in chosen for key, value in part.items()}
    return {"not": whole} if chance.random() < 0.3 else whole


def occasion(chance: Random) -> object:
    if chance.random() < 0.3:
        return chance.choice(TYPES)
    found: dict[str, object] = {"when": condition(chance)}
    if chance.random() < 0.5:
        found["event"] = chance.choice(TYPES)
        if chance.random() < 0.3:
            found["actor"] = chance.choice(["customer", "agent", "system"])
    return found


def clock(chance: Random) -> LoadResult:
    """A rulebook with one clock of some occasions, and one rule for its target."""
    made: dict[str, object] = {"id": "c", "because": "x", "calendar": "always", "ladder": "l"}
    for key, share in zip(KEYS, (0.7, 0.8, 0.5, 0.2, 0.15, 0.15), strict=True):
        if chance.random() < share:
            made[key] = [occasion(chance) for _ in range(chance.choice([1, 1, 2]))]
    if "pause" not in made:
        made.pop("resume", None)
    if chance.random() < 0.3:
        made["pause_while"] = chance.sample(STATUSES, chance.choice([1, 2, 3]))
    for key, values in (("after_completion", ["continue"]), ("reopen", ["new_cycle", "frozen"])):
        if chance.random() < 0.2:
            made[key] = chance.choice(values)
    rule: dict[str, object] = {"id": "all", "because": "x", "then": {"sla.c": "1h"}}
    if chance.random() < 0.4:
        rule["when"] = condition(chance)
    steps = [{"at": at, "notify": {"roles": ["clerk"], "template": "t"}} for at in ("50%", "0m")]
    files = {
        **FILES,
        "clocks": {"clocks": [made], "ladders": [{"id": "l", "because": "x", "steps": steps}]},
        "sla": {"stage": "sla", "rules": [rule]},
    }
    return load({f"{name}.yaml": json.dumps(data) for name, data in files.items()})


def events(chance: Random) -> list[Event]:
    """Events of one request, some of them an hour apart or more, so that timers come between."""
    found, at = [], MONDAY
    for number in range(chance.choice([1, 2, 3, 4, 6])):
        kind = "request.received" if number == 0 and chance.random() < 0.6 else chance.choice(TYPES)
        actor = ActorRole(chance.choice(["customer", "agent", "agent", "system"]))
        data = {
            name: chance.choice(values)
            for name, values in (("fire", [True, False]), ("waits", ["nobody", "customer", "supplier"]))
            if chance.random() < 0.6
        }
        found.append(
            Event(source="t", id=f"e{number}", type=kind, time=at, request_id="r", actor=actor, data=dict(data))
        )
        at += timedelta(minutes=chance.choice([1, 20, 40, 90, 600]))
    return found


def moves(loaded: LoadResult, chance: Random) -> Iterator[Move]:
    assert loaded.rulebook is not None
    compiled = compile_rulebook(loaded.rulebook, "reference")
    for _ in range(PLAYS):
        yield from play(compiled, events(chance), {})


@examples(100, deep=10_000)
@given(seed=st.integers(0, 2**64))
def test_no_play_disproves_a_finding_about_a_clock(seed: int) -> None:
    chance = Random(seed)
    loaded = clock(chance)
    if loaded.rulebook is None:
        return
    (definition,) = loaded.rulebook.clocks.values()
    found = clock_findings(loaded.rulebook, loaded.clock_places)
    note(f"{definition} {[f.message for f in found]}")
    codes = {finding.code for finding in found}
    unheld = sum(finding.code is Code.PAUSE_NEVER_HOLDS for finding in found) == len(definition.pause)
    never_paused = bool(definition.pause) and unheld and not definition.pause_while
    # What follows the completion may come before it by mistake.
    unmet = any(f.code is Code.CLOCK_NEVER_MET and "completion" not in f.message for f in found)
    for move in moves(loaded, chance) if codes else ():
        for state in move.decision.clocks:
            note(f"{move.event.time} {move.event.type} {move.event.actor} {move.event.data} {state.phase}")
            by_time = move.event.type == EventType.TIMER_DUE and state.phase is ClockPhase.RUNNING and state.breached
            assert Code.CLOCK_NEVER_RUNS not in codes or not by_time
            assert not unmet or state.phase is not ClockPhase.STOPPED
            assert not never_paused or state.phase is not ClockPhase.PAUSED


def test_the_plays_show_most_clocks_late_of_which_nothing_is_said() -> None:
    """The generator makes both kinds of clocks, and the proofs overlook few that never run."""
    flagged = late = silent = 0
    for seed in range(120):
        chance = Random(seed)
        loaded = clock(chance)
        if loaded.rulebook is None:
            continue
        codes = {finding.code for finding in clock_findings(loaded.rulebook, loaded.clock_places)}
        if Code.CLOCK_NEVER_RUNS in codes:
            flagged += 1
        elif any(state.breached for move in moves(loaded, chance) for state in move.decision.clocks):
            late += 1
        else:
            silent += 1
    assert flagged > 5
    assert late > 4 * silent, (flagged, late, silent)
