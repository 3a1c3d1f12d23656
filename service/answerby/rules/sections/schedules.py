"""`schedules:` to schedules."""

from __future__ import annotations

import re
from collections.abc import Mapping

from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.condition import ALWAYS, Condition
from answerby.domain.ladder import Notification
from answerby.domain.schedule import LAST_DAY, MOST_LISTED, Audience, Every, OnHoliday, Schedule, ScheduledTask
from answerby.rules.model.rulebook import OWNER
from answerby.rules.sections.calendars.calendar_days import DAYS
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.sections.stages.notifications import read_notifications
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe

SCHEDULE_KEYS = (
    "id",
    "because",
    "every",
    "at",
    "on_days",
    "day",
    "by_day",
    "calendar",
    "on_holiday",
    "for",
    "when",
    "due_today",
    "most_urgent",
    "then",
    "description",
)
THEN_KEYS = ("notify", "task", "open_case")
TASK_KEYS = ("role", "template")
DAY_KEYS: Mapping[Every, tuple[str, ...]] = {Every.DAY: (), Every.WEEK: ("on_days",), Every.MONTH: ("day", "by_day")}
"""The keys that name the day of a schedule, by frequency."""
LAST = "last"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_LOOSE_TIME = re.compile(r"([0-9]{1,2})(?:[:：.时点h]\s?([0-9]{2})?)?\s*([ap]m)?\Z", re.IGNORECASE)


def compile_schedules(
    scope: NameScope, sections: list[Node], clocks: Mapping[str, ClockDefinition]
) -> dict[str, Schedule]:
    """The schedules of all `schedules:` sections, by id."""
    found: dict[str, Schedule] = {}
    for section in sections:
        for node in scope.reader.sequence(section, "schedules"):
            mapping = scope.reader.mapping(node, "schedule")
            schedule = _schedule(scope, mapping, clocks) if mapping else None
            if schedule is not None:
                found[schedule.id] = schedule
    return dict(sorted(found.items()))


def _schedule(scope: NameScope, node: MappingNode, clocks: Mapping[str, ClockDefinition]) -> Schedule | None:
    keys = MappingKeys(scope.reader, node, "schedule", SCHEDULE_KEYS)
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "schedule id")
    if id_node is None or name is None or not scope.declare(NameKind.SCHEDULE, name, id_node):
        return None
    because = keys.because()
    every, audience = _choice(scope, keys, "every", tuple(Every)), _choice(scope, keys, "for", tuple(Audience))
    at, calendar = _time(scope, keys.require("at")), keys.require("calendar")
    zone = None if calendar is None else scope.refer(NameKind.CALENDAR, calendar)
    when, due_today = _when(scope, keys), _due_today(scope, keys, clocks)
    notify, task, case = _then(scope, keys, audience)
    weekdays, day = _days(scope, keys, every)
    on_holiday = _on_holiday(scope, keys, every)
    if every is None or audience is None or at is None or zone is None or on_holiday is None:
        return None
    return Schedule(
        id=name,
        because=because,
        every=Every(every),
        at=at,
        calendar=zone,
        on_holiday=on_holiday,
        audience=Audience(audience),
        weekdays=weekdays,
        day=day,
        when=when,
        due_today=due_today,
        notify=notify,
        task=task,
        open_case=case,
        most_urgent=keys.integer("most_urgent", 10, 1, MOST_LISTED),
    )


def _choice(scope: NameScope, keys: MappingKeys, key: str, known: tuple[str, ...]) -> str | None:
    node = keys.require(key)
    return None if node is None else scope.reader.choice(node, key, known)


def _time(scope: NameScope, node: Node | None) -> int | None:
    """The second of the day of a time `HH:MM`."""
    if node is None:
        return None
    text = node.text if isinstance(node, ScalarNode) else describe(node)
    found = _TIME.match(text) if isinstance(node, ScalarNode) else None
    if found:
        return int(found[1]) * 3600 + int(found[2]) * 60
    scope.report.add(Code.INVALID_TIME, node, f'at "{text[:40]}" is not a time of day', _time_hint(text))
    return None


def _time_hint(text: str) -> str:
    match = _LOOSE_TIME.match(text.strip())
    if match:
        hour = int(match[1]) % 12 + 12 * (match[3].lower() == "pm") if match[3] else int(match[1])
        written = f"{hour:02}:{match[2] or '00'}"
        if _TIME.match(written):
            return f'did you mean "{written}"?'
    return 'write it like "09:00", from 00:00 to 23:59'


