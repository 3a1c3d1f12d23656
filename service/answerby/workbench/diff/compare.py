"""Compares two rulebooks: the changes of their files, and the requests that they decide otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from answerby.rules.model.rulebook import Block, Rule, Rulebook
from answerby.workbench.diff.model import Change, Comparison, Effect, Kind
from answerby.workbench.diff.rule_pairs import RulePair, aspects, is_live, pair_rules
from answerby.workbench.diff.rulebook_pair import RulebookPair
from answerby.workbench.diff.sections import other_changes, stage_changes
from answerby.workbench.diff.stage_differences import find_differences
from answerby.workbench.diff.word_differences import find_word_differences, may_matter

WORDS = frozenset({"because", "owner"})


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
    rules = [_rule_change(rulebooks, pair) for pair in pairs]
    changes = [change for change in rules if change is not None]
    changes += [replace(change, effect=_effect(rulebooks, change.id)) for change in stages]
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
    found = aspects(pair, _blocks(rulebooks.old), _blocks(rulebooks.new))
    if pair.old is not None and pair.new is not None and not found:
        return None
    kind = Kind.ADDED if pair.old is None else Kind.REMOVED if pair.new is None else Kind.CHANGED
    if kind is Kind.CHANGED and all(aspect.name in WORDS for aspect in found):
        effect = Effect.WORDS
    elif not is_live(pair.old) and not is_live(pair.new):
        effect = Effect.NONE
    else:
        effect = _effect(rulebooks, pair.rule.id)
    return Change("rule", kind, pair.rule.id, pair.rule.stage, found, effect, _place(pair.old), _place(pair.new))


def _effect(rulebooks: RulebookPair, name: str) -> Effect:
    if name in rulebooks.shown_by_witness:
        return Effect.SHOWN
    return Effect.OPEN if name in rulebooks.unproved else Effect.NONE


def _with_effect(rulebooks: RulebookPair, change: Change) -> Change:
    if f"{change.section} {change.id}" in rulebooks.shown_by_witness:
        return replace(change, effect=Effect.SHOWN)
    if change.section not in {"lexicon", "field"} or change.effect is Effect.WORDS:
        return change
    if not may_matter(rulebooks.old, change) and not may_matter(rulebooks.new, change):
        return replace(change, effect=Effect.NONE)
    if change.section == "lexicon":
        rulebooks.add_open(f"{change.id}: no text of one changed term alone is decided otherwise")
    return replace(change, effect=Effect.OPEN)


def _place(rule: Rule | None) -> str:
    return f"{rule.file}:{rule.line}" if rule is not None else ""


def _blocks(book: Rulebook) -> Mapping[str, Block]:
    return {block.id: block for stage in book.stages for block in stage.blocks}
