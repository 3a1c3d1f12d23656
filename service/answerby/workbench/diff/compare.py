"""Compares two rulebooks: the changes of their files, and the requests that they decide otherwise."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from functools import partial

from answerby.rules.model.rulebook import Block, Rule, Rulebook
from answerby.workbench.diff.model import Aspect, Change, Comparison, Effect, Kind
from answerby.workbench.diff.rule_pairs import MODELLED, WORDS, RulePair, aspects, is_live, pair_rules
from answerby.workbench.diff.rulebook_pair import RulebookPair
from answerby.workbench.diff.safe_side import find_safe_side_differences
from answerby.workbench.diff.sections import other_changes, stage_changes
from answerby.workbench.diff.stage_differences import find_differences
from answerby.workbench.diff.word_differences import asks_for, find_word_differences, is_only_known

DESCRIBED = frozenset({"condition", "outputs", "rank"})
"""The names of aspects that stand for attributes of a rule in words."""
STAGE_SETTINGS = frozenset({"hit", "default", "on_error"})
NOT_COMPARED = {
    "calendar": "due times, reminders and conditions on its hours were not compared",
    "clock": "when it runs, pauses and is due was not compared",
    "ladder": "whom it tells, and when, was not compared",
    "schedule": "what it does, and when, was not compared",
    "score": "its numbers, and what rules make of them, were not compared",
}
"""Why a change of these sections is not proved. A section that is not named here is not proved either."""


def compare(old: Rulebook, new: Rulebook) -> Comparison:
    """All changes and differences, with requests that show them. Deterministic.

    Budgets count operations and decisions.
    """
    others, stages = list(other_changes(old, new)), list(stage_changes(old, new))
    pairs = pair_rules(old, new)
    rulebooks = RulebookPair(old, new)
    find_differences(
        rulebooks, [p for p in pairs if not p.same and (is_live(p.old) or is_live(p.new))], [c.id for c in stages]
    )
    find_word_differences(rulebooks, others)
    find_safe_side_differences(rulebooks, stages)
    rules = [_rule_change(rulebooks, pair) for pair in pairs]
    changes = [change for change in rules if change is not None]
    changes += [_stage_change(rulebooks, change) for change in stages]
    changes += [_with_effect(rulebooks, change) for change in others]
    return Comparison(
        old_revision=old.revision,
        new_revision=new.revision,
        changes=tuple(changes),
        differences=tuple(rulebooks.differences),
        attempts=rulebooks.attempts,
        open=tuple(rulebooks.open),
    )


def _rule_change(rulebooks: RulebookPair, pair: RulePair) -> Change | None:
    zone = rulebooks.compiled[1].numbering_zone
    found = aspects(pair, _blocks(rulebooks.old), _blocks(rulebooks.new), zone)
    if pair.old is not None and pair.new is not None and not found:
        return None
    _leave_open(rulebooks, f"rule {pair.rule.id}", pair.rule.id, found, {*DESCRIBED, *MODELLED, *WORDS})
    kind = Kind.ADDED if pair.old is None else Kind.REMOVED if pair.new is None else Kind.CHANGED
    if kind is Kind.CHANGED and all(aspect.name in WORDS for aspect in found):
        effect = Effect.WORDS
    elif not is_live(pair.old) and not is_live(pair.new):
        effect = Effect.NONE
    else:
        effect = _effect(rulebooks, pair.rule.id)
    return Change("rule", kind, pair.rule.id, pair.rule.stage, found, effect, _place(pair.old), _place(pair.new))


def _stage_change(rulebooks: RulebookPair, change: Change) -> Change:
    _leave_open(rulebooks, f"stage {change.id}", change.id, change.aspects, STAGE_SETTINGS)
    return replace(change, effect=_effect(rulebooks, change.id))


def _leave_open(rulebooks: RulebookPair, title: str, name: str, found: Iterable[Aspect], known: Container[str]) -> None:
    """Adds what differs in a way that the search through regions does not know."""
    for aspect in found:
        if aspect.name not in known:
            rulebooks.add_open(f"{title}: what follows from another `{aspect.name}` was not compared")
            rulebooks.unproved.add(name)


def _effect(rulebooks: RulebookPair, name: str) -> Effect:
    if name in rulebooks.shown_by_witness:
        return Effect.SHOWN
    return Effect.OPEN if name in rulebooks.unproved else Effect.NONE


def _with_effect(rulebooks: RulebookPair, change: Change) -> Change:
    """The change with its effect. What is not proved to have none is named as not proved, whatever the section."""
    if change.effect is Effect.WORDS:
        return change
    title = f"{change.section} {change.id}"
    shown = title in rulebooks.shown_by_witness
    if change.section == "lexicon" and not shown and not any(map(partial(asks_for, change.id), rulebooks.books)):
        return replace(change, effect=Effect.NONE)
    if not (change.section == "field" and shown and is_only_known(rulebooks, change)):
        why = _why_open(change)
        rulebooks.add_open(f"{title}: {why}")
    if shown:
        return replace(change, effect=Effect.SHOWN)
    return change if change.section not in {"lexicon", "field"} else replace(change, effect=Effect.OPEN)


def _why_open(change: Change) -> str:
    if change.section == "lexicon":
        return "each changed term was tried as a text by itself; texts that say more were not compared"
    if change.section == "field":
        return "it is defined otherwise, so that rules that say the same may mean another thing"
    return NOT_COMPARED.get(change.section, "what follows from it was not compared")


def _place(rule: Rule | None) -> str:
    return f"{rule.file}:{rule.line}" if rule is not None else ""


def _blocks(book: Rulebook) -> Mapping[str, Block]:
    return {block.id: block for stage in book.stages for block in stage.blocks}
