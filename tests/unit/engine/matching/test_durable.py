"""The durable matcher in service: many threads, aborted matches, faults of the engine, closing."""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kit.needs import NO_DURABLE, has_durable

if not has_durable:
    pytest.skip(NO_DURABLE, allow_module_level=True)

from answerby.domain.condition import ALWAYS, All, Atom, Op
from answerby.domain.errors import EngineLimit
from answerby.engine.facts.plan import FactPlan
from answerby.engine.matching.durable import FAULTS_LIMIT, DurableMatcher
from answerby.engine.matching.session import EngineFault, Session
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary


class Aborted(Exception):
    """Raised in the middle of a match."""


class InterruptedSession(Session):
    """Breaks off after some firings of the thread's own choice, as a signal or a bug would."""

    fuse = threading.local()

    def collect(self, messages):
        left = getattr(self.fuse, "left", None)
        if left is not None:
            self.fuse.left = left - 1
            if left == 0:
                raise Aborted
        return super().collect(messages)


class InterruptedMatcher(DurableMatcher):
    session_type = InterruptedSession


class FaultySession(Session):
    """Reports an engine error when told to."""

    broken = False

    def collect(self, messages):
        if FaultySession.broken:
            raise EngineFault("303")
        return super().collect(messages)


class FaultyMatcher(DurableMatcher):
    session_type = FaultySession


@pytest.fixture(scope="module")
def world(cases):
    """A rulebook of 60 rules of which many match, its plan, and records with their expected match sets."""
    generator = cases.Generator(20_260_105)
    conditions = [generator.condition(n % 4) for n in range(55)] + [ALWAYS] * 5
    rulebook = cases.rulebook_of(
        Vocabulary(generator.fields), conditions, generator.lexicons, {"office": cases.OfficeHours()}
    )
    plan = FactPlan(rulebook)
    records = [generator.given() for _ in range(500)]
    return rulebook, plan, [(given, cases.expected(rulebook, plan.record(given))) for given in records]


def test_eight_threads_get_complete_match_sets(world):
    rulebook, plan, examples = world
    matcher = DurableMatcher(rulebook, plan, remember=0)
    start = threading.Barrier(8)

    def decide(seed: int) -> int:
        chosen = random.Random(seed).choices(examples, k=1_000)
        start.wait()
        return sum(matcher.match("priority", plan.record(given)) == want for given, want in chosen)

    with ThreadPoolExecutor(8) as pool:
        right = list(pool.map(decide, range(8)))
    assert right == [1_000] * 8
    assert matcher.faults == 0
    matcher.close()


def test_a_match_that_is_broken_off_leaves_nothing_for_the_next(world):
    rulebook, plan, examples = world
    matcher = InterruptedMatcher(rulebook, plan, remember=0)
    chance = random.Random(7)
    aborted = wrong = 0
    for _ in range(5_000):
        given, want = chance.choice(examples)
        InterruptedSession.fuse.left = chance.randrange(12) if chance.random() < 0.25 else None
        try:
            wrong += matcher.match("priority", plan.record(given)) != want
        except Aborted:
            aborted += 1
    InterruptedSession.fuse.left = None
    assert wrong == 0
    assert aborted > 500
    assert matcher.faults == 0
    matcher.close()


def test_threads_and_broken_off_matches_together(world):
    rulebook, plan, examples = world
    matcher = InterruptedMatcher(rulebook, plan, remember=0)

    def decide(seed: int) -> tuple[int, int]:
        chance, wrong, aborted = random.Random(seed), 0, 0
        for given, want in chance.choices(examples, k=500):
            InterruptedSession.fuse.left = chance.randrange(8) if chance.random() < 0.25 else None
            try:
                wrong += matcher.match("priority", plan.record(given)) != want
            except Aborted:
                aborted += 1
        return wrong, aborted

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(decide, range(4)))
    assert sum(wrong for wrong, _ in results) == 0
    assert sum(aborted for _, aborted in results) > 100
    matcher.close()


def test_all_rules_of_a_full_shard_match_together(cases):
    """More matches at once than the engine's own limit of 64."""
    field = Field("e", FieldType.ENUM, ("x", "y"))
    same = Atom("e", Op.EQ, ("x",))
    rulebook = cases.rulebook_of(Vocabulary({"e": field}), [same] * 300)
    plan = FactPlan(rulebook)
    matcher = DurableMatcher(rulebook, plan, remember=0)
    assert matcher.match("priority", plan.record({"e": "x"})).matched == tuple(range(300))
    assert matcher.match("priority", plan.record({"e": "y"})).matched == ()
    matcher.close()


def test_no_rules_and_unknown_stage(cases):
    rulebook = cases.rulebook_of(Vocabulary({}), [])
    plan = FactPlan(rulebook)
    matcher = DurableMatcher(rulebook, plan, remember=0)
    assert matcher.match("priority", plan.record({})) == ((), ())
    with pytest.raises(KeyError):
        matcher.match("nowhere", plan.record({}))
    matcher.close()


