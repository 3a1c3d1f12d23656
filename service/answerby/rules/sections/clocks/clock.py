"""`clocks:` to clock definitions."""

from __future__ import annotations

from types import MappingProxyType

from answerby.domain.clock_definition import (
    AfterCompletion,
    ClockDefinition,
    Occasion,
    RaiseRetargets,
    Recurrence,
    Reopen,
    RetargetFrom,
)
from answerby.domain.ladder import OnRuleChange
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.clocks.clock_kinds import KINDS, PLAIN
from answerby.rules.sections.clocks.triggers import read_occasions, read_statuses
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode

OCCASION_KEYS = ("start", "stop", "pause", "resume", "cancel", "reset")
CLOCK_CHOICES = {
    "boundary": ("close", "next_open"),
    "granularity": ("second", "minute"),
    "retarget_from": tuple(RetargetFrom),
    "raise_retargets": tuple(RaiseRetargets),
    "reopen": tuple(Reopen),
    "after_completion": tuple(AfterCompletion),
    "on_rule_change": tuple(OnRuleChange),
    "recurrence": tuple(Recurrence),
    "paused_time": ("excluded", "counted"),
}
"""The settings of a clock on which ticket platforms disagree, each with its choices."""
CLOCK_KEYS = (
    "id",
    "kind",
    "label",
    "because",
    "task",
    "calendar",
    *OCCASION_KEYS,
    "pause_while",
    *CLOCK_CHOICES,
    "per",
    "ladder",
    "role",
    "description",
)
PER_TYPES = frozenset({FieldType.ENUM, FieldType.SET, FieldType.STRING})


def compile_clocks(scope: NameScope, sections: list[Node]) -> dict[str, ClockDefinition]:
    """The clock definitions of all `clocks:` sections, by id."""
    found: dict[str, ClockDefinition] = {}
    for section in sections:
        for node in scope.reader.sequence(section, "clocks"):
            mapping = scope.reader.mapping(node, "clock")
            clock = _clock(scope, mapping) if mapping else None
            if clock is not None:
                found[clock.id] = clock
    return dict(sorted(found.items()))


def _clock(scope: NameScope, node: MappingNode) -> ClockDefinition | None:
    keys = MappingKeys(scope.reader, node, "clock", CLOCK_KEYS)
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "clock id")
    if id_node is None or name is None or not scope.declare(NameKind.CLOCK, name, id_node):
        return None
    preset = KINDS.get(_choice(scope, keys, "kind", tuple(KINDS)) or "", PLAIN)
    conditions = ConditionCompiler(scope, lambda _name, _node: None)
    occasions: dict[str, tuple[Occasion, ...]] = {}
    for key in OCCASION_KEYS:
        found = read_occasions(scope, conditions, keys, key)
        occasions[key] = found if found is not None else getattr(preset, key)
    statuses = read_statuses(scope, keys, "pause_while")
    _check_pauses(scope, keys, occasions)
    choices = {key: choice for key in CLOCK_CHOICES if (choice := _choice(scope, keys, key)) is not None}
    return ClockDefinition(
        id=name,
        kind=preset.kind,
        label=MappingProxyType(_label(scope, keys)),
        calendar=_reference(scope, keys, "calendar", NameKind.CALENDAR) or "always",
        start=occasions["start"],
        stop=occasions["stop"],
        pause=occasions["pause"],
        resume=occasions["resume"],
        cancel=occasions["cancel"],
        reset=occasions["reset"],
        pause_while=preset.pause_while if statuses is None else statuses,
        ladder=_reference(scope, keys, "ladder", NameKind.LADDER),
        role=_reference(scope, keys, "role", NameKind.ROLE),
        because=keys.because(),
        task=_reference(scope, keys, "task", NameKind.TEMPLATE),
        per=_per(scope, keys, preset.per),
        boundary="next_open" if choices.get("boundary") == "next_open" else "close",
        granularity="minute" if choices.get("granularity") == "minute" else "second",
        paused_time="counted" if choices.get("paused_time") == "counted" else "excluded",
        retarget_from=RetargetFrom(choices.get("retarget_from", preset.retarget_from)),
        raise_retargets=RaiseRetargets(choices.get("raise_retargets", preset.raise_retargets)),
        reopen=Reopen(choices.get("reopen", preset.reopen)),
        after_completion=AfterCompletion(choices.get("after_completion", preset.after_completion)),
        on_rule_change=OnRuleChange(choices.get("on_rule_change", preset.on_rule_change)),
        recurrence=Recurrence(choices.get("recurrence", preset.recurrence)),
    )


def _choice(scope: NameScope, keys: MappingKeys, key: str, known: tuple[str, ...] = ()) -> str | None:
    node = keys.get(key)
    return None if node is None else scope.reader.choice(node, key, known or CLOCK_CHOICES[key])


def _check_pauses(scope: NameScope, keys: MappingKeys, occasions: dict[str, tuple[Occasion, ...]]) -> None:
    """Checks that a pause can end. An event is over at once, so a pause by event needs `resume`."""
    pause, resume = keys.get("pause"), keys.get("resume")
    if resume is not None and not occasions["pause"]:
        hint = "add `pause`, or remove `resume`; a pause by status ends with the status"
        scope.report.add(Code.WRONG_VALUE, resume, "`resume` without `pause` resumes nothing", hint)
    by_event = [occasion for occasion in occasions["pause"] if isinstance(occasion, str) or occasion.events]
    if pause is not None and by_event and not occasions["resume"]:
        message = "an event pauses the clock and nothing resumes it"
        scope.report.add(Code.NEVER_RESUMES, pause, message, "add `resume`, or pause by `pause_while` or `when`")


def _per(scope: NameScope, keys: MappingKeys, preset: str) -> str:
    node = keys.get("per")
    if node is None:
        if preset:
            scope.knows(NameKind.FIELD, preset, keys.node)
        return preset
    name = scope.refer(NameKind.FIELD, node) or ""
    field = scope.fields.get(name)
    if field is not None and field.type not in PER_TYPES:
        message = f"a clock cannot run per {name}, which is of type {field.type}"
        scope.report.add(Code.WRONG_VALUE, node, message, "name an enum, a set or a string")
    elif field is not None and field.personal:
        message = f"{name} is personal, and the names of clocks per {name} would show its values"
        scope.report.add(Code.PERSONAL_FIELD, node, message, "use a field that may be shown")
    return name


def _reference(scope: NameScope, keys: MappingKeys, key: str, kind: NameKind) -> str:
    node = keys.get(key)
    return "" if node is None else scope.refer(kind, node) or ""


def _label(scope: NameScope, keys: MappingKeys) -> dict[str, str]:
    """The labels by language. A plain text is the label in every language, under the empty language."""
    node = keys.get("label")
    if isinstance(node, ScalarNode):
        return {"": scope.reader.nonempty_text(node, "label") or ""}
    return {key.text: scope.reader.nonempty_text(value, "label") or "" for key, value in keys.items("label")}
