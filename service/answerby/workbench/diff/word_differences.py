"""The requests that changed lexicons and fields decide otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.event import Event, EventType, Value
from answerby.rules.model.rulebook import Lexicon, Rulebook
from answerby.rules.model.vocabulary import Field
from answerby.workbench.diff.model import Change, Difference, Kind, Witness
from answerby.workbench.diff.rulebook_pair import RulebookPair, output_result
from answerby.workbench.diff.witness_maker import MOMENT

MOST_TERMS = 40
"""The most terms of a changed lexicon that are tried."""
UNHEARD_OF = "no-such-value"


def find_word_differences(rulebooks: RulebookPair, changes: Iterable[Change]) -> None:
    """Adds a witness for each changed lexicon and field that makes a difference by itself."""
    for change in changes:
        if change.section == "lexicon":
            _first(rulebooks, f"lexicon {change.id}", _mentioning(rulebooks, change.id))
        elif change.section == "field":
            _field(rulebooks, change)


def _mentioning(rulebooks: RulebookPair, name: str) -> Iterator[dict[str, Value]]:
    """Texts with one changed term each, or with one phrase of a changed exception."""
    old, new = (book.lexicons.get(name, Lexicon(name, ())) for book in (rulebooks.old, rulebooks.new))
    terms = sorted(set(old.terms) ^ set(new.terms))
    exceptions = set(old.exceptions) ^ set(new.exceptions)
    books = (rulebooks.old, rulebooks.new)
    phrases = {t for x in exceptions for book in books if x in book.lexicons for t in book.lexicons[x].terms}
    texts = list(_texts_asked_about(rulebooks, name))
    for term in [*terms[:MOST_TERMS], *sorted(phrases)[:MOST_TERMS]]:
        for field in texts:
            yield {field.parts[0] if field.parts else field.name: term}


def _texts_asked_about(rulebooks: RulebookPair, lexicon: str) -> Iterator[Field]:
    """The texts that some rule asks about the lexicon, or about a lexicon that it is an exception to."""
    books = (rulebooks.old, rulebooks.new)
    lexicons = {name for book in books for name, known in book.lexicons.items() if lexicon in known.exceptions} | {
        lexicon
    }
    atoms_found = (atom for book in books for atom in all_atoms(book))
    names = {
        atom.field
        for atom in atoms_found
        if atom.op is Op.MENTIONS and not lexicons.isdisjoint(map(str, atom.operands))
    }
    fields = {**rulebooks.old.vocabulary.fields, **rulebooks.new.vocabulary.fields}
    return (fields[name] for name in sorted(names))


def all_atoms(book: Rulebook) -> Iterator[Atom]:
    return (atom for stage in book.stages for rule in stage.rules for atom in atoms(rule.when))


def may_matter(book: Rulebook, change: Change) -> bool:
    """Whether a rule, clock or score of the rulebook could notice the lexicon or the field."""
    if change.section == "lexicon":
        return True
    names = {atom.field for atom in all_atoms(book)} | {
        atom.field for clock in book.clocks.values() for when in clock.conditions for atom in atoms(when)
    }
    parts = {part for name in names if name in book.vocabulary for part in book.vocabulary[name].parts}
    factors = {factor.field for stage in book.stages for score in stage.scores for factor in score.factors}
    required = {
        str(name)
        for stage in book.stages
        for rule in stage.rules
        for name in (rule.then.get("require") or ())  # type: ignore[union-attr]
    }
    windows = {known.window.by for known in book.vocabulary.fields.values() if known.window is not None}
    return change.id in names | parts | factors | required | windows


def _field(rulebooks: RulebookPair, change: Change) -> None:
    """Tries requests with each value, with each spelling, and without the field."""
    old, new = (book.vocabulary.fields.get(change.id) for book in (rulebooks.old, rulebooks.new))
    if old is None or new is None:
        return
    if not old.derived_by and not new.derived_by:
        values = dict.fromkeys(text for known in (old, new) for text in (*known.values, *known.aliases))
        given: list[dict[str, Value]] = [{}]
        given += [{change.id: value} for value in (*values, UNHEARD_OF)]
        _first(rulebooks, f"field {change.id}", given)
    if change.kind is Kind.CHANGED:
        rulebooks.add_open(f"{change.id} is defined otherwise, so that rules that say the same may mean another thing")


def _first(rulebooks: RulebookPair, cause: str, given: Iterable[dict[str, Value]]) -> None:
    """Adds the first of the requests that is decided otherwise, by the first output that differs."""
    for data in given:
        event = Event(source="witness", id="w", type=EventType.RECEIVED, time=MOMENT, request_id="witness", data=data)
        sides = rulebooks.decide(Witness(event))
        if sides is None:
            continue
        pairs = list(zip(sides[0].explanation, sides[1].explanation, strict=False))
        # Missing facts follow from the classification, so completeness comes last.
        for one, two in sorted(pairs, key=lambda pair: pair[0].stage == "completeness"):
            names = [n for n in sorted({*one.outputs, *two.outputs}) if one.outputs.get(n) != two.outputs.get(n)]
            if names:
                old, new = (output_result(decision, one.stage, names[0]) for decision in sides)
                rulebooks.shown_by_witness.add(cause)
                rulebooks.add(Difference(one.stage, names[0], old, new, Witness(event), cause=cause))
                return
