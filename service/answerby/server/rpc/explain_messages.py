"""Explanations of other possible outcomes, as messages and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from answerby.domain.decision import Decision, RuleReference
from answerby.domain.event import Value
from answerby.engine.explanation.decision_text import explain_text
from answerby.server.rpc.decision_messages import decision_to
from answerby.server.rpc.values import put_values
from answerby.workbench.counterfactual.changes import Change, ChangeKind
from answerby.workbench.counterfactual.inquiry import Findings
from answerby.workbench.counterfactual.nearest import Alternative
from answerby.workbench.counterfactual.rule_standing import RuleStanding, Standing
from answerby.workbench.counterfactual.search import Answer, Counterfactual, Missing
from answerby.workbench.counterfactual.wording import Wording, current

KINDS = {
    ChangeKind.SET: pb.CHANGE_KIND_SET,
    ChangeKind.GIVE: pb.CHANGE_KIND_GIVE,
    ChangeKind.CLEAR: pb.CHANGE_KIND_CLEAR,
    ChangeKind.MENTION: pb.CHANGE_KIND_MENTION,
    ChangeKind.UNMENTION: pb.CHANGE_KIND_UNMENTION,
}
REASONS = {
    Missing.NO_RULE: pb.MISSING_REASON_NO_RULE,
    Missing.SHADOW: pb.MISSING_REASON_NOT_LIVE,
    Missing.RAISED: pb.MISSING_REASON_RAISED,
    Missing.FIXED: pb.MISSING_REASON_FIXED,
    Missing.TOO_MANY: pb.MISSING_REASON_TOO_MANY,
    Missing.BUDGET: pb.MISSING_REASON_BUDGET,
}
STANDINGS = {
    Standing.WON: pb.STANDING_WON,
    Standing.OUTRANKED: pb.STANDING_OUTRANKED,
    Standing.NOT_MATCHED: pb.STANDING_NOT_MATCHED,
    Standing.NOT_EVALUATED: pb.STANDING_NOT_EVALUATED,
    Standing.NOT_IN_FORCE: pb.STANDING_NOT_IN_FORCE,
    Standing.SHADOW: pb.STANDING_SHADOW,
}
TRUTHS = {True: pb.CONDITION_TRUTH_HOLDS, False: pb.CONDITION_TRUTH_FAILS, None: pb.CONDITION_TRUTH_ERROR}
NOT_REPRODUCED = {
    "en": "The rules have changed since. What follows is of the decision as revision {revision} would make it: {facts}",
    "zh": "此后规则已变更。以下针对规则版本 {revision} 会作出的决定：{facts}",
}


def explained(
    decision: Decision,
    language: str,
    now: datetime,
    findings: Findings | None = None,
    *,
    same: bool = True,
    most: int = 0,
    zone: tzinfo = UTC,
) -> pb.ExplainResponse:
    """The reply to Explain, with optional `findings`. `same`: the findings fit the decision as stored."""
    response = pb.ExplainResponse(decision=decision_to(decision, now), text=explain_text(decision, language, zone))
    if findings is None:
        return response
    wording = Wording(findings.situation, language, zone)
    response.evaluated_revision = findings.situation.base.revision
    response.reproduced = same
    lines = [response.text]
    if not same:
        facts = ", ".join(f"{name}={value}" for name, value in single_values(findings.situation.base))
        lines.append(NOT_REPRODUCED[language].format(revision=response.evaluated_revision, facts=facts))
    for answer, standing in findings.answers:
        message = _answer(wording, answer, standing, most)
        response.counterfactuals.append(message)
        lines.append(message.text)
    response.alternatives.extend(_alternative(wording, item) for item in findings.alternatives)
    response.text = "\n".join([*lines, *wording.alternatives(findings.alternatives)])
    return response


def single_values(decision: Decision) -> Iterator[tuple[str, Value]]:
    return ((name, value) for name, value in decision.facts.items() if isinstance(value, str))


def _answer(wording: Wording, answer: Answer, standing: RuleStanding | None, most: int) -> pb.Counterfactual:
    message = pb.Counterfactual(goal=answer.wanted_outcome.text, already=answer.already, decisions_tried=answer.tried)
    lines = list(wording.standing(standing)) if standing is not None else []
    message.text = "\n".join([*lines, *wording.answer(answer, most)])
    if standing is not None:
        message.rule.CopyFrom(_standing(wording, standing))
    if answer.missing is not None:
        message.missing = REASONS[answer.missing]
        message.stuck.extend(answer.stuck)
    if answer.found is not None:
        _fill(wording, message, answer.found)
    return message


def _alternative(wording: Wording, item: Alternative) -> pb.Counterfactual:
    message = pb.Counterfactual(stage=item.stage, text=wording.alternative(item), goal=wording.outcome(item))
    _fill(wording, message, item.counterfactual)
    return message


def _fill(wording: Wording, message: pb.Counterfactual, found: Counterfactual) -> None:
    message.verified = True
    message.changes.extend(_change(wording, change) for change in found.changes)
    put_values(message.outcome, {name: value for name, value in found.outcome.items() if value is not None})
    message.decided_by.extend(_reference(rule) for rule in found.decided_by)
    for name, (before, after) in wording.through(found).items():
        derived = message.through.add(field=name)
        _put(getattr(derived, "from"), before)
        _put(derived.to, after)


def _change(wording: Wording, change: Change) -> pb.FactChange:
    message = pb.FactChange(field=change.field, kind=KINDS[change.kind], lexicon=change.lexicon, example=change.example)
    if not wording.is_personal(change.field):
        _put(getattr(message, "from"), current(wording.situation, change))
    if change.kind is ChangeKind.SET:
        _put(message.to, change.value)
    return message


def _standing(wording: Wording, found: RuleStanding) -> pb.RuleStanding:
    message = pb.RuleStanding(rule=_reference(found.reference), standing=STANDINGS[found.standing])
    for asked in found.conditions:
        condition = message.conditions.add(text=wording.condition(asked.condition), truth=TRUTHS[asked.holds])
        _put(condition.now, asked.now)
    message.outranked_by.extend(_reference(rule) for rule in found.outranked_by)
    return message


def _reference(rule: RuleReference) -> resources_pb2.RuleReference:
    message = resources_pb2.RuleReference(
        id=rule.id, file=rule.file, line=rule.line, because=rule.because, clock=rule.clock
    )
    put_values(message.outputs, rule.outputs)
    return message


def _put(slot: resources_pb2.FactValue, value: Value) -> None:
    """Fills a value. An unset value stays unset."""
    if value is not None:
        put_values(_One(slot), {"": value})


class _One(dict[str, resources_pb2.FactValue]):
    """One message in the form of the map that `put_values` fills."""

    def __init__(self, slot: resources_pb2.FactValue) -> None:
        super().__init__({"": slot})
