"""Decisions as text, for the CLI, notes and the Explain call."""

# Stays interpreted: it makes words for people, beside the decision.
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.decision import (
    LADDER_PREFIX,
    Decision,
    RuleReference,
    ScoreExplanation,
    ScoreOutcome,
    ShadowMatch,
    StageExplanation,
    StageOutcome,
)
from answerby.domain.event import OVERRIDE_PREFIX, Value
from answerby.domain.message_words import local_time
from answerby.engine.explanation.flag_text import flag_text
from answerby.rules.model.rulebook import EVALUATION_ORDER

WORDS = {
    "en": {
        "decision": "Decision {sequence} of request {request_id} ({number}), for event {event_type} of {event_time}",
        "revision": "Rulebook {revision}, decided {decided}",
        StageOutcome.MATCHED: "decided by rules",
        StageOutcome.DEFAULTED: "no rule matched, the default was taken",
        StageOutcome.CONFLICT: "rules that exclude each other matched, the safe side was taken",
        StageOutcome.ERROR: "a condition could not be evaluated, the safe side was taken",
        "by_hand": "{names} set by hand",
        "by_ladder": "{names} set by a ladder",
        "otherwise": "otherwise {outcome}",
        "and": ", ",
        "then": "; ",
        "yes": "yes",
        "no": "no",
        "clock": "(clock {name})",
        "won": "won",
        "lost": "matched, outranked",
        "failed": "not evaluated",
        "facts": "facts",
        "score": "score",
        "tie_break": "tie-break",
        "missing": "missing",
        "assumed": "what the file says for a missing fact",
        "weight": "weight",
        "no_score": "no score",
        "score_error": "not computed",
        "shadow": "shadow rule, would have decided",
        "shadow_outranked": "shadow rule, outranked; would have set",
        "shadow_failed": "shadow rule, not evaluated",
        "shadow_change": "would change {name} from {before} to {after}",
        "shadow_no_change": "would change nothing",
        "clocks": "Clocks",
        "flags": "Note",
        "none": "none yet",
        "breached": "breached",
        "due": "due",
    },
    "zh": {
        "decision": "请求 {request_id}（{number}）的第 {sequence} 次决定，事件 {event_type}，发生于 {event_time}",
        "revision": "规则版本 {revision}，决定于 {decided}",
        StageOutcome.MATCHED: "由规则决定",
        StageOutcome.DEFAULTED: "没有规则命中，取默认值",
        StageOutcome.CONFLICT: "互斥的规则同时命中，取安全值",
        StageOutcome.ERROR: "条件无法判断，取安全值",
        "by_hand": "{names} 由人工设定",
        "by_ladder": "{names} 由升级阶梯给出",
        "otherwise": "其余{outcome}",
        "and": "、",
        "then": "；",
        "yes": "是",
        "no": "否",
        "clock": "（时钟 {name}）",
        "won": "生效",
        "lost": "命中但被更优先的规则覆盖",
        "failed": "无法判断",
        "facts": "事实",
        "score": "评分",
        "tie_break": "同分排序",
        "missing": "缺失",
        "assumed": "取文件中的缺省数值",
        "weight": "权重",
        "no_score": "无评分",
        "score_error": "无法计算",
        "shadow": "影子规则，本会决定",
        "shadow_outranked": "影子规则，会被更优先的规则覆盖；本会给出",
        "shadow_failed": "影子规则，无法判断",
        "shadow_change": "会把 {name} 由 {before} 改为 {after}",
        "shadow_no_change": "结果不会改变",
        "clocks": "时钟",
        "flags": "注意",
        "none": "尚无",
        "breached": "已超时",
        "due": "应于",
    },
}


def explain_text(decision: Decision, language: str = "en", zone: tzinfo = UTC) -> str:
    """The explanation in `en` or `zh`, with the times of the zone. For any other language it is in English."""
    words = WORDS.get(language, WORDS["en"])
    return "\n".join(lines(decision, words, zone))


def lines(decision: Decision, words: dict[str, str], zone: tzinfo) -> Iterator[str]:
    yield words["decision"].format(
        sequence=decision.sequence,
        request_id=decision.request_id,
        number=decision.number or words["none"],
        event_type=decision.event_type,
        event_time=local_time(decision.event_time, zone),
    )
    decided = local_time(decision.decided, zone)
    yield words["revision"].format(revision=decision.revision, decided=decided)
    for stage in sorted(decision.explanation, key=lambda stage: EVALUATION_ORDER.index(stage.stage)):
        yield from stage_lines(stage, words)
    if decision.clocks:
        yield words["clocks"] + ":"
        yield from (f"  {clock_line(clock, words, zone)}" for clock in decision.clocks)
    for flag in decision.flags:
        yield f"{words['flags']}: {flag_text(flag.code, flag.message, zone)}"


