"""Compares two rulebooks: what was changed in them, and which requests they decide otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from answerby.rules.model.rulebook import Block, Rule, Rulebook
from answerby.workbench.diff.model import Change, Comparison, Effect, Kind
from answerby.workbench.diff.pair import Trial
from answerby.workbench.diff.rules import Pair, aspects, is_live, pair_rules
from answerby.workbench.diff.sections import other_changes, stage_changes
from answerby.workbench.diff.stage_differences import find_differences
from answerby.workbench.diff.word_differences import find_word_differences, is_asked

WORDS = frozenset({"because", "owner"})


def compare(old: Rulebook, new: Rulebook) -> Comparison:
    """Everything that differs, with requests that show it. Deterministic: budgets count operations and decisions."""
    others, stages = list(other_changes(old, new)), list(stage_changes(old, new))
    pairs = pair_rules(old, new)
    trial = Trial(old, new)
    find_differences(
        trial, [p for p in pairs if not p.same and (is_live(p.old) or is_live(p.new))], [c.id for c in stages]
    )
    find_word_differences(trial, others)
    rules = [_rule_change(trial, pair) for pair in pairs]
    changes = [change for change in rules if change is not None]
    changes += [replace(change, effect=_effect(trial, change.id)) for change in stages]
    changes += [_seen(trial, change) for change in others]
    return Comparison(
        old_revision=old.revision,
        new_revision=new.revision,
        changes=tuple(changes),
        differences=tuple(trial.differences),
        tried=trial.tried,
        open=tuple(trial.open),
    )


def _rule_change(trial: Trial, pair: Pair) -> Change | None:
    found = aspects(pair, _blocks(trial.old), _blocks(trial.new))
    if pair.old is not None and pair.new is not None and not found:
        return None
    kind = Kind.ADDED if pair.old is None else Kind.REMOVED if pair.new is None else Kind.CHANGED
    if kind is Kind.CHANGED and all(aspect.name in WORDS for aspect in found):
        effect = Effect.WORDS
    elif not is_live(pair.old) and not is_live(pair.new):
        effect = Effect.NONE
    else:
        effect = _effect(trial, pair.rule.id)
    return Change("rule", kind, pair.rule.id, pair.rule.stage, found, effect, _place(pair.old), _place(pair.new))


def _effect(trial: Trial, name: str) -> Effect:
    if name in trial.shown:
        return Effect.SHOWN
    return Effect.OPEN if name in trial.unproved else Effect.NONE


def _seen(trial: Trial, change: Change) -> Change:
    if f"{change.section} {change.id}" in trial.shown:
        return replace(change, effect=Effect.SHOWN)
    if change.section not in {"lexicon", "field"} or change.effect is Effect.WORDS:
        return change
    if not is_asked(trial.old, change) and not is_asked(trial.new, change):
        return replace(change, effect=Effect.NONE)
    if change.section == "lexicon":
        trial.leave_open(f"{change.id}: no text of one changed term alone is decided otherwise")
    return replace(change, effect=Effect.OPEN)


def _place(rule: Rule | None) -> str:
    return f"{rule.file}:{rule.line}" if rule is not None else ""


def _blocks(book: Rulebook) -> Mapping[str, Block]:
    return {block.id: block for stage in book.stages for block in stage.blocks}
