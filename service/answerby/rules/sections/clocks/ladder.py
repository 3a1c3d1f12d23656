"""`ladders:` to escalation ladders."""

from __future__ import annotations

import re
from typing import NamedTuple

from answerby.domain.clock import TargetUnit
from answerby.domain.ladder import (
    Ladder,
    Offsets,
    OnAcknowledgement,
    OnRuleChange,
    QuietHours,
    QuietThen,
    Reassignment,
    Rounds,
    Step,
)
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.notifications import read_notifications
from answerby.rules.sections.values.durations import parse_duration, read_seconds
from answerby.rules.sections.values.suggestions import duration_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode

LADDER_KEYS = (
    "id",
    "because",
    "offsets",
    "steps",
    "quiet_hours",
    "on_acknowledgement",
    "acknowledgement_lasts",
    "climb_again",
    "on_rule_change",
    "description",
)
LADDER_CHOICES = {
    "offsets": tuple(Offsets),
    "on_acknowledgement": tuple(OnAcknowledgement),
    "on_rule_change": tuple(OnRuleChange),
}
QUIET_KEYS = ("calendar", "then")
QUIET_THEN = tuple(QuietThen)
AGAIN_KEYS = ("from_step", "every", "at_most")
REPEAT_KEYS = ("every", "at_most")
REASSIGN_KEYS = ("department", "role")
_PERCENT = re.compile(r"([0-9]{1,3})%\Z")
_OFFSET_SIGNS = {"+": 1, "-": -1}
_EXAMPLES = "write 75% (of the target), -30m (before due), 0m (at due), +1h or +2bd (after)"
MAX_REPEATS = 1_000


def compile_ladders(scope: NameScope, sections: list[Node]) -> dict[str, Ladder]:
    found: dict[str, Ladder] = {}
    for section in sections:
        for node in scope.reader.sequence(section, "ladders"):
            mapping = scope.reader.mapping(node, "ladder")
            ladder = _ladder(scope, mapping) if mapping else None
            if ladder is not None:
                found[ladder.id] = ladder
    return dict(sorted(found.items()))


def _ladder(scope: NameScope, node: MappingNode) -> Ladder | None:
    keys = MappingKeys(scope.reader, node, "ladder", LADDER_KEYS)
    id_node, steps = keys.require("id"), keys.require("steps")
    name = None if id_node is None else scope.reader.identifier(id_node, "ladder id")
    if id_node is None or name is None or not scope.declare(NameKind.LADDER, name, id_node):
        return None
    because = keys.because()
    items = () if steps is None else scope.reader.sequence(steps, "steps")
    steps_found: list[Step] = []
    for item in items:
        mapping = scope.reader.mapping(item, "step")
        step = _step(scope, mapping) if mapping else None
        if step is not None:
            steps_found.append(step)
            scope.step_places.setdefault(name, []).append(item.place)
    chosen = {key: choice for key in LADDER_CHOICES if (choice := _choice(scope, keys, key)) is not None}
    lasts = keys.get("acknowledgement_lasts")
    return Ladder(
        name,
        tuple(steps_found),
        because,
        offsets=Offsets(chosen.get("offsets", Offsets.WALL_TIME)),
        quiet_hours=_quiet_hours(scope, keys),
        on_acknowledgement=OnAcknowledgement(chosen.get("on_acknowledgement", OnAcknowledgement.STOP_REPEATS)),
        acknowledgement_lasts=(lasts and read_seconds(scope.report, lasts, "acknowledgement_lasts")) or 0,
        rounds=_rounds(scope, keys, len(items)),
        on_rule_change=OnRuleChange(chosen.get("on_rule_change", OnRuleChange.KEEP)),
    )


def _choice(scope: NameScope, keys: MappingKeys, key: str) -> str | None:
    node = keys.get(key)
    return None if node is None else scope.reader.choice(node, key, LADDER_CHOICES[key])