def stage_lines(stage: StageExplanation, words: dict[str, str]) -> Iterator[str]:
    yield f"{stage.stage}: {show_all(stage.outputs, words) or '-'} ({outcome_text(stage, words)})"
    for label, references in (("won", stage.won), ("lost", stage.lost), ("failed", stage.failed)):
        for reference in references:
            yield f"  {words[label]}: {reference_line(reference, words)}"
    if stage.facts:
        yield f"  {words['facts']}: {show_all(stage.facts, words)}"
    for score in stage.scores:
        yield from score_lines(score, words)
    for match in stage.shadow:
        yield from shadow_lines(stage, match, words)


def outcome_text(stage: StageExplanation, words: dict[str, str]) -> str:
    """How the stage came to its result: what a person or a ladder set, and what the rules came to otherwise."""
    sources = []
    for prefix, word in ((OVERRIDE_PREFIX, "by_hand"), (LADDER_PREFIX, "by_ladder")):
        names = sorted({name for rule in stage.won if rule.id.startswith(prefix) for name in rule.outputs})
        if names:
            sources.append(words[word].format(names=words["and"].join(names)))
    if stage.outcome not in {StageOutcome.BY_HAND, StageOutcome.BY_LADDER}:
        outcome = words[stage.outcome]
        sources.append(words["otherwise"].format(outcome=outcome) if sources else outcome)
    return words["then"].join(sources)


def score_lines(score: ScoreExplanation, words: dict[str, str]) -> Iterator[str]:
    """A score: each factor with its fact, number and weight, then the calculation."""
    place = f"[{score.file}:{score.line}]"
    outputs = show_all(score.outputs, words) or "-"
    yield f"  {words['score']} {score.id} ({score.method}): {outputs} {place} {score.because}"
    for factor in (*score.factors, *([score.tie_break] if score.tie_break else [])):
        name = words["tie_break"] if factor is score.tie_break else factor.name
        fact = f"{factor.field}={words['missing'] if factor.value is None else show(factor.value, words)}"
        assumed = f" ({words['assumed']})" if factor.assumed else ""
        weight = f", {words['weight']} {factor.weight}" if factor.weight not in {"", "1"} else ""
        yield f"    {name}: {fact} → {factor.number or '-'}{assumed}{weight}"
    if score.arithmetic:
        yield f"    {score.arithmetic}"
    if score.problem:
        label = words["score_error" if score.outcome is ScoreOutcome.ERROR else "no_score"]
        yield f"    {label}: {score.problem}"


def shadow_lines(stage: StageExplanation, match: ShadowMatch, words: dict[str, str]) -> Iterator[str]:
    """A shadow rule: its outputs, and the changes that they would make."""
    if match.failed:
        yield f"  {words['shadow_failed']}: {reference_line(match.rule, words)}"
    else:
        label = words["shadow" if match.wins else "shadow_outranked"]
        yield f"  {label}: {show_all(match.rule.outputs, words)}: {reference_line(match.rule, words)}"
    if match.facts:
        yield f"    {words['facts']}: {show_all(match.facts, words)}"
    for name, after in match.changes.items():
        before = show_or_nothing(stage.outputs.get(name), words)
        yield f"    {words['shadow_change'].format(name=name, before=before, after=show_or_nothing(after, words))}"
    if not match.changes:
        yield f"    {words['shadow_no_change']}"


def show_or_nothing(value: Value, words: dict[str, str]) -> str:
    return "-" if value is None else show(value, words)


def reference_line(reference: RuleReference, words: dict[str, str]) -> str:
    place = f" [{reference.file}:{reference.line}]" if reference.file else ""
    clock = f" {words['clock'].format(name=reference.clock)}" if reference.clock else ""
    return f"{reference.id}{place} {reference.because}{clock}"


def clock_line(clock: ClockState, words: dict[str, str], zone: tzinfo) -> str:
    due = f", {words['due']} {local_time(clock.due, zone)}" if clock.due else ""
    late = f", {words['breached']}" if clock.breached else ""
    stopped = f" {local_time(clock.stopped, zone)}" if clock.phase is ClockPhase.STOPPED and clock.stopped else ""
    return f"{clock.name}: {clock.phase.value}{stopped}{due}{late} ({clock.rule})"


def show_all(values: dict[str, Value], words: dict[str, str]) -> str:
    return ", ".join(f"{name}={show(value, words)}" for name, value in values.items())


def show(value: Value, words: dict[str, str]) -> str:
    """A fact as text, as `answerby get` shows it."""
    match value:
        case bool():
            return words["yes" if value else "no"]
        case list():
            return "[" + ", ".join(value) + "]"
        case _:
            return str(value)
