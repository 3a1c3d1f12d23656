"""Shadow rules (`mode: shadow`): the changes that they would make to their stage, were they live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from answerby.domain.decision import RuleReference, ShadowMatch
from answerby.domain.event import Value
from answerby.engine.facts.record import Record
from answerby.engine.stages.hit import outputs_with_defaults, resolve
from answerby.rules.model.rulebook import Output, Rule, RuleMode, Stage
from answerby.rules.model.vocabulary import Vocabulary

RULES_BLOCK = "file:"
"""Prefix of the ids of blocks that are lists of rules; all other blocks are tables."""


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """A shadow rule that matched or failed, with its effect on the stage."""

    rule: Rule
    failed: bool
    wins: bool
    changes: Mapping[str, Output | None]


def is_live(rule: Rule) -> bool:
    return rule.mode is not RuleMode.SHADOW


def shadow_results(
    stage: Stage,
    vocabulary: Vocabulary,
    matched: Sequence[Rule],
    failed: Sequence[Rule],
    outputs: Mapping[str, Output],
) -> tuple[ShadowResult, ...]:
    """Settles the stage again with each shadow rule made live, the rows of one table together.

    `matched` and `failed` hold live rules and shadow rules. `outputs` are the outputs of the live rules alone.
    """
    live = [rule for rule in matched if is_live(rule)]
    live_failed = [rule for rule in failed if is_live(rule)]
    results: list[ShadowResult] = []
    for group_matched, group_failed in _groups(matched, failed):
        resolution = resolve(stage, vocabulary, live + group_matched, live_failed + group_failed)
        changes = differences(outputs, outputs_with_defaults(stage, resolution))
        winners = {rule.id for rule in resolution.won}
        unsettled = resolution.doubtful | resolution.conflicts
        for rule in sorted(group_matched + group_failed, key=lambda r: r.order):
            failing, wins = rule in group_failed, rule.id in winners
            changed = {n: v for n, v in changes.items() if n in rule.then and (wins or failing or n in unsettled)}
            results.append(ShadowResult(rule, failing, wins, changed))
    return tuple(results)


def _groups(matched: Sequence[Rule], failed: Sequence[Rule]) -> Iterator[tuple[list[Rule], list[Rule]]]:
    """The shadow rules, matched and failed, in groups that go live at once: a rule, or the rows of a table."""
    groups: dict[str, tuple[list[Rule], list[Rule]]] = {}
    for rules, side in ((matched, 0), (failed, 1)):
        for rule in rules:
            if not is_live(rule):
                group = rule.id if rule.block.startswith(RULES_BLOCK) else rule.block
                groups.setdefault(group, ([], []))[side].append(rule)
    return iter(groups.values())


def differences(before: Mapping[str, Output], after: Mapping[str, Output]) -> dict[str, Output | None]:
    """The outputs that differ, with their value after; None: no value."""
    return {name: after.get(name) for name in sorted({*before, *after}) if before.get(name) != after.get(name)}


@dataclass(frozen=True, slots=True)
class ShadowRule:
    """A shadow rule that matched or failed, ready for an explanation."""

    reference: RuleReference
    failed: bool
    wins: bool
    changes: dict[str, Value]
    facts: tuple[str, ...]
    unlike_wire: tuple[str, ...]

    def explain(self, record: Record) -> ShadowMatch:
        return ShadowMatch(
            rule=self.reference,
            failed=self.failed,
            wins=self.wins,
            changes=dict(self.changes),
            facts=record.shown(self.facts, self.unlike_wire),
        )
