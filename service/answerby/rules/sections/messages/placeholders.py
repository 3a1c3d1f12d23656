"""Checks of the placeholders in message templates. Each use of a template fills in a fixed set of names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.ladder import Ladder, Notification
from answerby.domain.message_words import FORMAT_MARK, INSTANT_FORMATS, INSTANTS, SPAN_FORMATS, SPANS
from answerby.domain.schedule import Audience, Schedule
from answerby.rules.model.rulebook import Rulebook, Stage
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.messages.templates import Placeholder
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node

EVERYWHERE = frozenset({"number", "role", "status", "missing"})
"""Names that every use fills in, besides all facts that rules derive."""


class TemplateUse(StrEnum):
    """The use of a template. The names of each use must agree with answerby.engine.effects.derive."""

    RULE = "notify of a rule"
    STEP = "a ladder step"
    TASK = "a task"
    REPLY = "a message to a finished request"
    REMINDER = "a schedule for requests"
    DIGEST = "a schedule for many requests"


NAMES_BY_USE = {
    TemplateUse.RULE: frozenset({"because"}),
    TemplateUse.STEP: frozenset({"clock", "due", "fired", "late_by", "delay_seconds", "step", "repeat"}),
    TemplateUse.TASK: frozenset({"clock", "due"}),
    TemplateUse.REPLY: frozenset({"replied", "new_request"}),
    TemplateUse.REMINDER: frozenset({"clock", "due", "schedule", "date", "late_by", "delay_seconds"}),
    TemplateUse.DIGEST: frozenset(
        {
            *(
                "role",
                "department",
                "schedule",
                "date",
                "moved_from",
                "delay_seconds",
                "missed",
                "missed_dates",
                "by",
                "month",
            ),
            *("open", "late", "due_next_day", "on_hold", "blocked", "oldest", "oldest_days", "most_urgent"),
        }
    ),
}
CLOCK_LABEL = "clock."
"""Prefix of the label of a clock in a ladder step: `clock.<language>`."""


def check_placeholders(scope: NameScope, placeholders: Iterable[Placeholder], rulebook: Rulebook) -> None:
    """Warns of each placeholder that some use of its template does not fill in. People would read the braces."""
    uses: dict[str, set[TemplateUse]] = {}
    for template, use in _uses(rulebook):
        uses.setdefault(template, set()).add(use)
    names = {use: _names(scope, rulebook.clocks, use) for use in TemplateUse}
    for template, name, node, shape in placeholders:
        if shape:
            _check_shape(scope, node, name, shape)
        template_uses = uses.get(template, set(TemplateUse))
        gaps = sorted(use for use in template_uses if name not in names[use])
        if template not in uses and len(gaps) < len(TemplateUse):
            continue
        if gaps and not scope.report.may_have_lost("fields"):
            _warn(scope, node, name, gaps, set().union(*(names[use] for use in template_uses)))


def _check_shape(scope: NameScope, node: Node, name: str, shape: str) -> None:
    field = scope.fields.get(name)
    if name in INSTANTS or (field is not None and field.type is FieldType.INSTANT):
        forms: tuple[str, ...] = INSTANT_FORMATS
    else:
        forms = SPAN_FORMATS if name in SPANS else ()
    if shape in forms:
        return
    message = f"{{{name}{FORMAT_MARK}{shape}}} asks for a form that {name} does not have"
    hint = "only times have forms; write {" + name + "}"
    if forms:
        hint = f"write {' or '.join('{' + name + FORMAT_MARK + form + '}' for form in forms)}, or {{{name}}}"
    scope.report.add(Code.UNKNOWN_FORMAT, node, message, hint)


def _warn(scope: NameScope, node: Node, name: str, gaps: list[TemplateUse], known: set[str]) -> None:
    where = "a decision" if len(gaps) == len(TemplateUse) else " or ".join(gaps)
    message = f"nothing fills in {{{name}}} in {where}"
    example = "{open}" if gaps == [TemplateUse.DIGEST] else "{number}"
    hint = scope.report.suggest(name, known - {name}) or f"use a name that is filled in there, such as {example}"
    if name in scope.fields and not scope.fields[name].derived_by:
        hint = f"{name} is given by events; messages carry only what rules derive"
    scope.report.add(Code.UNKNOWN_PLACEHOLDER, node, message, hint)


def _names(scope: NameScope, clocks: Mapping[str, ClockDefinition], use: TemplateUse) -> set[str]:
    if use is TemplateUse.DIGEST:
        return set(NAMES_BY_USE[use])
    derived = {name for name, field in scope.fields.items() if field.derived_by}
    names = derived | EVERYWHERE | NAMES_BY_USE[use]
    if use is TemplateUse.STEP:
        names |= {CLOCK_LABEL + language for clock in clocks.values() for language in clock.label if language}
    return names


def _uses(rulebook: Rulebook) -> Iterator[tuple[str, TemplateUse]]:
    """Every use of a template, with the id of the template."""
    yield from _in_rules(rulebook.stages)
    yield from _in_steps(rulebook.ladders)
    yield from ((notification.template, TemplateUse.REPLY) for notification in rulebook.replies.notify)
    yield from _in_tasks(rulebook.clocks)
    yield from _in_schedules(rulebook.schedules)


def _in_rules(stages: Iterable[Stage]) -> Iterator[tuple[str, TemplateUse]]:
    for stage in stages:
        for rule in stage.rules:
            for notification in _notifications(rule.then.get("notify")):
                yield notification.template, TemplateUse.RULE


def _notifications(value: object) -> Iterator[Notification]:
    if isinstance(value, tuple):
        yield from (item for item in value if isinstance(item, Notification))


def _in_steps(ladders: Mapping[str, Ladder]) -> Iterator[tuple[str, TemplateUse]]:
    for ladder in ladders.values():
        for step in ladder.steps:
            yield from ((notification.template, TemplateUse.STEP) for notification in step.notify)


def _in_tasks(clocks: Mapping[str, ClockDefinition]) -> Iterator[tuple[str, TemplateUse]]:
    yield from ((clock.task, TemplateUse.TASK) for clock in clocks.values() if clock.task)


def _in_schedules(schedules: Mapping[str, Schedule]) -> Iterator[tuple[str, TemplateUse]]:
    for schedule in schedules.values():
        use = TemplateUse.REMINDER if schedule.audience is Audience.REQUEST else TemplateUse.DIGEST
        yield from ((notification.template, use) for notification in schedule.notify)
        if schedule.task is not None:
            yield schedule.task.template, use
