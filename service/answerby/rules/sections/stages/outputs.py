"""`then:` to outputs. A stage may set only its own outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerby.domain.clock import Target
from answerby.domain.clock_definition import ClockDefinition
from answerby.rules.model.rulebook import Output
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.notifications import read_notifications
from answerby.rules.sections.values.dates import read_instant
from answerby.rules.sections.values.durations import read_duration, read_seconds
from answerby.rules.sections.values.field_values import read_member
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, describe

TARGET_PREFIX = "sla."
LADDER_PREFIX = "ladder."
TARGET_KEYS = ("within", "calendar", "end_of_day")
_SPECIAL = {"notify": "escalation", "open_case": "escalation", "require": "completeness"}
"""Outputs that are no fields, each with its stage."""
_REFERENCES = {"department": NameKind.DEPARTMENT, "role": NameKind.ROLE}
"""Derived texts with these names. Their values are names that the `rulebook:` section declares."""
_TEMPLATE = "template"
"""Last part of the name of a derived text whose value is a message template, such as `decline.template`."""


class OutputCompiler:
    """Compiles the outputs of one stage."""

    def __init__(self, scope: NameScope, clocks: Mapping[str, ClockDefinition], stage: str) -> None:
        self._scope = scope
        self._report = scope.report
        self._clocks = clocks
        self._stage = stage

    def then(self, node: Node) -> Mapping[str, Output]:
        """The outputs of a `then:` mapping by name. An empty mapping is reported."""
        mapping = self._scope.reader.mapping(node, "then")
        if mapping is not None and not mapping.entries:
            self._report.add(
                Code.EMPTY_LIST, node, "the rule sets nothing", "say what it decides, such as `category: complaint`"
            )
        found: dict[str, Output] = {}
        for key, value in mapping.entries if mapping else ():
            if self.may_set(key):
                output = self.output(key.text, value)
                if output is not None:
                    found[key.text] = output
        return MappingProxyType(dict(sorted(found.items())))

    def may_set(self, node: Node) -> bool:
        """Whether this stage may set the output that a node names. Any other output is reported."""
        name = self._scope.reader.text(node, "output")
        if name is None:
            return False
        if name.startswith(TARGET_PREFIX):
            return self._belongs(node, name, "sla") and self._is_clock(node, name.removeprefix(TARGET_PREFIX))
        if name.startswith(LADDER_PREFIX):
            return self._belongs(node, name, "escalation") and self._is_clock(node, name.removeprefix(LADDER_PREFIX))
        if name in _SPECIAL:
            return self._belongs(node, name, _SPECIAL[name])
        return self._is_derived(node, name)

    def output(self, name: str, node: Node) -> Output | None:
        """The typed value of an output that `may_set` accepts. None, with a diagnostic, for a wrong value."""
        if name.startswith(TARGET_PREFIX):
            return self._target(name.removeprefix(TARGET_PREFIX), node)
        if name.startswith(LADDER_PREFIX):
            return self._scope.refer(NameKind.LADDER, node)
        match name:
            case "notify":
                return read_notifications(self._scope, node) or None
            case "open_case":
                return self._scope.reader.identifier(node, "case")
            case "require":
                return self._required(node)
        field = self._scope.fields.get(name)
        return None if field is None else self._fact(field, node)

    def _belongs(self, node: Node, name: str, stage: str) -> bool:
        if self._stage == stage:
            return True
        message = f"{name} is set in stage {stage}, not in {self._stage}"
        self._report.add(Code.OUTPUT_NOT_DERIVED, node, message, f"move the rule to a file with `stage: {stage}`")
        return False

    def _is_clock(self, node: Node, clock: str) -> bool:
        return self._scope.knows(NameKind.CLOCK, clock, node)

    def _is_derived(self, node: Node, name: str) -> bool:
        field = self._scope.fields.get(name)
        if field is None:
            if name not in self._scope.names(NameKind.FIELD) and not self._report.may_have_lost("fields"):
                self._report.add(Code.UNKNOWN_OUTPUT, node, f"nothing is called {name}", self._near_output(name))
            return False
        stages = field.derived_by
        if self._stage in stages:
            return True
        owner = f"is set in stage {' or '.join(stages)}" if field.derived_by else "is given by the event"
        message = f"{name} {owner}, not by stage {self._stage}"
        self._report.add(Code.OUTPUT_NOT_DERIVED, node, message, f"see `derived_by` of {name} in the vocabulary")
        return False

    def _near_output(self, name: str) -> str:
        names = {n for n, field in self._scope.fields.items() if self._stage in field.derived_by}
        names |= {n for n, stage in _SPECIAL.items() if stage == self._stage}
        if self._stage == "sla":
            names |= {f"{TARGET_PREFIX}{clock}" for clock in self._clocks}
        return self._report.suggest(name, names)

    def _target(self, clock: str, node: Node) -> Target | None:
        """A target such as `15m` or `{within: 5bd, calendar: c, end_of_day: true}`.

        Without `calendar` the target counts in the calendar of the clock.
        """
        calendar, within, end_of_day = "", node, False
        if isinstance(node, MappingNode):
            keys = MappingKeys(self._scope.reader, node, "target", TARGET_KEYS)
            found = keys.require("within")
            calendar_node = keys.get("calendar")
            calendar = (calendar_node and self._scope.refer(NameKind.CALENDAR, calendar_node)) or ""
            end_of_day = keys.boolean("end_of_day")
            if found is None:
                return None
            within = found
        duration = read_duration(self._report, within, f"the target of {clock}")
        definition = self._clocks.get(clock)
        if duration is None or definition is None:
            return None
        return Target(duration.amount, duration.unit, calendar or definition.calendar, end_of_day)

    def _required(self, node: Node) -> list[str]:
        found = set()
        for item in self._scope.reader.one_or_more(node, "require"):
            name = self._scope.refer(NameKind.FIELD, item)
            field = self._scope.fields.get(name or "")
            if field is not None and field.derived_by:
                message = f"{name} is derived; a customer cannot be asked for it"
                self._report.add(Code.WRONG_VALUE, item, message, "require given fields")
            elif field is not None:
                found.add(field.name)
        return sorted(found)

    def _fact(self, field: Field, node: Node) -> Output | None:
        reader = self._scope.reader
        match field.type:
            case FieldType.SET:
                members = (read_member(self._scope, field, item) for item in reader.one_or_more(node, field.name))
                return sorted({member for member in members if member is not None})
            case FieldType.ENUM:
                return read_member(self._scope, field, node)
            case FieldType.INTEGER:
                return reader.integer(node, field.name)
            case FieldType.BOOLEAN:
                return reader.boolean(node, field.name)
            case FieldType.DECIMAL:
                return self._decimal(field, node)
            case FieldType.INSTANT:
                instant = read_instant(self._report, node, field.name, self._scope.zone)
                return None if instant is None else instant.isoformat().replace("+00:00", "Z")
            case FieldType.DURATION:
                seconds = read_seconds(self._report, node, field.name)
                return None if seconds is None else f"PT{seconds}S"
            case FieldType.TEXT | FieldType.STRING:
                kind = _reference_kind(field.name)
                return self._scope.refer(kind, node) if kind else reader.nonempty_text(node, field.name)

    def _decimal(self, field: Field, node: Node) -> float | None:
        number = node.value if isinstance(node, ScalarNode) else None
        if isinstance(number, bool) or not isinstance(number, int | float):
            self._scope.reader.wrong(node, f"{field.name} must be a number, not {describe(node)}")
            return None
        return float(number)


def _reference_kind(name: str) -> NameKind | None:
    if name.rpartition(".")[2] == _TEMPLATE:
        return NameKind.TEMPLATE
    return _REFERENCES.get(name)
