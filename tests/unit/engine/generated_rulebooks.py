"""Generated small rulebooks over a domain so small that every request of it can be decided."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from answerby.domain.condition import Op
from answerby.domain.event import Event
from answerby.rules.model.canonical_conditions import all_of, any_of, atom, negate
from answerby.rules.model.rulebook import Block, HitPolicy, Lexicon, Numbering, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TIERS, KINDS, PRIORITIES = ("low", "middle", "high"), ("none", "question", "complaint"), ("P2", "P1", "P0")
WORDS = {"anger": "furious", "haste": "hurry"}
AMOUNTS = (None, 0, 1, 2, 3, 4, 5)
FIELDS = {
    "tier": Field("tier", FieldType.ENUM, values=TIERS),
    "vip": Field("vip", FieldType.BOOLEAN, default=False),
    "amount": Field("amount", FieldType.INTEGER),
    "text": Field("text", FieldType.TEXT, personal=True),
    "kind": Field("kind", FieldType.ENUM, values=KINDS, derived_by=("classification",)),
    "tags": Field("tags", FieldType.SET, derived_by=("classification",)),
    "priority": Field("priority", FieldType.ENUM, values=PRIORITIES, derived_by=("priority",)),
}


def every_request():
    """All requests of the domain, as given facts; a text is a choice of the words."""
    words = [chosen for size in range(3) for chosen in itertools.combinations(WORDS.values(), size)]
    for tier, vip, amount, said in itertools.product((None, *TIERS), (False, True), AMOUNTS, words):
        facts = {"tier": tier, "vip": vip, "amount": amount, "text": " ".join(said) or None}
        yield {name: value for name, value in facts.items() if value is not None}


def event_of(facts):
    return Event(source="t", id="e", type="request.received", time=NOW, request_id="r", data=dict(facts))


class Generator:
    def __init__(self, chance):
        self.random = chance

    def rulebook(self):
        choice = self.random.choice
        kinds = [self.rule("classification", n, self.condition(False)) for n in range(choice((2, 3, 4)))]
        priorities = [self.rule("priority", n, self.condition(True)) for n in range(choice((2, 3, 4, 5)))]
        return self.book({"classification": kinds, "priority": priorities})

    def book(self, rules, default="P2"):
        choice = self.random.choice
        default = {"classification": {"kind": "none"}, "priority": {"priority": default}}
        stages = tuple(
            Stage(
                name,
                choice((HitPolicy.FIRST, HitPolicy.MOST_SEVERE, HitPolicy.COLLECT)),
                (Block(name, name, choice((HitPolicy.FIRST, HitPolicy.COLLECT, HitPolicy.MOST_SEVERE)), tuple(found)),),
                default=default[name],
            )
            for name, found in rules.items()
        )
        return Rulebook(
            revision="generated",
            vocabulary=Vocabulary(FIELDS),
            stages=stages,
            lexicons={name: Lexicon(name, (word,)) for name, word in WORDS.items()},
            calendars={},
            clocks={},
            ladders={},
            templates={},
            roles={},
            numbering=Numbering(),
        )

    def rule(self, stage, number, when):
        choice = self.random.choice
        name = f"{stage}-{number}"
        if stage == "priority":
            then = {"priority": choice(PRIORITIES)}
        else:
            then = choice(({"kind": choice(KINDS)}, {"tags": ["hot"]}, {"kind": choice(KINDS), "tags": ["hot"]}))
        return Rule(name, stage, stage, when, then, "because", "rules.yaml", number + 1, (100, choice((1, 2)), name, 0))

    def condition(self, derived, depth=0):
        kind = self.random.random()
        if depth < 2 and kind < 0.5:
            children = [self.condition(derived, depth + 1) for _ in range(self.random.choice((2, 2, 3)))]
            return all_of(children) if kind < 0.35 else any_of(children)
        if kind < 0.6:
            return negate(self.atom(derived))
        return self.atom(derived)

    def atom(self, derived):
        choice = self.random.choice
        given = (
            lambda: atom("tier", Op.IN, self.random.sample(TIERS, choice((1, 2)))),
            lambda: atom("vip", Op.EQ, [choice((True, False))]),
            lambda: atom(
                "amount", choice((Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN)), [choice((1, 2, 3, 4))]
            ),
            lambda: atom("amount", Op.MISSING, []),
            lambda: atom("text", Op.MENTIONS, [choice(list(WORDS))]),
        )
        inner = (
            lambda: atom("kind", Op.IN, self.random.sample(KINDS, choice((1, 2)))),
            lambda: atom("tags", Op.HAS_ANY, ["hot"]),
        )
        return choice(given + inner + inner if derived else given)()
