"""Counterfactuals in words, English and Chinese. They contain no personal value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op
from answerby.domain.decision import RuleReference
from answerby.domain.event import OVERRIDE_PREFIX, Value
from answerby.domain.message_words import local_time
from answerby.workbench.counterfactual.changes import Change, ChangeKind, ChangeSet
from answerby.workbench.counterfactual.nearest import Alternative
from answerby.workbench.counterfactual.rule_standing import RuleStanding, Standing
from answerby.workbench.counterfactual.search import Answer, Counterfactual, Missing
from answerby.workbench.counterfactual.situation import Situation

EN = {
    "why_not": "Why not {goal}?",
    "already": "It is what was decided.",
    "would": "It would be, if {changes}.",
    "alternatives": "It would be otherwise:",
    "alternative": "if {changes}: {outcomes}",
    "decided_by": "decided by",
    "through": "on the way",
    "and": " and ",
    "none": "none",
    "rule": "Rule {rule}",
    "holds": "holds",
    "fails": "does not hold",
    "error": "could not be evaluated",
    "now": " (now {value})",
    "missing_now": " (now missing)",
    "outranked_by": "outranked by",
    "in_force": "in force from {start} until {end}",
    "open": "open",
    ChangeKind.SET: "{field} were {to}{now}",
    ChangeKind.GIVE: "{field} were given",
    ChangeKind.CLEAR: "{field} were missing{now}",
    ChangeKind.MENTION: "{field} mentioned lexicon {lexicon} (such as {example})",
    ChangeKind.UNMENTION: "{field} did not mention lexicon {lexicon}",
    Missing.NO_RULE: "No rule and no default gives {goal}.",
    Missing.SHADOW: "The rules that give {goal} are in shadow mode or not in force at the time of the event.",
    Missing.RAISED: "A ladder raised the priority; rules cannot lower it.",
    Missing.FIXED: "It hangs on facts that are taken as they are: {stuck}.",
    Missing.TOO_MANY: "No change of up to {most} facts that leads to it was found{stuck_also}.",
    Missing.BUDGET: "Nothing was found in {tried} decisions; that does not mean that there is nothing.",
    "stuck_also": "; taken as they are: {stuck}",
    Standing.WON: "won",
    Standing.OUTRANKED: "matched and was outranked",
    Standing.NOT_MATCHED: "did not match",
    Standing.NOT_EVALUATED: "could not be evaluated",
    Standing.NOT_IN_FORCE: "was not in force",
    Standing.SHADOW: "is in shadow mode: it never decides",
    "all": " and ",
    "any": " or ",
    "not": "not ({condition})",
    "always": "always",
    Op.EQ: "{field} is {values}",
    Op.IN: "{field} is one of {values}",
    Op.AT_LEAST: "{field} is at least {values}",
    Op.AT_MOST: "{field} is at most {values}",
    Op.MORE_THAN: "{field} is more than {values}",
    Op.LESS_THAN: "{field} is less than {values}",
    Op.HAS_ANY: "{field} has {values}",
    Op.MISSING: "{field} is missing",
    Op.MENTIONS: "{field} mentions {values}",
    Op.STARTS_WITH: "{field} starts with {values}",
    Op.EQUALS: "{field} equals {values}",
    Op.MATCHES: "{field} matches {values}",
    Op.INSIDE: "{field} lies inside {values}",
}
ZH = {
    "why_not": "为何不是 {goal}？",
    "already": "决定正是如此。",
    "would": "若 {changes}，则会如此。",
    "alternatives": "以下情形会有不同结果：",
    "alternative": "若 {changes}，则 {outcomes}",
    "decided_by": "依据",
    "through": "经由",
    "and": "，且 ",
    "none": "无",
    "rule": "规则 {rule}",
    "holds": "成立",
    "fails": "不成立",
    "error": "无法判断",
    "now": "（现为 {value}）",
    "missing_now": "（现缺失）",
    "outranked_by": "被更优先的规则覆盖",
    "in_force": "有效期 {start} 至 {end}",
    "open": "不限",
    ChangeKind.SET: "{field} 为 {to}{now}",
    ChangeKind.GIVE: "填写了 {field}",
    ChangeKind.CLEAR: "{field} 缺失{now}",
    ChangeKind.MENTION: "{field} 提及词库 {lexicon}（如 {example}）",
    ChangeKind.UNMENTION: "{field} 未提及词库 {lexicon}",
    Missing.NO_RULE: "没有规则或默认值给出 {goal}。",
    Missing.SHADOW: "给出 {goal} 的规则处于影子模式，或在事件发生时不在有效期内。",
    Missing.RAISED: "升级阶梯已提高优先级，规则不能降低。",
    Missing.FIXED: "取决于不作假设的事实：{stuck}。",
    Missing.TOO_MANY: "改变至多 {most} 项事实仍未找到{stuck_also}。",
    Missing.BUDGET: "试算 {tried} 次未找到；这不表示不存在。",
    "stuck_also": "；不作假设的事实：{stuck}",
    Standing.WON: "生效",
    Standing.OUTRANKED: "命中但被更优先的规则覆盖",
    Standing.NOT_MATCHED: "未命中",
    Standing.NOT_EVALUATED: "无法判断",
    Standing.NOT_IN_FORCE: "不在有效期内",
    Standing.SHADOW: "处于影子模式，从不决定",
    "all": " 且 ",
    "any": " 或 ",
    "not": "非（{condition}）",
    "always": "恒成立",
    Op.EQ: "{field} 为 {values}",
    Op.IN: "{field} 为其一：{values}",
    Op.AT_LEAST: "{field} 至少 {values}",
    Op.AT_MOST: "{field} 至多 {values}",
    Op.MORE_THAN: "{field} 大于 {values}",
    Op.LESS_THAN: "{field} 小于 {values}",
    Op.HAS_ANY: "{field} 含 {values}",
    Op.MISSING: "{field} 缺失",
    Op.MENTIONS: "{field} 提及 {values}",
    Op.STARTS_WITH: "{field} 以 {values} 开头",
    Op.EQUALS: "{field} 等于 {values}",
    Op.MATCHES: "{field} 匹配 {values}",
    Op.INSIDE: "{field} 在 {values} 工作时间内",
}
WORDS = {"en": EN, "zh": ZH}
UNTOLD = frozenset({"missing", "missing_count"})
"""Derived facts that change with nearly every other change."""


class Wording:
    """The words for one situation in one language. Any unknown language gets English.

    `zone` is that of times; None: the rulebook's.
    """

    def __init__(self, situation: Situation, language: str = "en", zone: tzinfo | None = None) -> None:
        self.situation = situation
        self._zone = zone or situation.compiled.numbering_zone
        self._words: dict[str, str] = WORDS.get(language, EN)
        self._fields = situation.compiled.rulebook.vocabulary.fields

    def answer(self, answer: Answer, most: int) -> Iterator[str]:
        """The answer as lines. The first one repeats the question."""
        words = self._words
        yield words["why_not"].format(goal=answer.wanted_outcome.text)
        if answer.already:
            yield f"  {words['already']}"
        elif answer.found is not None:
            yield f"  {words['would'].format(changes=self.changes(answer.found.changes))}"
            yield from self._because(answer.found)
        else:
            yield f"  {self.reason(answer, most)}"

    def reason(self, answer: Answer, most: int) -> str:
        """The reason why nothing was found. Empty if something was."""
        if answer.missing is None:
            return ""
        stuck = ", ".join(answer.stuck)
        also = self._words["stuck_also"].format(stuck=stuck) if stuck else ""
        return self._words[answer.missing].format(
            goal=answer.wanted_outcome.text, most=most, tried=answer.tried, stuck=stuck, stuck_also=also
        )

    def alternatives(self, found: list[Alternative]) -> Iterator[str]:
        """The outcome of each change, stage by stage."""
        by_changes: dict[ChangeSet, list[str]] = {}
        for item in found:
            by_changes.setdefault(item.counterfactual.changes, []).append(self.outcome(item))
        if by_changes:
            yield self._words["alternatives"]
        for changes, outcomes in by_changes.items():
            yield f"  {self._alternative(changes, outcomes)}"

    def alternative(self, item: Alternative) -> str:
        return self._alternative(item.counterfactual.changes, [self.outcome(item)])

    def _alternative(self, changes: ChangeSet, outcomes: list[str]) -> str:
        return self._words["alternative"].format(changes=self.changes(changes), outcomes=", ".join(outcomes))

    def standing(self, found: RuleStanding) -> Iterator[str]:
        words = self._words
        yield f"{words['rule'].format(rule=place(found.reference))}: {words[found.standing]}"
        if found.standing is Standing.NOT_IN_FORCE:
            period = found.rule.enabled_from, found.rule.until
            start, end = (local_time(edge, self._zone) if edge else words["open"] for edge in period)
            yield f"  {words['in_force'].format(start=start, end=end)}"
        for asked in found.conditions:
            holds = {True: "holds", False: "fails", None: "error"}[asked.holds]
            now = self._now(asked.now) if asked.now is not None else ""
            yield f"  {words[holds]}: {self.condition(asked.condition)}{now}"
        yield from (f"  {words['outranked_by']}: {place(rule)} {rule.because}" for rule in found.outranked_by)

    def changes(self, changes: ChangeSet) -> str:
        return self._words["and"].join(self.change(change) for change in changes)

    def change(self, change: Change) -> str:
        now = self._before(change)
        return self._words[change.kind].format(
            field=change.field, to=show(change.value), now=now, lexicon=change.lexicon, example=change.example
        )

    def condition(self, condition: Condition) -> str:
        words = self._words
        match condition:
            case Atom(field, op, operands):
                return words[op].format(field=field, values=", ".join(str(o) for o in operands))
            case Not(child):
                return words["not"].format(condition=self.condition(child))
            case All(children):
                return words["all"].join(self._nested(c) for c in children) or words["always"]
            case AnyOf(children):
                return words["any"].join(self._nested(c) for c in children)

    def outcome(self, item: Alternative) -> str:
        """The outcome as text, such as `priority=P0`."""
        return f"{item.name}={show(item.counterfactual.outcome.get(item.name)) or self._words['none']}"

    def is_personal(self, name: str) -> bool:
        known = self._fields.get(name.removeprefix(OVERRIDE_PREFIX))
        return known is None or known.personal

    def _nested(self, condition: Condition) -> str:
        inner = self.condition(condition)
        return f"({inner})" if isinstance(condition, (All, AnyOf)) else inner

    def _before(self, change: Change) -> str:
        if self.is_personal(change.field):
            return ""
        value = current(self.situation, change)
        return self._now(value)

    def _now(self, value: Value) -> str:
        if value is None:
            return self._words["missing_now"]
        return self._words["now"].format(value=show(value))

    def _because(self, found: Counterfactual) -> Iterator[str]:
        for rule in found.decided_by:
            yield f"  {self._words['decided_by']}: {place(rule)} {rule.because}"
        through = self.through(found)
        if through:
            shown = ", ".join(f"{n}: {self._show(a)} -> {self._show(b)}" for n, (a, b) in through.items())
            yield f"  {self._words['through']}: {shown}"

    def through(self, found: Counterfactual) -> dict[str, tuple[Value, Value]]:
        """The derived facts that change, too. Personal ones and those that nearly always change are left out."""
        fields = self._fields
        return {
            name: pair
            for name, pair in found.through.items()
            if name not in UNTOLD and not (name in fields and fields[name].personal)
        }

    def _show(self, value: Value) -> str:
        return self._words["none"] if value in (None, []) else show(value)


def current(situation: Situation, change: Change) -> Value:
    """The present value of the fact, or its default. None if it is missing. Not for personal fields."""
    if change.field in situation.compiled.rulebook.vocabulary:
        return situation.record.value(change.field)
    return situation.given.get(change.field)


def place(reference: RuleReference) -> str:
    return f"{reference.id} [{reference.file}:{reference.line}]" if reference.file else reference.id


def show(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
