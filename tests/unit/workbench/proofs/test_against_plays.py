"""What the proofs claim against plays of requests past their timers: no step of a ladder disproves a finding.

The ladders raise priorities and give requests to others, and rules ask for what only ladders give.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import given, note
from hypothesis import strategies as st

from answerby.domain.clock import ClockPhase
from answerby.domain.event import EventType
from answerby.engine.compiled.rulebook import plain
from answerby.engine.compiler import compile_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs import Analysis, analyse
from tests.kit.examples import examples
from tests.unit.workbench.diff.brute_force import Requests
from tests.unit.workbench.diff.edited_rulebooks import Files, base, condition, read
from tests.unit.workbench.plays import Move, play

REQUESTS = 12
PRIORITIES, DEPARTMENTS, ROLES = ("P2", "P1", "P0"), ("desk", "lab", "field"), ("clerk", "chief", "guard")


def climbing(chance: Random) -> Files:
    """A rulebook whose ladders raise and reassign, and whose rules ask for the values that they give."""
    files = base(chance)
    files["vocabulary"]["fields"]["role"] = {"type": "string", "derived_by": "routing"}
    stages = files["rulebook"]["rulebook"]["stages"]
    stages["routing"]["default"] = {"department": "desk", "role": "clerk"}
    stages["routing"]["on_error"] = {"department": "desk", "role": "clerk"}
    if chance.random() < 0.5:
        files["matrix"]["table"]["rows"] = [["high", "any", chance.choice(PRIORITIES)]]
        files["extra"]["rules"] = files["extra"]["rules"][:1]
    files["ladders"]["ladders"][0]["steps"] = [_step(at, chance) for at in ("25%", "50%", "0m")]
    files["targets"]["rules"] = [
        {"id": f"target-{n}", "because": "so", "rank": n, **_asks(files, chance), "then": {"sla.first_response": hours}}
        for n, hours in enumerate(chance.sample(["15m", "1h", "4h"], chance.choice([1, 2, 3])), start=1)
    ]
    if chance.random() < 0.5:
        files["targets"]["rules"][-1]["protected"] = True
    rows = [[value, "2h"] for value in chance.sample(PRIORITIES, chance.choice([1, 2, 3]))]
    files["by-priority"] = {
        "stage": "sla",
        "table": {"id": "by-priority", "because": "so", "inputs": ["priority"], "output": "sla.check", "rows": rows},
    }
    files["alarms"]["rules"] += [
        {"id": f"told-{name}", "because": "so", "when": {field: value}, "then": {"notify": {"roles": ["guard"]}}}
        for field, values in (("department", DEPARTMENTS), ("role", ROLES), ("priority", PRIORITIES))
        for value in values
        for name in [f"{field}-{value}".lower()]
    ]
    for rule in files["alarms"]["rules"]:
        rule["then"]["notify"].setdefault("template", "warn")
    return files


def _step(at: str, chance: Random) -> dict[str, object]:
    step: dict[str, object] = {"at": at, "notify": {"roles": ["chief"], "template": "warn"}}
    if chance.random() < 0.5:
        step["raise_priority"] = True
    if chance.random() < 0.4:
        owner = {"department": chance.choice(DEPARTMENTS), "role": chance.choice(ROLES)}
        step["reassign"] = dict(chance.sample(sorted(owner.items()), chance.choice([1, 2])))
    return step


def _asks(files: Files, chance: Random) -> dict[str, object]:
    when = {"priority": chance.choice([*PRIORITIES, {"at_least": "P1"}])} if chance.random() < 0.7 else {}
    if chance.random() < 0.4:
        # A target for one type of event is gone at the next event, whatever a ladder does.
        when |= {key: value for key, value in condition(files, chance).items() if key not in {"event.type", "not"}}
    return {"when": when} if when else {}


def moves(book: Rulebook, chance: Random) -> Iterator[Move]:
    """The decisions of plays in which nobody sets a value by hand and every fact is right."""
    compiled = compile_rulebook(book, "reference")
    drawn = Requests(replace(book, stages=()), book, chance)
    for _ in range(REQUESTS):
        events, windows, refused = drawn.draw()
        if not refused and not any(name.startswith("override.") for event in events for name in event.data):
            yield from play(compiled, events, windows)


class Claims:
    """What the proofs say of one rulebook, to be held against its decisions."""

    def __init__(self, book: Rulebook, analysis: Analysis) -> None:
        self.book = book
        self.unreachable = {f.rules[0] for f in analysis.of(Code.UNREACHABLE_RULE)}
        dead = (*analysis.of(Code.SHADOWED_RULE), *analysis.of(Code.NEVER_WINS))
        self.dead = {f.rules[0] for f in dead} | self.unreachable
        exposed = {f.rules[0] for f in analysis.of(Code.NOT_PROTECTED)}
        rules = {rule.id: rule for stage in book.stages for rule in stage.rules}
        self.protected = {name: rule for name, rule in rules.items() if rule.protected and name not in exposed}
        self.has_gap = any(f.block == "by-priority" for f in analysis.of(Code.GAP))
        lost = {name for f in analysis.of(Code.RAISE_LOSES_TARGET) for name in f.outputs}
        self.kept = {name for name in book.clocks if f"sla.{name}" not in lost}

    def hold_in(self, move: Move) -> None:
        flags = {flag.code for flag in move.decision.flags}
        for stage in move.decision.explanation:
            won = {rule.id for rule in stage.won}
            matched = won | {rule.id for rule in stage.lost}
            assert not matched & self.unreachable
            assert not won & self.dead
            for name in matched & self.protected.keys():
                for output, value in self.protected[name].then.items():
                    assert stage.outputs[output] == plain(value)
            if stage.stage == "sla" and not self.has_gap and "RULE_CONFLICT" not in flags:
                assert "sla.check" in stage.outputs
        self._keep_targets(move)

    def _keep_targets(self, move: Move) -> None:
        """A raise cancels no clock of which the proofs say nothing."""
        before, after = move.before, move.decision.state
        if move.event.type != EventType.TIMER_DUE or before is None or before.priority_floor == after.priority_floor:
            return
        for name in self.kept & before.clocks.keys():
            if before.clocks[name].phase is ClockPhase.RUNNING:
                assert after.clocks[name].phase is not ClockPhase.CANCELLED


@examples(60, deep=3000)
@given(seed=st.integers(0, 2**64))
def test_no_step_of_a_ladder_disproves_a_finding(seed: int) -> None:
    chance = Random(seed)
    files = climbing(chance)
    book = read(copy.deepcopy(files))
    if book is None:
        return
    analysis = analyse(book)
    note(str([f"{f.code} {f.message}" for f in analysis.findings]))
    claims = Claims(book, analysis)
    for move in moves(book, chance):
        note(f"{move.event.time} {move.event.type} {move.event.data}")
        claims.hold_in(move)


def test_the_plays_reach_what_only_ladders_give() -> None:
    """The generator makes what the property is about: raises and owners that no rule gives, and clocks without one."""
    raised = reassigned = cancelled = 0
    for seed in range(40):
        chance = Random(seed)
        book = read(climbing(chance))
        assert book is not None
        for move in moves(book, chance):
            state, before = move.decision.state, move.before
            raised += bool(state.priority_floor)
            reassigned += bool(state.reassigned)
            if before is not None and before.priority_floor != state.priority_floor:
                cancelled += any(clock.phase is ClockPhase.CANCELLED for clock in state.clocks.values())
    assert min(raised, reassigned, cancelled) > 0
