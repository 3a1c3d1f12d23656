"""Checks for declared names without a use. They run only without errors, as a broken file may hold the use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from answerby.domain.clock_definition import ClockDefinition
from answerby.rules.model.rulebook import Stage
from answerby.rules.model.vocabulary import Field
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.text.diagnostic_codes import Code

_BY_REFERENCE: Mapping[NameKind, tuple[Code, str]] = {
    NameKind.LEXICON: (Code.UNUSED_LEXICON, "no condition mentions it, and no lexicon takes it in"),
    NameKind.CALENDAR: (Code.UNUSED_CALENDAR, "no clock, target or condition names it"),
    NameKind.LADDER: (Code.UNUSED_LADDER, "no clock climbs it and no rule names it"),
    NameKind.TEMPLATE: (Code.UNUSED_TEMPLATE, "no notification, task or rule names it"),
    NameKind.ROLE: (Code.UNUSED_ROLE, "nobody tells it anything, and no clock or rule names it"),
}
_BY_ANSWERBY = frozenset({"complete", "missing", "missing_count"})
"""Facts of stage completeness that answerby itself sets."""
_REMEDY = "remove it, or use it"


def check_unused_names(scope: NameScope, stages: Iterable[Stage], clocks: Mapping[str, ClockDefinition]) -> None:
    """Warns of unused names, of clocks without a target, and of fields that no rule sets or reads."""
    for kind, (code, reason) in _BY_REFERENCE.items():
        for name in scope.unused(kind):
            scope.report.add(code, scope.place_of(kind, name), f"the {kind} {name} is not used: {reason}", _REMEDY)
    outputs = {name for stage in stages for name in _outputs(stage)}
    for name in clocks:
        if TARGET_PREFIX + name not in outputs:
            message = f"the clock {name} never starts: no rule of stage sla gives it a target"
            hint = f"add a rule with `{TARGET_PREFIX}{name}: ...`, or remove the clock"
            scope.report.add(Code.UNUSED_CLOCK, scope.place_of(NameKind.CLOCK, name), message, hint)
    for field in scope.fields.values():
        _check_field(scope, field, outputs)


def _outputs(stage: Stage) -> set[str]:
    names = {name for rule in stage.rules for name in rule.then}
    names |= {name for score in stage.scores for name in score.outputs}
    return names | set(stage.default) | set(stage.on_error)


def _check_field(scope: NameScope, field: Field, outputs: set[str]) -> None:
    place = scope.place_of(NameKind.FIELD, field.name)
    if not place.line:
        return
    if field.derived_by:
        if field.name not in outputs | _BY_ANSWERBY:
            message = f"{field.name} is derived by {' and '.join(field.derived_by)}, but no rule there sets it"
            hint = "add a rule that sets it, or remove the field"
            scope.report.add(Code.NEVER_SET, place, message, hint)
    # A personal field is declared to keep it out of logs. The declaration is useful even when no rule reads the field.
    elif scope.is_unused(NameKind.FIELD, field.name) and not field.personal:
        scope.report.add(Code.UNUSED_FIELD, place, f"no rule reads {field.name}", "remove it if nobody looks at it")
