"""`complete_outputs:` of the rulebook: outputs that must not stand alone, such as a refusal without its reason.

The check covers every rule, every table row, and the defaults of every stage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from answerby.domain.clock_definition import ClockDefinition
from answerby.rules.model.rulebook import STAGES, Output
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.outputs import OutputCompiler
from answerby.rules.sections.values.field_values import read_member
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode

ANY = "any"
"""Stands for all values of an output."""
COMPLETE_KEYS = ("sets", "also", "because")


@dataclass(frozen=True, slots=True)
class CompleteOutput:
    """One requirement: a rule that sets all outputs of `sets` must also set all outputs of `also`.

    `sets` maps each output to the values that count. None stands for all values.
    """

    sets: Mapping[str, frozenset[Output] | None]
    also: tuple[str, ...]
    because: str

    def applies(self, outputs: Mapping[str, Output]) -> bool:
        """Whether the outputs include all of `sets`, each with a value that counts."""
        return all(name in outputs and _is_one_of(outputs[name], values) for name, values in self.sets.items())


class CompleteOutputs:
    """All requirements of a rulebook."""

    def __init__(self, scope: NameScope, requirements: Iterable[CompleteOutput]) -> None:
        self._report = scope.report
        self._requirements = tuple(requirements)

    def check(self, place: Node, what: str, outputs: Mapping[str, Output], written: Collection[str]) -> None:
        """Reports missing outputs. `written` names the outputs in the file, also those with a mistake of their own."""
        for requirement in self._requirements:
            missing = [name for name in requirement.also if name not in written]
            if missing and requirement.applies(outputs):
                trigger = " and ".join(f"{name}: {_show(outputs[name])}" for name in requirement.sets)
                message = f"{what} sets {trigger}, but not {', '.join(missing)}"
                reason = f", because: {requirement.because}" if requirement.because else ""
                hint = f"add {', '.join(f'`{name}: ...`' for name in missing)}{reason}"
                self._report.add(Code.INCOMPLETE_OUTPUT, place, message, hint)


def compile_complete_outputs(
    scope: NameScope, clocks: Mapping[str, ClockDefinition], items: Iterable[Node]
) -> CompleteOutputs:
    """The requirements of `complete_outputs:`. An entry with an output that no rule can set is reported."""
    found = [
        requirement
        for item in items
        if (mapping := scope.reader.mapping(item, "entry of complete_outputs"))
        and (requirement := _requirement(scope, clocks, mapping))
    ]
    return CompleteOutputs(scope, found)


def _requirement(scope: NameScope, clocks: Mapping[str, ClockDefinition], node: MappingNode) -> CompleteOutput | None:
    keys = MappingKeys(scope.reader, node, "entry of complete_outputs", COMPLETE_KEYS)
    because = keys.because()
    sets_node, also_node = keys.require("sets"), keys.require("also")
    if sets_node is None or also_node is None:
        return None
    sets_mapping = scope.reader.mapping(sets_node, "sets")
    if sets_mapping is not None and not sets_mapping.entries:
        scope.report.add(Code.EMPTY_LIST, sets_node, "sets names no output")
    sets: dict[str, frozenset[Output] | None] = {}
    stages = set(STAGES)
    for key, value in sets_mapping.entries if sets_mapping else ():
        derived = _stages_of(scope, key)
        if derived:
            stages &= derived
            sets[key.text] = _values(OutputCompiler(scope, clocks, min(derived)), scope, key.text, value)
    if not sets:
        return None
    if not stages:
        scope.report.add(Code.WRONG_VALUE, sets_node, "no stage sets all of these, so no rule can", "split the entry")
    also = _also(scope, clocks, stages, also_node)
    return CompleteOutput(sets, also, because) if also else None


def _stages_of(scope: NameScope, key: ScalarNode) -> set[str]:
    """The stages that derive the field. No stages, with a diagnostic, when no rule can set the field."""
    field = scope.fields.get(key.text)
    if field is not None and field.derived_by:
        return set(field.derived_by)
    if field is not None:
        message = f"{key.text} is given by the event, no rule sets it"
        scope.report.add(Code.OUTPUT_NOT_DERIVED, key, message, "name a field with `derived_by`")
    elif key.text not in scope.names(NameKind.FIELD) and not scope.report.may_have_lost("fields"):
        derived = (name for name, known in scope.fields.items() if known.derived_by)
        hint = scope.report.suggest(key.text, derived)
        scope.report.add(Code.UNKNOWN_OUTPUT, key, f"no field is called {key.text}", hint)
    return set()


def _values(compiler: OutputCompiler, scope: NameScope, name: str, node: Node) -> frozenset[Output] | None:
    if isinstance(node, ScalarNode) and node.value == ANY:
        return None
    field = scope.fields[name]
    if field.type in {FieldType.ENUM, FieldType.SET}:
        members = (read_member(scope, field, item) for item in scope.reader.one_or_more(node, name))
        return frozenset(member for member in members if member is not None)
    return frozenset({compiler.output(name, node)})


def _also(
    scope: NameScope, clocks: Mapping[str, ClockDefinition], stages: Collection[str], node: Node
) -> tuple[str, ...]:
    """The outputs of `also` that rules of all these stages can set."""
    compilers = [OutputCompiler(scope, clocks, stage) for stage in STAGES if stage in stages]
    items = scope.reader.one_or_more(node, "also")
    names = ((scope.reader.text(item, "output"), item) for item in items)
    return tuple(name for name, item in names if name is not None and all(c.may_set(item) for c in compilers))


def _is_one_of(value: Output, values: frozenset[Output] | None) -> bool:
    if values is None:
        return True
    return any(item in values for item in value) if isinstance(value, list) else value in values


def _show(value: Output) -> str:
    return (
        ", ".join(map(str, value)) if isinstance(value, list) else str(value).lower() if value is True else str(value)
    )
