"""Hit policies: which of the matching rules decide, and their outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from answerby.domain.ladder import Notification
from answerby.rules.model.rulebook import HitPolicy, Output, Rule, Stage
from answerby.rules.model.vocabulary import FieldType, Vocabulary


@dataclass(slots=True)
class Resolution:
    """Result of the rules of one stage, before defaults."""

    outputs: dict[str, Output] = field(default_factory=dict)
    setter: dict[str, Rule] = field(default_factory=dict)
    """The rule that won each output. For a united output, the first of its rules."""
    winners: dict[str, list[Rule]] = field(default_factory=dict)
    """All rules that won each output."""
    won: list[Rule] = field(default_factory=list)
    lost: list[Rule] = field(default_factory=list)
    conflicts: set[str] = field(default_factory=set)
    """Outputs over which rules conflict under `unique`."""
    doubtful: set[str] = field(default_factory=set)
    """Outputs that a rule which could not be evaluated might have won."""


@dataclass(slots=True)
class Candidate:
    rule: Rule
    outputs: dict[str, Output]


def in_force(rule: Rule, at: datetime) -> bool:
    """Whether `at` lies in the rule's dates [enabled_from, until)."""
    if rule.enabled_from is not None and at < rule.enabled_from:
        return False
    return rule.until is None or at < rule.until


def resolve(stage: Stage, vocabulary: Vocabulary, matched: Sequence[Rule], failed: Sequence[Rule]) -> Resolution:
    """Applies each block's policy to its rules, then the stage's policy, output by output, to the rest."""
    result = Resolution()
    if not matched and not failed:
        return result
    by_block: dict[str, list[Rule]] = {}
    for rule in matched:
        by_block.setdefault(rule.block, []).append(rule)
    candidates: list[Candidate] = []
    for block in stage.blocks:
        rules = by_block.get(block.id)
        if rules:
            candidates += within_block(block.hit, vocabulary, rules, result)
    candidates.sort(key=lambda c: c.rule.order)
    take(stage.hit, vocabulary, candidates, result)
    winners = {id(rule) for rule in result.won}
    result.lost = [rule for rule in matched if id(rule) not in winners]
    hits = {block.id: block.hit for block in stage.blocks}
    for rule in failed:
        result.doubtful.update(could_win(stage.hit, hits[rule.block], vocabulary, rule, result))
        result.doubtful.update(could_displace(hits[rule.block], vocabulary, rule, by_block.get(rule.block, []), result))
    return result


def within_block(hit: HitPolicy, vocabulary: Vocabulary, rules: list[Rule], result: Resolution) -> list[Candidate]:
    rules.sort(key=lambda r: r.order)
    if hit is HitPolicy.FIRST:
        return [Candidate(rules[0], dict(rules[0].then))]
    if hit is HitPolicy.UNIQUE and len(rules) > 1:
        result.conflicts.update(name for rule in rules for name in rule.then)
        return []
    candidates = [Candidate(rule, dict(rule.then)) for rule in rules]
    if hit is HitPolicy.MOST_SEVERE:
        for name in {name for rule in rules for name in rule.then}:
            if not is_united(vocabulary, name):
                keep_most_severe(vocabulary, name, candidates)
    return candidates


def keep_most_severe(vocabulary: Vocabulary, name: str, candidates: list[Candidate]) -> None:
    setters = [c for c in candidates if name in c.outputs]
    best = min(setters, key=lambda c: (-severity(vocabulary, name, c.outputs[name]), c.rule.order))
    for candidate in setters:
        if candidate is not best:
            del candidate.outputs[name]


def take(hit: HitPolicy, vocabulary: Vocabulary, candidates: list[Candidate], result: Resolution) -> None:
    """Fills outputs, setters and winners; `candidates` come in rule order."""
    winners: dict[int, Rule] = {}
    by_output: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for name in candidate.outputs:
            by_output.setdefault(name, []).append(candidate)
    for name, setters in by_output.items():
        if is_united(vocabulary, name):
            result.outputs[name] = unite(c.outputs[name] for c in setters)
            chosen = setters
        elif hit is HitPolicy.UNIQUE and len(setters) > 1:
            result.conflicts.add(name)
            continue
        else:
            best = setters[0]
            if hit is HitPolicy.MOST_SEVERE:
                best = min(setters, key=lambda c: (-severity(vocabulary, name, c.outputs[name]), c.rule.order))
            result.outputs[name] = best.outputs[name]
            chosen = [best]
        result.setter[name] = chosen[0].rule
        result.winners[name] = [c.rule for c in chosen]
        winners.update((id(c.rule), c.rule) for c in chosen)
    result.won = sorted(winners.values(), key=lambda r: r.order)


