"""The requests that changed lexicons and fields decide otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.domain.event import Event, EventType, Value
from service.engine.diff.model import Change, Difference, Kind, Witness
from service.engine.diff.requests import MOMENT
from service.engine.diff.trial import Trial, side
from service.rules.condition import Op, atoms
from service.rules.model import Lexicon
from service.rules.vocabulary import Field

MOST_TERMS = 40
"""Terms of a changed lexicon that are tried."""
UNHEARD_OF = "no-such-value"


def find_word_differences(trial: Trial, changes: Iterable[Change]) -> None:
    """Adds to the trial a witness of each changed lexicon and field that makes a difference by itself."""
    for change in changes:
        if change.section == "lexicon":
            _first(trial, f"lexicon {change.id}", _mentioning(trial, change.id))
        elif change.section == "field":
            _field(trial, change)


def _mentioning(trial: Trial, name: str) -> Iterator[dict[str, Value]]:
    """Texts of a term that one version knows and the other does not; of a phrase that takes terms out, the phrase."""
    old, new = (book.lexicons.get(name, Lexicon(name, ())) for book in (trial.old, trial.new))
    terms = sorted(set(old.terms) ^ set(new.terms))
    exceptions = set(old.exceptions) ^ set(new.exceptions)
    books = (trial.old, trial.new)
    phrases = {t for x in exceptions for book in books if x in book.lexicons for t in book.lexicons[x].terms}
    texts = list(_asking(trial, name))
    for term in [*terms[:MOST_TERMS], *sorted(phrases)[:MOST_TERMS]]:
        for field in texts:
            yield {field.parts[0] if field.parts else field.name: term}


def _asking(trial: Trial, lexicon: str) -> Iterator[Field]:
    """The texts of which some rule asks whether they mention the lexicon."""
    rules = [rule for book in (trial.old, trial.new) for stage in book.stages for rule in stage.rules]
    asked = [atom for rule in rules for atom in atoms(rule.when)]
    names = {atom.field for atom in asked if atom.op is Op.MENTIONS and lexicon in atom.operands}
    fields = {**trial.old.vocabulary.fields, **trial.new.vocabulary.fields}
    return (fields[name] for name in sorted(names))


def _field(trial: Trial, change: Change) -> None:
    """Requests with each value, with each spelling, and without the field."""
    old, new = (book.vocabulary.fields.get(change.id) for book in (trial.old, trial.new))
    if old is None or new is None:
        return
    if not old.derived_by and not new.derived_by:
        values = dict.fromkeys(text for known in (old, new) for text in (*known.values, *known.aliases))
        given: list[dict[str, Value]] = [{}]
        given += [{change.id: value} for value in (*values, UNHEARD_OF)]
        _first(trial, f"field {change.id}", given)
    if change.kind is Kind.CHANGED:
        trial.leave_open(f"{change.id} is defined otherwise, so that rules that say the same may mean another thing")


def _first(trial: Trial, cause: str, given: Iterable[dict[str, Value]]) -> None:
    """The first of the requests that is decided otherwise, by the first output that differs."""
    for data in given:
        event = Event(source="witness", id="w", type=EventType.RECEIVED, time=MOMENT, request_id="witness", data=data)
        sides = trial.decide(Witness(event))
        if sides is None:
            continue
        for one, two in zip(sides[0].explanation, sides[1].explanation, strict=False):
            names = [n for n in sorted({*one.outputs, *two.outputs}) if one.outputs.get(n) != two.outputs.get(n)]
            if names:
                old, new = (side(decision, one.stage, names[0]) for decision in sides)
                trial.shown.add(cause)
                trial.differences.append(Difference(one.stage, names[0], old, new, Witness(event), cause=cause))
                return
