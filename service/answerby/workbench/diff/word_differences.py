"""The requests that changed lexicons and fields decide otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from answerby.domain.condition import Atom, Op, atoms
from answerby.domain.decision import Decision, StageExplanation
from answerby.domain.event import Value
from answerby.rules.model.rulebook import EVALUATION_ORDER, Lexicon, Rulebook
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.workbench.diff.model import FLAGS, Change, Difference, Kind, OutputResult, Witness
from answerby.workbench.diff.rulebook_pair import RulebookPair, flag_texts, output_result
from answerby.workbench.diff.witness_maker import first_event

MOST_TERMS = 40
"""The most terms of a changed lexicon that are tried."""
MOST_SHOWN = 8
"""The most differences shown of one lexicon or field."""
UNHEARD_OF = "no-such-value"
SOME_VALUE: Mapping[FieldType, Value] = {
    FieldType.SET: ["x"],
    FieldType.INTEGER: 1,
    FieldType.DECIMAL: 1,
    FieldType.BOOLEAN: True,
    FieldType.INSTANT: "2026-03-04T02:00:00Z",
    FieldType.DURATION: "PT1S",
}
"""A value of each type. Any other type takes a word."""
WITH_A_MEANING = frozenset(
    {"category", "priority", "department", "role", "tags", "complete", "missing", "missing_count"}
)
"""Derived fields that answerby itself looks at."""


def find_word_differences(rulebooks: RulebookPair, changes: Iterable[Change]) -> None:
    """Adds witnesses for each changed lexicon and field that makes a difference by itself."""
    for change in changes:
        if change.section == "lexicon":
            _show(rulebooks, f"lexicon {change.id}", _mentioning(rulebooks, change.id))
        elif change.section == "field":
            # What rules make of a field that one version has alone is a matter of these rules.
            only_flags = change.kind is not Kind.CHANGED
            _show(rulebooks, f"field {change.id}", _with_values(rulebooks, change), only_flags=only_flags)


def _mentioning(rulebooks: RulebookPair, name: str) -> Iterator[dict[str, Value]]:
    """Texts with one changed term each, or with one phrase of a changed exception."""
    old, new = (book.lexicons.get(name, Lexicon(name, ())) for book in rulebooks.books)
    terms = sorted(set(old.terms) ^ set(new.terms))
    exceptions = set(old.exceptions) ^ set(new.exceptions)
    phrases = {t for x in exceptions for book in rulebooks.books if x in book.lexicons for t in book.lexicons[x].terms}
    texts = list(_texts_asked_about(rulebooks, name))
    for term in [*terms[:MOST_TERMS], *sorted(phrases)[:MOST_TERMS]]:
        for field in texts:
            yield {field.parts[0] if field.parts else field.name: term}


def _texts_asked_about(rulebooks: RulebookPair, lexicon: str) -> Iterator[Field]:
    """The texts that some condition asks about the lexicon, or about a lexicon that it is an exception to."""
    names = {atom.field for book in rulebooks.books for atom in _asking(lexicon, book)}
    fields = {**rulebooks.old.vocabulary.fields, **rulebooks.new.vocabulary.fields}
    return (fields[name] for name in sorted(names))


def asks_for(lexicon: str, book: Rulebook) -> bool:
    """Whether any condition of the rulebook could notice a change of the lexicon."""
    return any(True for _ in _asking(lexicon, book))


def _asking(lexicon: str, book: Rulebook) -> Iterator[Atom]:
    concerned = {name for name, known in book.lexicons.items() if lexicon in known.exceptions} | {lexicon}
    for atom in all_atoms(book):
        if atom.op is Op.MENTIONS and not concerned.isdisjoint(map(str, atom.operands)):
            yield atom


def all_atoms(book: Rulebook) -> Iterator[Atom]:
    """The atoms of all conditions, wherever they stand."""
    for stage in book.stages:
        for condition in (*(rule.when for rule in stage.rules), *(score.when for score in stage.scores)):
            yield from atoms(condition)
    for clock in book.clocks.values():
        for condition in clock.conditions:
            yield from atoms(condition)
    for schedule in book.schedules.values():
        yield from atoms(schedule.when)


def is_only_known(rulebooks: RulebookPair, change: Change) -> bool:
    """Whether the field is in one of the rulebooks only, and nothing but changed rules could notice it otherwise."""
    if change.kind is Kind.CHANGED:
        return False
    book = rulebooks.new if change.kind is Kind.ADDED else rulebooks.old
    field = book.vocabulary[change.id]
    of_a_text = any(field.name in other.parts for other in book.vocabulary.fields.values())
    plain = field.window is None and not field.parts and not of_a_text
    return plain and not (field.derived_by and field.name in WITH_A_MEANING)


def _with_values(rulebooks: RulebookPair, change: Change) -> Iterator[dict[str, Value]]:
    """Requests with each value and each spelling of the field, without the field, and with an unknown value."""
    versions = [book.vocabulary[change.id] for book in rulebooks.books if change.id in book.vocabulary]
    if any(field.derived_by for field in versions) and change.kind is Kind.CHANGED:
        return
    yield {}
    for value in dict.fromkeys(text for field in versions for text in (*field.values, *field.aliases)):
        yield {change.id: [value] if versions[0].type is FieldType.SET else value}
    yield {change.id: UNHEARD_OF}
    yield from ({change.id: SOME_VALUE[field.type]} for field in versions if field.type in SOME_VALUE)
    bounds = {bound for field in versions for bound in (field.least, field.most) if bound is not None}
    for bound in sorted(bounds):
        for step in (-1, 0, 1):
            yield {change.id: float(bound) + step}


def _show(rulebooks: RulebookPair, cause: str, given: Iterable[dict[str, Value]], *, only_flags: bool = False) -> None:
    """Adds the differences of these requests, each kind of difference once."""
    shown: set[str] = set()
    for data in given:
        witness = Witness(first_event(data))
        sides = rulebooks.decide(witness)
        found = None if sides is None else _first(sides, witness, cause, only_flags=only_flags)
        if found is None:
            continue
        kind = f"{found.stage} {found.output}"
        if found.output != FLAGS:
            kind += f" {found.old.result} {found.new.result}"
        if kind not in shown and len(shown) < MOST_SHOWN:
            shown.add(kind)
            rulebooks.shown_by_witness.add(cause)
            rulebooks.add(found)


def _first(sides: tuple[Decision, Decision], witness: Witness, cause: str, *, only_flags: bool) -> Difference | None:
    """The first difference of two decisions, in the order in which the stages are asked; flags come last."""
    pairs = zip(sides[0].explanation, sides[1].explanation, strict=False)
    for one, two in () if only_flags else sorted(pairs, key=_asked):
        for name in sorted({*one.outputs, *two.outputs}):
            old, new = (output_result(decision, one.stage, name) for decision in sides)
            if old.result != new.result:
                return Difference(one.stage, name, old, new, witness, cause=cause)
    texts = [flag_texts(decision) for decision in sides]
    if texts[0] == texts[1]:
        return None
    old, new = (OutputResult(text, (), decision.facts) for text, decision in zip(texts, sides, strict=True))
    return Difference("", FLAGS, old, new, witness, cause=cause)


def _asked(pair: tuple[StageExplanation, StageExplanation]) -> int:
    return EVALUATION_ORDER.index(pair[0].stage)