def _quiet_hours(scope: NameScope, keys: MappingKeys) -> QuietHours | None:
    node = keys.mapping("quiet_hours")
    if node is None:
        return None
    quiet = MappingKeys(scope.reader, node, "quiet_hours", QUIET_KEYS)
    calendar_node, then_node = quiet.require("calendar"), quiet.require("then")
    calendar = None if calendar_node is None else scope.refer(NameKind.CALENDAR, calendar_node)
    then = None if then_node is None else scope.reader.choice(then_node, "then", QUIET_THEN)
    return QuietHours(calendar, QuietThen(then)) if calendar is not None and then is not None else None


def _rounds(scope: NameScope, keys: MappingKeys, steps: int) -> Rounds | None:
    node = keys.mapping("climb_again")
    if node is None:
        return None
    again = MappingKeys(scope.reader, node, "climb_again", AGAIN_KEYS)
    from_step = again.integer("from_step", 1, 1, max(steps, 1))
    every, at_most = again.require("every"), again.require("at_most")
    seconds = None if every is None else read_seconds(scope.report, every, "every")
    times = None if at_most is None else scope.reader.integer(at_most, "at_most", 1, MAX_REPEATS)
    return Rounds(from_step - 1, seconds, times) if seconds and times else None


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


def _step(scope: NameScope, node: MappingNode) -> Step | None:
    keys = MappingKeys(scope.reader, node, "step", STEP_KEYS)
    at, notify, case = keys.require("at"), keys.get("notify"), keys.get("open_case")
    moment = None if at is None else _moment(scope, at)
    every, at_most = _repeat(scope, keys)
    acts = any(keys.get(key) is not None for key in ("notify", "open_case", "reassign"))
    if not acts and not keys.boolean("raise_priority"):
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
    )
    return step if moment else None


class _Moment(NamedTuple):
    """One of: seconds from due, percent of the target, working days from due."""

    seconds: int | None = None
    percent: int | None = None
    days: int | None = None


def _moment(scope: NameScope, node: Node) -> _Moment | None:
    text = node.text if isinstance(node, ScalarNode) else ""
    percent = _PERCENT.match(text)
    if percent and 0 < int(percent[1]) <= 100:
        return _Moment(percent=int(percent[1]))
    sign = _OFFSET_SIGNS.get(text[:1])
    duration = parse_duration(text[1:] if sign else text)
    if duration is None or (sign is None and duration.amount):
        scope.report.add(Code.INVALID_DURATION, node, f'"{text[:40]}" is not a moment of a clock', _moment_hint(text))
        return None
    amount = (sign or 1) * duration.amount
    return _Moment(days=amount) if duration.unit is TargetUnit.WORKING_DAYS else _Moment(seconds=amount)


def _moment_hint(text: str) -> str:
    number = text.strip("+-% ")
    if number.isdecimal() and text[:1] not in _OFFSET_SIGNS:
        if text.endswith("%"):
            return "a clock is due at 100%; write +30m for what comes after" if int(number) else "write at least 1%"
        return f"say the unit and the side: -{number}m (before due) or +{number}m (after), or {number}% of the target"
    if number.isdecimal():
        return f"say the unit: {text}m or {text}h"
    meant = text.lstrip("+-") if parse_duration(text.lstrip("+-")) else duration_suggestion(text.lstrip("+- "))
    if not meant or " " in meant:
        return _EXAMPLES
    if text[:1] in _OFFSET_SIGNS:
        return f"did you mean {text[0]}{meant}?"
    return f"say the side: -{meant} (before due) or +{meant} (after)"


def _repeat(scope: NameScope, keys: MappingKeys) -> tuple[int, int]:
    """(wall seconds between repetitions, how many at most); zeros without `repeat`."""
    node = keys.mapping("repeat")
    if node is None:
        return 0, 0
    repeat = MappingKeys(scope.reader, node, "repeat", REPEAT_KEYS)
    every, at_most = repeat.require("every"), repeat.require("at_most")
    seconds = None if every is None else read_seconds(scope.report, every, "every")
    times = None if at_most is None else scope.reader.integer(at_most, "at_most", 1, MAX_REPEATS)
    return seconds or 0, times or 0
