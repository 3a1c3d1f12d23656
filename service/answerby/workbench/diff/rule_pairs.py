"""Rules that were added, removed or changed.

Rows of tables are matched by their content: a new row does not make all rows below it new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from difflib import SequenceMatcher

from answerby.domain.ladder import Notification
from answerby.domain.message_words import local_time
from answerby.engine.compiled.rulebook import plain
from answerby.rules.model.rulebook import Block, Output, Rule, Rulebook, RuleMode
from answerby.workbench.diff.condition_text import attribute_names, condition_text, value_text
from answerby.workbench.diff.model import Aspect

WORDS = frozenset({"because", "owner", "protected", "complete"})
"""Attributes of rules and blocks that no decision depends on: words, and demands on `answerby check`."""
MODELLED = frozenset({"when", "then", "order", "enabled_from", "until", "mode", "hit"})
"""Attributes that the search through regions knows. Any other one may mean anything."""
BLOCK_PARTS = frozenset({"id", "stage", "rules"})
NO_CONTENT = frozenset({"id", "stage", "block", "file", "line", "order", *WORDS})
NAMED_ABOVE = frozenset({"id", "stage", "block", "file", "line", "when", "then", "order"})
ROW = "#"
"""The ids of table rows are `table#row`."""


@dataclass(frozen=True, slots=True)
class RulePair:
    """A rule before and after. One of them is None for a rule that was added or removed."""

    old: Rule | None
    new: Rule | None
    same: bool
    """Whether the condition, outputs, rank, dates and mode are equal."""

    @property
    def rule(self) -> Rule:
        found = self.new or self.old
        assert found is not None
        return found


def pair_rules(old: Rulebook, new: Rulebook) -> list[RulePair]:
    """Every rule of both rulebooks, each once, stage by stage."""
    pairs: list[RulePair] = []
    names = list(dict.fromkeys(stage.name for book in (old, new) for stage in book.stages))
    for name in names:
        before, after = (
            {block.id: block for stage in book.stages if stage.name == name for block in stage.blocks}
            for book in (old, new)
        )
        pairs += _pair_stage(before, after)
    return pairs


def _pair_stage(before: Mapping[str, Block], after: Mapping[str, Block]) -> Iterator[RulePair]:
    tables = {
        rule.id.partition(ROW)[0]
        for blocks in (before, after)
        for b in blocks.values()
        for rule in b.rules
        if ROW in rule.id
    }
    old = [rule for block in before.values() for rule in block.rules]
    new = [rule for block in after.values() for rule in block.rules]
    for table in sorted(tables):
        yield from _pair_rows(_rows(old, table), _rows(new, table), before, after)
    by_id = {rule.id: rule for rule in new if ROW not in rule.id}
    for rule in old:
        if ROW not in rule.id:
            yield _pair(rule, by_id.pop(rule.id, None), before, after)
    yield from (RulePair(None, rule, same=False) for rule in by_id.values())


def _rows(rules: Sequence[Rule], table: str) -> list[Rule]:
    return [rule for rule in rules if rule.id.partition(ROW)[0] == table and ROW in rule.id]


def _pair_rows(
    old: Sequence[Rule], new: Sequence[Rule], before: Mapping[str, Block], after: Mapping[str, Block]
) -> Iterator[RulePair]:
    matcher = SequenceMatcher(None, [_content(r) for r in old], [_content(r) for r in new], autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        for i in range(max(b - a, d - c)):
            one = old[a + i] if a + i < b else None
            two = new[c + i] if c + i < d else None
            yield _pair(one, two, before, after)


def _content(rule: Rule) -> str:
    """All of a rule that may count for decisions, besides its rank and block."""
    found = {name: getattr(rule, name) for name in attribute_names(rule) if name not in NO_CONTENT}
    found["then"] = sorted((name, repr(value)) for name, value in rule.then.items())
    return repr(found)


def _pair(old: Rule | None, new: Rule | None, before: Mapping[str, Block], after: Mapping[str, Block]) -> RulePair:
    if old is None or new is None:
        return RulePair(old, new, same=False)
    same = (
        _content(old) == _content(new)
        and old.order[:3] == new.order[:3]
        and old.block == new.block
        and not _block_settings(before[old.block], after[new.block])
    )
    return RulePair(old, new, same)


def _block_settings(old: Block, new: Block) -> list[str]:
    """The names of the settings in which two blocks differ."""
    names = [name for name in attribute_names(old) if name not in BLOCK_PARTS]
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def aspects(
    pair: RulePair, before: Mapping[str, Block], after: Mapping[str, Block], zone: tzinfo
) -> tuple[Aspect, ...]:
    """The differences of a rule, or the content of one that was added or removed. Its dates are shown in the zone."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        rule = pair.rule
        known = {*NAMED_ABOVE, *MODELLED, *WORDS}
        others = [(name, getattr(rule, name)) for name in attribute_names(rule) if name not in known]
        return (
            Aspect("condition", new=condition_text(rule.when)),
            Aspect("outputs", new=outputs_text(rule.then)),
            *(Aspect(name, new=_shown(value, zone)) for name, value in others if value),
        )
    found = [
        Aspect("condition", condition_text(old.when), condition_text(new.when)) if old.when != new.when else None,
        Aspect("outputs", outputs_text(old.then), outputs_text(new.then)) if dict(old.then) != dict(new.then) else None,
        Aspect("rank", _rank(old), _rank(new)) if old.order[:2] != new.order[:2] else None,
    ]
    blocks = before[old.block], after[new.block]
    pairs: list[tuple[tuple[object, object], str]] = [(blocks, name) for name in _block_settings(*blocks)]
    pairs += [((old, new), name) for name in attribute_names(old) if name not in NAMED_ABOVE]
    for (one, two), name in pairs:
        values = getattr(one, name), getattr(two, name)
        if values[0] != values[1]:
            found.append(Aspect(name, *(_shown(value, zone) for value in values)))
    return tuple(aspect for aspect in found if aspect is not None)


def _shown(value: object, zone: tzinfo) -> str:
    return local_time(value, zone) if isinstance(value, datetime) else value_text(value)


def _rank(rule: Rule) -> str:
    return f"{rule.order[0]}/{rule.order[1]}"


def outputs_text(then: Mapping[str, Output]) -> str:
    return ", ".join(f"{name}={_output(value)}" for name, value in sorted(then.items()))


def _output(value: Output) -> str:
    notices = [item for item in value if isinstance(item, Notification)] if isinstance(value, tuple) else []
    if not notices:
        return value_text(plain(value))
    return "[" + "; ".join(_notice(notice) for notice in notices) + "]"


def _notice(notice: Notification) -> str:
    extras = [f"template {notice.template}"] if notice.template else []
    extras += ["urgent"] if notice.urgent else []
    extras += ["until acknowledged"] if notice.until_acknowledged else []
    return ", ".join([*notice.roles, *extras])


def is_live(rule: Rule | None) -> bool:
    return rule is not None and rule.mode is RuleMode.LIVE
