"""One step of a ladder."""

from __future__ import annotations

import re
from typing import NamedTuple

from answerby.domain.clock import TargetUnit
from answerby.domain.ladder import Reassignment, Step
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.notifications import read_notifications
from answerby.rules.sections.values.durations import parse_duration, read_seconds
from answerby.rules.sections.values.suggestions import duration_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode

REPEAT_KEYS = ("every", "at_most")


REASSIGN_KEYS = ("department", "role")


_PERCENT = re.compile(r"([0-9]{1,3})%\Z")


_OFFSET_SIGNS = {"+": 1, "-": -1}


_EXAMPLES = "write 75% (of the target), -30m (before due), 0m (at due), +1h or +2bd (after)"


MAX_REPEATS = 1_000


def _reassignment(scope: NameScope, keys: MappingKeys) -> Reassignment | None:
    node = keys.mapping("reassign")
    if node is None:
        return None
    to = MappingKeys(scope.reader, node, "reassign", REASSIGN_KEYS)
    department, role = to.get("department"), to.get("role")
    if department is None and role is None:
        scope.report.add(Code.MISSING_KEY, node, "reassign needs `department` or `role`", "say who takes over")
    return Reassignment(
        department=(department and scope.refer(NameKind.DEPARTMENT, department)) or "",
        role=(role and scope.refer(NameKind.ROLE, role)) or "",
    )


STEP_KEYS = ("at", "notify", "reassign", "raise_priority", "open_case", "repeat", "because")


def read_step(scope: NameScope, node: MappingNode) -> Step | None:
    """The step. None, with a diagnostic, when its moment is missing or wrong."""
    keys = MappingKeys(scope.reader, node, "step", STEP_KEYS)
    at, notify, case = keys.require("at"), keys.get("notify"), keys.get("open_case")
    moment = None if at is None else _moment(scope, at)
    every, at_most = _repeat(scope, keys)
    has_action = any(keys.get(key) is not None for key in ("notify", "open_case", "reassign"))
    if not has_action and not keys.boolean("raise_priority"):
        hint = "add notify, reassign, open_case or raise_priority"
        scope.report.add(Code.MISSING_KEY, node, "the step does nothing", hint)
    step = Step(
        offset_seconds=moment.seconds if moment else None,
        offset_days=moment.days if moment else None,
        percent=moment.percent if moment else None,
        notify=() if notify is None else read_notifications(scope, notify),
        raise_priority=keys.boolean("raise_priority"),
        open_case=(case and scope.reader.identifier(case, "case")) or "",
        repeat_every_seconds=every,
        repeat_at_most=at_most,
        reassign=_reassignment(scope, keys),
        line=node.place.line,
    )
    return step if moment else None


class StepMoment(NamedTuple):
    """The moment of a step: wall seconds from due, percent of the target, or working days from due. One is set."""

    seconds: int | None = None
    percent: int | None = None
    days: int | None = None


def _moment(scope: NameScope, node: Node) -> StepMoment | None:
    text = node.text if isinstance(node, ScalarNode) else ""
    percent = _PERCENT.match(text)
    if percent and 0 < int(percent[1]) <= 100:
        return StepMoment(percent=int(percent[1]))
    sign = _OFFSET_SIGNS.get(text[:1])
    duration = parse_duration(text[1:] if sign else text)
    if duration is None or (sign is None and duration.amount):
        scope.report.add(Code.INVALID_DURATION, node, f'"{text[:40]}" is not a moment of a clock', _moment_hint(text))
        return None
    amount = (sign or 1) * duration.amount
    return StepMoment(days=amount) if duration.unit is TargetUnit.WORKING_DAYS else StepMoment(seconds=amount)


def _moment_hint(text: str) -> str:
    number = text.strip("+-% ")
    if number.isdecimal() and text[:1] not in _OFFSET_SIGNS:
        if text.endswith("%"):
            return "a clock is due at 100%; write +30m for what comes after" if int(number) else "write at least 1%"
        return f"say the unit and the side: -{number}m (before due) or +{number}m (after), or {number}% of the target"
    if number.isdecimal():
        return f"say the unit: {text}m or {text}h"
    suggestion = text.lstrip("+-") if parse_duration(text.lstrip("+-")) else duration_suggestion(text.lstrip("+- "))
    if not suggestion or " " in suggestion:
        return _EXAMPLES
    if text[:1] in _OFFSET_SIGNS:
        return f"did you mean {text[0]}{suggestion}?"
    return f"say the side: -{suggestion} (before due) or +{suggestion} (after)"


def _repeat(scope: NameScope, keys: MappingKeys) -> tuple[int, int]:
    """Wall seconds between repetitions, and the most repetitions. Both are 0 without `repeat`."""
    node = keys.mapping("repeat")
    if node is None:
        return 0, 0
    repeat = MappingKeys(scope.reader, node, "repeat", REPEAT_KEYS)
    every, at_most = repeat.require("every"), repeat.require("at_most")
    seconds = None if every is None else read_seconds(scope.report, every, "every")
    times = None if at_most is None else scope.reader.integer(at_most, "at_most", 1, MAX_REPEATS)
    return seconds or 0, times or 0
