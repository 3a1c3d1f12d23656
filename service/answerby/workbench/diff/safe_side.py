"""What a changed safe side decides otherwise: requests with a fact that the vocabulary refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import plain
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.diff.model import Change, Difference, Witness
from answerby.workbench.diff.rulebook_pair import RulebookPair, output_result
from answerby.workbench.diff.witness_maker import first_event
from answerby.workbench.proofs.findings.protected_rules import refusable
from answerby.workbench.proofs.witnesses.request_builder import WRONG

SAFE_SIDE = "on_error"


def find_safe_side_differences(rulebooks: RulebookPair, changes: Iterable[Change]) -> None:
    """Adds a witness for each output of a changed safe side, or names it as not proved."""
    for change in changes:
        if any(aspect.name == SAFE_SIDE for aspect in change.aspects):
            for name in sorted(_outputs(rulebooks, change.id)):
                found = _difference(rulebooks, change.id, name)
                if found is None:
                    rulebooks.unproved.add(change.id)
                    rulebooks.add_open(
                        f"stage {change.id}: no request with one refused fact shows another safe side of {name}"
                    )
                else:
                    rulebooks.shown_by_witness.add(change.id)
                    rulebooks.add(found)


def _outputs(rulebooks: RulebookPair, stage: str) -> set[str]:
    """The outputs of which the stage has another safe side."""
    old, new = ({s.name: s.on_error for s in book.stages}.get(stage, {}) for book in rulebooks.books)
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _difference(rulebooks: RulebookPair, stage: str, name: str) -> Difference | None:
    """A request whose output is the safe side of both. A refused fact may lead to another default as well."""
    values = [_safe_value(book, stage, name) for book in rulebooks.books]
    for data in _refused_facts(rulebooks):
        witness = Witness(first_event(data))
        sides = rulebooks.decide(witness)
        if sides is None:
            continue
        old, new = (output_result(decision, stage, name) for decision in sides)
        if [old.value, new.value] == values and old.result != new.result:
            return Difference(stage, name, old, new, witness, cause=f"the safe side of stage {stage}")
    return None


def _safe_value(book: Rulebook, stage: str, name: str) -> object:
    found = next((s.on_error.get(name, s.default.get(name)) for s in book.stages if s.name == stage), None)
    return None if found is None else plain(found)


def _refused_facts(rulebooks: RulebookPair) -> Iterator[dict[str, Value]]:
    """One fact each that the vocabulary of either refuses."""
    fields = {field.name: field for book in rulebooks.books for field in book.vocabulary.fields.values()}
    names = {name for book in rulebooks.books for name in refusable(book.vocabulary)}
    for name in sorted(names):
        if not fields[name].parts:
            yield {name: WRONG.get(fields[name].type, "?")}
