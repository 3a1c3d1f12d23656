"""No message of a decision is lost: what says the same is told once, as strongly as asked; all else has its own key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import EventType
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.effects.distinct import distinct
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from answerby.server.base.config import ConnectorConfig
from answerby.server.flow.routing import route_effects
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.histories import histories
from tests.kit.plays import Play, effects, flags
from tests.kit.sections import BASE, compiled

RECEIVED = "2026-03-02 09:00"
PLAIN = {"role": "guard", "template": "late"}
URGENT = {**PLAIN, "urgent": True}
ASKING = {**PLAIN, "until_acknowledged": True}
FIELDS = {**BASE["fields"], "a": {"type": "integer"}, "role": {"type": "string", "derived_by": "routing"}}
CLOCK = {
    "id": "fix",
    "kind": "resolution",
    "because": "x",
    "calendar": "always",
    "stop": ["request.completed"],
    "ladder": "usual",
}
QUIET_STEP = {"at": "0m", "raise_priority": True}
SETTINGS = {
    **BASE["rulebook"],
    "stages": {
        **BASE["rulebook"]["stages"],
        "escalation": {"hit": "collect"},
        "sla": {"hit": "first", "on_error": {"sla.fix": "2h"}},
    },
}
SLA = {"stage": "sla", "rules": [{"id": "goal", "because": "x", "then": {"sla.fix": "2h"}}]}
ROUTING = {
    "stage": "routing",
    "rules": [{"id": "all", "because": "x", "then": {"department": "desk", "role": "guard"}}],
}


def book(*rules, steps=(), replies=None, alarms=("late",)):
    """Rules of (from this `a` on, what is told) in their order, and the steps of the ladder of a clock of two hours."""
    settings = SETTINGS
    if replies is not None:
        settings = {
            **SETTINGS,
            "replies_after_completion": {"then": "notify", "after": "notify", "notify": replies},
        }
    sections = {
        "rulebook": settings,
        "fields": FIELDS,
        "templates": {name: {"en": f"{name} {{number}}"} for name in alarms},
        "clocks": [CLOCK],
        "ladders": [{"id": "usual", "because": "x", "steps": list(steps) or [QUIET_STEP]}],
    }
    written = [
        {"id": f"n{number}", "because": "x", "rank": number, "when": {"a": {"at_least": least}}, "then": then}
        for number, (least, then) in enumerate(rules, start=1)
    ]
    stages = [{"stage": "escalation", "hit": "collect", "rules": written}] if written else []
    return compiled(sections, ROUTING, *stages, SLA)


def told(decision):
    """The messages of the decision: role, template, urgent, to be acknowledged."""
    return [
        (e.role, e.payload["template"], e.urgent, e.payload.get("acknowledge", False))
        for e in effects(decision, EffectKind.NOTIFY)
    ]


def delivered(decision: Decision) -> list[str]:
    """The ids of its effects at a connector that takes all of them."""
    everything = ConnectorConfig(name="c", type="file", sources=["*"], effects=list(EffectKind), tenant="default")
    return [entry.effect_id for entry in route_effects(decision, [everything])]


@pytest.mark.parametrize("order", list(permutations([URGENT, PLAIN, ASKING])))
def test_notices_of_the_same_words_to_one_role_are_one_as_strong_as_the_strongest(order):
    rules = book(*[(1, {"notify": notice}) for notice in order])
    decision = Play(rules).happens("received", RECEIVED, a=3)

    assert told(decision) == [("guard", "late", True, True)]
    assert [e.key for e in effects(decision, EffectKind.NOTIFY)] == ["notify/late/guard"]


def test_a_notice_that_becomes_stronger_is_told_again():
    play = Play(book((1, {"notify": PLAIN}), (2, {"notify": URGENT}), (3, {"notify": ASKING})))

    assert told(play.happens("received", RECEIVED, a=1)) == [("guard", "late", False, False)]
    assert told(play.happens("updated", "2026-03-02 09:10", a=2)) == [("guard", "late", True, False)]
    assert told(play.happens("updated", "2026-03-02 09:20", a=3)) == [("guard", "late", True, True)]
    assert told(play.happens("updated", "2026-03-02 09:30", a=4)) == []
    assert told(play.happens("updated", "2026-03-02 09:40", a=1)) == [], "a weaker one says nothing new"


def test_a_notice_told_once_is_not_told_again_where_its_template_has_one_grade():
    play = Play(book((1, {"notify": URGENT})))
    play.happens("received", RECEIVED, a=1)

    assert [alert.code for alert in play.request.alerts] == ["notify:late:guard"]
    assert told(play.happens("updated", "2026-03-02 09:10", a=2)) == []


@pytest.mark.parametrize("owner_first", [True, False])
def test_a_step_that_tells_the_owner_and_the_owners_role_tells_one_as_strong_as_both(owner_first):
    weak, strong = {"roles": ["owner"], "template": "late"}, {**URGENT, **ASKING}
    notices = [weak, strong] if owner_first else [strong, weak]
    play = Play(book(steps=[{"at": "0m", "notify": notices}]))
    play.happens("received", RECEIVED)
    fired = play.fires("fix/1/0/0")

    assert told(fired) == [("guard", "late", True, True)]
    assert [e.key for e in effects(fired, EffectKind.NOTIFY)] == ["ladder/fix/1/0/0/late/guard"]


def test_a_reply_is_told_by_every_template():
    rules = book(replies=[PLAIN, {"role": "guard", "template": "other"}], alarms=("late", "other"))
    play = Play(rules)
    play.happens("received", RECEIVED)
    play.happens("completed", "2026-03-02 10:00", actor="agent")
    decision = play.happens("customer_replied", "2026-03-02 11:00", name="again")
    keys = [e.key for e in effects(decision, EffectKind.NOTIFY)]

    assert [template for _, template, *_ in told(decision)] == ["late", "other"]
    assert keys == ["reply/crm again/guard", "reply/crm again/guard/2"]
    assert len(set(delivered(decision))) == len(decision.effects)


def test_each_message_that_no_longer_holds_is_corrected():
    notices = [PLAIN, {"role": "guard", "template": "other"}]
    play = Play(book(steps=[{"at": "0m", "notify": notices}], alarms=("late", "other")), with_history=True)
    play.happens("received", RECEIVED)
    play.fires("fix/1/0/0")
    late = play.happens("completed", "2026-03-02 10:00", now="2026-03-02 11:30", actor="agent")

    assert [e.payload["said_template"] for e in effects(late, EffectKind.NOTIFY)] == ["late", "other"]
    assert len(set(delivered(late))) == len(late.effects)


def test_a_case_that_a_rule_and_a_step_open_is_opened_once():
    steps = [{"at": "0m", "raise_priority": True, "open_case": "recall"}]
    rules = compiled(
        {
            "rulebook": SETTINGS,
            "clocks": [CLOCK],
            "ladders": [{"id": "usual", "because": "x", "steps": steps}],
        },
        SLA,
        {
            "stage": "escalation",
            "rules": [{"id": "up", "because": "x", "when": {"priority": "P1"}, "then": {"open_case": "recall"}}],
        },
    )
    play = Play(rules)
    play.happens("received", RECEIVED)
    fired = play.fires("fix/1/0/0")

    assert [e.key for e in effects(fired, EffectKind.OPEN_CASE)] == ["case/recall"]


# ---- over anything


class Drawn(NamedTuple):
    """A rulebook drawn from a seed, and its rules: from this `a` on, this is told."""

    compiled: CompiledRulebook
    rules: list[tuple[int, dict[str, object]]]


@cache
def drawn(seed: int) -> Drawn:
    chance = Random(seed)

    def notice():
        roles = chance.sample(["owner", "guard", "chief"], chance.choice([1, 1, 2]))
        grades = {"urgent": chance.random() < 0.5, "until_acknowledged": chance.random() < 0.5}
        return {"roles": roles, "template": chance.choice(["late", "late", "other"]), **grades}

    rules = [(chance.choice([1, 2, 3]), notice()) for _ in range(chance.choice([2, 3, 4]))]
    steps = [{"at": at, "notify": [notice() for _ in range(chance.choice([1, 2, 3]))]} for at in ("0m", "+5m")]
    replies = [notice() for _ in range(chance.choice([1, 2, 3]))]
    told = [(least, {"notify": message}) for least, message in rules]
    return Drawn(book(*told, steps=steps, replies=replies, alarms=("late", "other")), rules)


KINDS = [EventType(f"request.{kind}") for kind in ("updated", "replied", "customer_replied", "completed", "reopened")]
HISTORIES = histories(
    KINDS,
    {"a": [1, 2, 3]},
    starts=[datetime(2026, 3, 2, 1, tzinfo=UTC)],
    most=6,
    gap=150,
    late=[timedelta()] * 3 + [timedelta(hours=1)],
)


@given(st.integers(0, 11), HISTORIES)
@examples(100)
def test_no_two_effects_of_a_decision_have_the_same_key_and_none_is_weaker_than_asked(seed, history):
    compiled_book, rules = drawn(seed)
    play = Play(compiled_book, with_history=True)
    remembering = Play(compiled_book, with_history=True, steps=RememberingRequests(RememberingSteps(compiled_book)))
    play.lives(history, most=10)
    remembering.lives(history, most=10)

    assert list(map(decision_bytes, play.decisions)) == list(map(decision_bytes, remembering.decisions))
    for decision in play.decisions:
        assert len(set(delivered(decision))) == len(decision.effects)
        bare = decide_without_words(play, decision)
        assert [(e.kind, e.key, e.role, e.urgent) for e in bare] == [
            (e.kind, e.key, e.role, e.urgent) for e in decision.effects if e.kind is not EffectKind.UPDATE_REQUEST
        ]
        if "RETROACTIVE" not in flags(decision):
            a = decision.state.given.get("a", 0)
            assert_as_strong_as_asked(decision, [notice for least, notice in rules if a >= least])


def assert_as_strong_as_asked(decision, asked):
    for effect in effects(decision, EffectKind.NOTIFY):
        if effect.key.startswith("notify/"):
            same = [n for n in asked if n["template"] == effect.payload["template"] and effect.role in told_roles(n)]
            assert effect.urgent is any(notice["urgent"] for notice in same)
            assert effect.payload["acknowledge"] is any(notice["until_acknowledged"] for notice in same)


def told_roles(notice):
    return ["guard" if role == "owner" else role for role in notice["roles"]]


def decide_without_words(play, decision):
    """The effects of the same decision for a caller that delivers nothing."""
    place = play.decisions.index(decision)
    state = play.decisions[place - 1].state if place else None
    context = Context({}, history=play.events[:place])
    again = decide(play.rulebook, state, play.events[place], context, decision.decided, words=False)
    return [effect for effect in again.effects if effect.kind is not EffectKind.UPDATE_REQUEST]


EFFECTS = st.builds(
    Effect,
    kind=st.sampled_from([EffectKind.NOTIFY, EffectKind.OPEN_CASE, EffectKind.CREATE_TASK]),
    key=st.sampled_from(["k", "k/2", "k/2/", "other"]),
    role=st.sampled_from(["a", "b"]),
    urgent=st.booleans(),
    payload=st.fixed_dictionaries({"text.en": st.sampled_from(["x", "y"]), "acknowledge": st.booleans()}),
)


@given(st.lists(EFFECTS, max_size=8))
@examples(300)
def test_whatever_the_effects_their_keys_differ_and_nothing_is_lost(given_effects):
    found = distinct(given_effects)

    assert len({effect.key for effect in found}) == len(found)
    for effect in given_effects:
        assert any(stands_for(other, effect) for other in found), effect
    assert distinct(found) == found
    if len({effect.key for effect in given_effects}) == len(given_effects):
        assert found == given_effects


def stands_for(found: Effect, effect: Effect) -> bool:
    """Whether the one says all that the other says, to whom it says it, at least as strongly."""
    if found.kind is not effect.kind or not found.key.startswith(effect.key):
        return False
    if effect.kind is EffectKind.OPEN_CASE:
        return True
    strong = found.urgent >= effect.urgent and found.payload["acknowledge"] >= effect.payload["acknowledge"]
    return strong and (found.role, found.payload["text.en"]) == (effect.role, effect.payload["text.en"])