def test_an_engine_fault_costs_no_match(world):
    rulebook, plan, examples = world
    matcher = FaultyMatcher(rulebook, plan, remember=0)
    try:
        given, want = next((g, w) for g, w in examples if w.matched)
        FaultySession.broken = True
        with pytest.MonkeyPatch.context() as patch:
            # The new ruleset's canary must get through.
            patch.setattr(matcher, "_open", _working)
            assert matcher.match("priority", plan.record(given)) == want
        assert (matcher.faults, matcher.fallback_reason) == (1, "")
        assert "303" in matcher.last_fault
        FaultySession.broken = False
        assert all(matcher.match("priority", plan.record(g)) == w for g, w in examples[:50])
        assert matcher.faults == 1
    finally:
        FaultySession.broken = False
        matcher.close()


def _working(program) -> Session:
    from answerby.engine.matching.durable_compiler import CANARY, CANARY_PROPERTIES

    return Session(program.stage, program.ruleset, CANARY, CANARY_PROPERTIES)


def test_an_engine_that_keeps_failing_is_left_alone(world):
    rulebook, plan, examples = world
    matcher = FaultyMatcher(rulebook, plan, remember=0)
    try:
        FaultySession.broken = True
        assert all(matcher.match("priority", plan.record(given)) == want for given, want in examples[:50])
        assert matcher.fallback_reason
        assert 1 <= matcher.faults <= FAULTS_LIMIT
    finally:
        FaultySession.broken = False
        matcher.close()


def test_a_ruleset_that_the_engine_refuses_is_an_engine_limit(world):
    class Refused(DurableMatcher):
        def _open(self, program):
            return super()._open(program.__class__(program.stage, (), (), {"bad": {"all": 3}}, {}))

    with pytest.raises(EngineLimit, match="the engine refuses the rules of stage priority"):
        Refused(*world[:2])


def test_close_is_idempotent_and_final(world):
    rulebook, plan, examples = world
    matcher = DurableMatcher(rulebook, plan, remember=0)
    matcher.close()
    matcher.close()
    given = next(g for g, w in examples if w.matched)
    with pytest.raises(ValueError, match="closed"):
        matcher.match("priority", plan.record(given))


SOAK = """
import gc, json, resource, sys
sys.path.insert(0, sys.argv[1])
import engine_cases as cases
from answerby.engine.matching.durable import DurableMatcher
from answerby.engine.facts.plan import FactPlan
from answerby.rules.model.vocabulary import Vocabulary

generator = cases.Generator(1)
conditions = [generator.condition(n % 3) for n in range(100)]
rulebook = cases.rulebook_of(Vocabulary(generator.fields), conditions, generator.lexicons, {"office": cases.OfficeHours()})
plan = FactPlan(rulebook)
records = [generator.given() for _ in range(10)]
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def cycle(n):
    for _ in range(n):
        matcher = DurableMatcher(rulebook, plan, remember=0)
        for given in records[:3]:
            matcher.match("priority", plan.record(given))
        matcher.close() if n % 2 else None
        del matcher
    gc.collect()
cycle(51)
before = resident()
cycle(int(sys.argv[2]))
after = resident()
matcher = DurableMatcher(rulebook, plan, remember=0)
for n in range(20_000):
    matcher.match("priority", plan.record(records[n % 10]))
print(json.dumps({"reloads": after - before, "matches": resident() - after}))
"""


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
@pytest.mark.parametrize("cycles", [pytest.param(150), pytest.param(1_000, marks=pytest.mark.deep)])
def test_building_and_closing_keeps_memory_flat(cycles):
    """A ruleset that was not freed would cost 1 to 2 MB each."""
    run = subprocess.run(
        [sys.executable, "-c", SOAK, str(Path(__file__).parents[1]), str(cycles)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    grown = json.loads(run.stdout)
    print(grown)
    assert grown["reloads"] < 15_000_000
    assert grown["matches"] < 10_000_000


def test_a_matcher_that_nobody_closed_is_freed_with_its_last_user(world, monkeypatch):
    closed = []
    monkeypatch.setattr(Session, "close", lambda self: closed.append(self))  # noqa: PLW0108 - it must bind
    matcher = DurableMatcher(*world[:2], remember=0)
    del matcher
    gc.collect()
    assert len(closed) == 1


def test_order_of_rules_in_the_engine_does_not_matter(cases):
    fields = {f"e{n}": Field(f"e{n}", FieldType.ENUM, ("a", "b", "c")) for n in range(3)}
    conditions = [
        All((Atom("e0", Op.EQ, (a,)), Atom("e1", Op.EQ, (b,)))) for a in ("c", "a", "b") for b in ("b", "c", "a")
    ]
    rulebook = cases.rulebook_of(Vocabulary(fields), [*conditions, ALWAYS, *reversed(conditions)])
    plan = FactPlan(rulebook)
    matcher = DurableMatcher(rulebook, plan, remember=0)
    assert matcher.match("priority", plan.record({"e0": "a", "e1": "b"})) == ((3, 9, 15), ())
    matcher.close()


def test_answers_from_memory_are_the_engines_and_the_memory_is_bounded(world):
    rulebook, plan, examples = world
    for size in (3, 10_000):
        matcher = DurableMatcher(rulebook, plan, remember=size)
        for _ in range(2):
            assert all(matcher.match("priority", plan.record(given)) == want for given, want in examples)
        matcher.close()
