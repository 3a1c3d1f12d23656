"""Random requests, the same in every run: they may show differences that no plan leads to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.counterfactual.changes import Change, ChangeSet
from answerby.workbench.counterfactual.options import Options
from answerby.workbench.counterfactual.situation import Situation
from answerby.workbench.diff.model import Witness
from answerby.workbench.diff.witness_maker import MOMENT, first_event

REQUESTS = 300
TEXTS = 0.15
"""The probability that a text mentions a lexicon. The probability of other unusual facts varies by request."""


def random_requests(compiled: Sequence[CompiledRulebook]) -> Iterator[Witness]:
    """Requests that mix values which the rules of either rulebook tell apart."""
    chance = random.Random(len(compiled))
    event = first_event({})
    for book in compiled:
        windows = dict.fromkeys((name for name, _ in book.windows), 0)
        options = Options(Situation(book, None, event, Context(windows), MOMENT))
        fields = [options.of_field(name) for name in options.fields_asked()]
        words = [options.of_lexicon(name, x) for name in options.fields_asked() for x in options.lexicons_asked(name)]
        for _ in range(REQUESTS // len(compiled)):
            changes = pick(chance, [c for c in fields if c], [c for c in words if c])
            state, changed, context = options.situation.changed(changes)
            yield Witness(changed, state, context.windows)


def pick(chance: random.Random, fields: Sequence[Sequence[Change]], words: Sequence[Sequence[Change]]) -> ChangeSet:
    often = chance.choice((0.2, 0.5, 0.8))
    chosen = [chance.choice(choices) for choices in fields if chance.random() < often]
    chosen += [choices[0] for choices in words if chance.random() < min(TEXTS, 1.5 / len(words))]
    return tuple(sorted({change.slot: change for change in chosen}.values(), key=lambda change: change.slot))
