"""The factory and the shadow matcher."""

from __future__ import annotations

import sys

import pytest

from answerby.domain.condition import ALWAYS, Atom, Op
from answerby.domain.errors import InvalidInput
from answerby.engine.facts.plan import FactPlan
from answerby.engine.matching.comparing import ComparingMatcher
from answerby.engine.matching.factory import build_matcher
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.matching.reference import ReferenceMatcher
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from tests.kit.needs import needs_durable


@pytest.fixture
def rulebook(cases):
    fields = {"n": Field("n", FieldType.INTEGER)}
    return cases.rulebook_of(Vocabulary(fields), [ALWAYS, Atom("n", Op.AT_LEAST, (3,))])


@pytest.mark.parametrize(
    "engine",
    [pytest.param("durable", marks=needs_durable), "reference", pytest.param("shadow", marks=needs_durable)],
)
def test_every_engine_gives_the_same_match_set(rulebook, engine):
    matcher = build_matcher(rulebook, engine)
    plan = FactPlan(rulebook)
    assert (matcher.name, matcher.fallback_reason) == (engine, "")
    assert matcher.match("priority", plan.record({"n": 5})) == ((0, 1), ())
    assert matcher.match("priority", plan.record({"n": 1})) == ((0,), ())
    assert matcher.match("priority", plan.record({"n": "1"})) == ((0,), (1,))
    matcher.close()


def test_an_unknown_engine_is_named(rulebook):
    with pytest.raises(InvalidInput, match="'drools' is none of durable, reference, shadow"):
        build_matcher(rulebook, "drools")


@pytest.mark.parametrize("engine", ["durable", "shadow"])
def test_without_the_extension_the_reference_answers_and_says_so(rulebook, engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)
    for module in ("answerby.engine.matching.durable", "answerby.engine.matching.session"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    matcher = build_matcher(rulebook, engine)
    assert matcher.name == "reference"
    assert "cannot be imported" in matcher.fallback_reason
    assert matcher.match("priority", FactPlan(rulebook).record({"n": 3})) == ((0, 1), ())


class Wrong:
    name = "durable"
    fallback_reason = ""
    faults = 0
    last_fault = ""
    closed = False

    def match(self, stage, record):
        return MatchSet((), ()) if record.get("n") == 5 else MatchSet((0,), ())

    def close(self):
        self.closed = True


def test_shadow_returns_the_reference_and_counts_differences(rulebook):
    plan, seen, wrong = FactPlan(rulebook), [], Wrong()
    shadow = ComparingMatcher(ReferenceMatcher(rulebook, plan), wrong, lambda *difference: seen.append(difference))
    alike, different = plan.record({"n": 1}), plan.record({"n": 5})
    assert shadow.match("priority", alike) == ((0,), ())
    assert shadow.match("priority", different) == ((0, 1), ())
    assert (shadow.compared, shadow.differences) == (2, 1)
    assert seen == [("priority", different, ((0, 1), ()), ((), ()))]
    shadow.close()
    assert wrong.closed


def test_shadow_tells_the_faults_of_durable(rulebook):
    """Otherwise the reference would be compared with itself and nobody would know."""
    failing = Wrong()
    shadow = ComparingMatcher(ReferenceMatcher(rulebook), failing)
    assert (shadow.faults, shadow.last_fault, shadow.fallback_reason) == (0, "", "")
    failing.faults, failing.last_fault, failing.fallback_reason = 3, "stage sla: code 7", "failed 3 times"
    assert (shadow.faults, shadow.last_fault, shadow.fallback_reason) == (3, "stage sla: code 7", "failed 3 times")


def test_both_matchers_note_the_same_reasons(cases):
    """A calendar without data fails by itself: why is noted once, and only when a rule depended on it."""
    fields = {"at": Field("at", FieldType.INSTANT), "n": Field("n", FieldType.INTEGER)}
    inside = Atom("at", Op.INSIDE, ("office",))
    from answerby.domain.condition import All, AnyOf

    conditions = [All((Atom("n", Op.EQ, (1,)), inside)), AnyOf((Atom("n", Op.EQ, (2,)), inside))]
    rulebook = cases.rulebook_of(Vocabulary(fields), conditions, (), {"office": cases.OfficeHours()})
    plan = FactPlan(rulebook)
    for n, matches, errors in ((1, ((), (0, 1)), 1), (2, ((1,), ()), 0), (3, ((), (1,)), 1)):
        for engine in ("reference", "durable"):
            record = plan.record({"n": n, "at": "2027-06-01T10:00:00Z"})
            matcher = build_matcher(rulebook, engine)
            assert matcher.match("priority", record) == matches
            assert [error.field for error in record.errors] == ["at"] * errors
            matcher.close()