def _days(scope: NameScope, keys: MappingKeys, every: str | None) -> tuple[tuple[int, ...], int]:
    """The weekdays (0 is Monday) of a weekly schedule, and the day of the month of a monthly one; else () and 0."""
    if every not in tuple(Every):
        return (), 0
    day_keys = DAY_KEYS[Every(every)]
    for key in ("on_days", "day", "by_day"):
        node = keys.get(key)
        if node is not None and key not in day_keys:
            which = " or ".join(f"`{name}`" for name in day_keys)
            hint = f"say the day with {which}" if day_keys else "remove it; leave days out with `on_holiday: skip`"
            scope.report.add(Code.WRONG_VALUE, node, f"every {every} and {key} do not go together", hint)
    present_keys = [key for key in day_keys if keys.get(key) is not None]
    if day_keys and len(present_keys) != 1:
        which = " or ".join(f"`{name}`" for name in day_keys)
        code = Code.WRONG_VALUE if present_keys else Code.MISSING_KEY
        scope.report.add(
            code, keys.node, f"every {every} needs {which}{', one of them' if present_keys else ''}", "say the day"
        )
        return (), 0
    if not day_keys:
        return (), 0
    node = keys.get(present_keys[0])
    assert node is not None
    if present_keys[0] == "on_days":
        return _weekdays(scope, node), 0
    if isinstance(node, ScalarNode) and node.value == LAST:
        return (), LAST_DAY
    return (), scope.reader.integer(node, present_keys[0], 1, LAST_DAY) or 0


def _weekdays(scope: NameScope, node: Node) -> tuple[int, ...]:
    items = node.items if isinstance(node, SequenceNode) and node.items else scope.reader.one_or_more(node, "on_days")
    found = (scope.reader.choice(item, "weekday", DAYS) for item in items)
    return tuple(sorted({DAYS.index(day) for day in found if day in DAYS}))


def _on_holiday(scope: NameScope, keys: MappingKeys, every: str | None) -> OnHoliday | None:
    """The reaction to a day without work. `by_day` implies the working day before."""
    node = keys.get("on_holiday")
    if keys.get("by_day") is not None:
        if node is not None:
            hint = "remove on_holiday, or write `day` in place of `by_day`"
            message = "by_day means the day or the working day before it; on_holiday cannot say otherwise"
            scope.report.add(Code.WRONG_VALUE, node, message, hint)
        return OnHoliday.PREVIOUS_WORKING_DAY
    node = keys.require("on_holiday")
    choice = None if node is None else scope.reader.choice(node, "on_holiday", tuple(OnHoliday))
    if choice not in tuple(OnHoliday):
        return None
    if node is not None and every == Every.DAY and choice.endswith("working_day"):
        message = f"a schedule of every day cannot move to the {choice.replace('_', ' ')}, which has its own"
        scope.report.add(Code.WRONG_VALUE, node, message, "write skip or same_day")
    return OnHoliday(choice)


def _when(scope: NameScope, keys: MappingKeys) -> Condition:
    node = keys.get("when")
    if node is None:
        return ALWAYS
    return ConditionCompiler(scope, lambda _name, _node: None).when(node)


def _due_today(scope: NameScope, keys: MappingKeys, clocks: Mapping[str, ClockDefinition]) -> str:
    node = keys.get("due_today")
    name = None if node is None else scope.refer(NameKind.CLOCK, node)
    if node is not None and name is not None and name in clocks and clocks[name].per:
        message = f"the clock {name} runs once for each {clocks[name].per}; a schedule looks at one clock"
        scope.report.add(Code.WRONG_VALUE, node, message, "name a clock without `per`")
    return name or ""


def _then(
    scope: NameScope, keys: MappingKeys, audience: str | None
) -> tuple[tuple[Notification, ...], ScheduledTask | None, str]:
    node = keys.require("then")
    mapping = None if node is None else scope.reader.mapping(node, "then")
    if mapping is None:
        return (), None, ""
    then = MappingKeys(scope.reader, mapping, "then of a schedule", THEN_KEYS)
    if not any(then.get(key) for key in THEN_KEYS):
        scope.report.add(Code.MISSING_KEY, mapping, "the schedule does nothing", "add notify, task or open_case")
    notify_node, case_node = then.get("notify"), then.get("open_case")
    notify = () if notify_node is None else read_notifications(scope, notify_node)
    task = _task(scope, then)
    case = None if case_node is None else scope.reader.identifier(case_node, "open_case")
    has_owner = any(OWNER in notification.roles for notification in notify) or (task is not None and task.role == OWNER)
    if has_owner and audience in (Audience.DEPARTMENT, Audience.TENANT):
        message = f"for {audience} there is no owner: its requests have many"
        scope.report.add(Code.WRONG_VALUE, mapping, message, "name a role, or write `for: request` or `for: role`")
    return notify, task, case or ""


def _task(scope: NameScope, then: MappingKeys) -> ScheduledTask | None:
    node = then.mapping("task")
    if node is None:
        return None
    keys = MappingKeys(scope.reader, node, "task", TASK_KEYS)
    role_node, template_node = keys.require("role"), keys.require("template")
    role = None if role_node is None else scope.refer(NameKind.ROLE, role_node)
    template = None if template_node is None else scope.refer(NameKind.TEMPLATE, template_node)
    return ScheduledTask(role, template) if role and template else None
