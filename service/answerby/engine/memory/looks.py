"""What the stages of a rulebook look at besides the facts: known once, asked at every decision that is remembered."""

# Stays interpreted: it runs once per rulebook.
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from answerby.domain.condition import Atom, atoms
from answerby.rules.model.rulebook import Rulebook, Stage

REQUEST_FIELDS = ("request.status", "request.reopen_count", "request.acknowledged")


class Looks(NamedTuple):
    """Whether some rule or score depends on each of these."""

    time: bool
    """The moment of the event, also by a rule that is in force only for a time."""
    type: bool
    actor: bool
    events: bool
    """How many decisions came before."""
    status: bool
    reopens: bool
    acknowledged: bool


def looks(rulebook: Rulebook, asked: Iterable[Atom], *, dated: bool) -> Looks:
    """`asked` are the atoms of all conditions; `dated`: a rule is in force only for a time."""
    read = {atom.field for atom in asked}.union(*(read_by(stage) for stage in rulebook.stages))
    names = ("event.type", "event.actor", "request.events", *REQUEST_FIELDS)
    return Looks(dated or "event.time" in read, *(name in read for name in names))


def read_by(stage: Stage) -> set[str]:
    """The fields that a stage looks at."""
    read = {atom.field for rule in stage.rules for atom in atoms(rule.when)}
    for score in stage.scores:
        read.update(atom.field for atom in atoms(score.when))
        read.update(factor.field for factor in score.factors)
        if score.tie_break is not None:
            read.add(score.tie_break.field)
    return read