def is_united(vocabulary: Vocabulary, name: str) -> bool:
    """Whether several rules' values of this output are united instead of competing."""
    if name in {"notify", "require"}:
        return True
    return name in vocabulary and vocabulary[name].type is FieldType.SET


def unite(values: Iterable[Output]) -> Output:
    """Each item once: notifications in the order of their rules, plain values sorted."""
    items = [item for value in values for item in (value if isinstance(value, (list, tuple)) else (value,))]
    notices = tuple(dict.fromkeys(item for item in items if isinstance(item, Notification)))
    return notices or sorted({str(item) for item in items})


def severity(vocabulary: Vocabulary, name: str, value: Output) -> int:
    """The rank of a value in its field's order; higher is more severe. 0 without an order: (rank, id) then decides."""
    known = vocabulary.fields.get(name)
    if known is not None and known.type is FieldType.ENUM and isinstance(value, str) and value in known.values:
        return known.values.index(value)
    return 0


def could_win(
    stage_hit: HitPolicy, block_hit: HitPolicy, vocabulary: Vocabulary, failed: Rule, result: Resolution
) -> set[str]:
    """The outputs that a failed rule would set, had it matched."""
    doubtful = set()
    for name, value in failed.then.items():
        if is_united(vocabulary, name) or name not in result.setter:
            doubtful.add(name)
            continue
        if value == result.outputs[name] and HitPolicy.UNIQUE not in {stage_hit, block_hit}:
            continue  # Had the rule matched, the output would be the same.
        winner = result.setter[name]
        rivals = failed.block == winner.block and block_hit is not HitPolicy.COLLECT
        hit = block_hit if rivals else stage_hit
        if hit is HitPolicy.UNIQUE:
            doubtful.add(name)
        elif hit is HitPolicy.MOST_SEVERE:
            own, winning = severity(vocabulary, name, value), severity(vocabulary, name, result.outputs[name])
            if own > winning or (own == winning and failed.order < winner.order):
                doubtful.add(name)
        elif failed.order < winner.order:
            doubtful.add(name)
    return doubtful


def could_displace(
    block_hit: HitPolicy, vocabulary: Vocabulary, failed: Rule, matched: Sequence[Rule], result: Resolution
) -> set[str]:
    """The outputs of matching rules that would not count, had a failed rule of their block matched.

    A row counts whole or not at all. `matched` are the matching rules of the block, in order.
    """
    if block_hit is HitPolicy.FIRST:
        displaced = [rule for rule in matched[:1] if failed.order < rule.order]
    else:
        displaced = list(matched) if block_hit is HitPolicy.UNIQUE else []
    return {
        name
        for rule in displaced
        for name, value in rule.then.items()
        if (is_united(vocabulary, name) or result.setter.get(name) is rule)
        and (block_hit is HitPolicy.UNIQUE or failed.then.get(name) != value)
    }


def fill(
    outputs: dict[str, Output], default: Mapping[str, Output], on_error: Mapping[str, Output], unsafe: set[str]
) -> None:
    """Fills in, in place, the safe side for outputs in doubt or conflict, then defaults for outputs not set."""
    for name in unsafe:
        if name in on_error:
            outputs[name] = on_error[name]
    for name, value in default.items():
        outputs.setdefault(name, value)


def outputs_with_defaults(stage: Stage, resolution: Resolution) -> dict[str, Output]:
    """The outputs of a stage: of its rules, then of the safe side, then the defaults."""
    outputs = dict(resolution.outputs)
    fill(outputs, stage.default, stage.on_error, resolution.doubtful | resolution.conflicts)
    return outputs
