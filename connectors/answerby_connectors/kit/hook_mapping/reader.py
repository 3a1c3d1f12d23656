"""Reads the mapping file of a connector, and finds every mistake with its line and a remedy."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import yaml

from answerby_connectors.kit.hook_mapping.mapping import Condition, EventMapping, HookMapping
from answerby_connectors.kit.hook_mapping.paths import MISSING, Path, as_text, parse_path
from answerby_connectors.kit.hook_mapping.places import LIST, MAP, MappingProblem, Node, Problems, compose, scalar
from answerby_connectors.kit.hook_mapping.values import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    ISO,
    TimeForm,
    ValueSource,
    parse_template,
)

ROOT_KEY = "webhook"
EVENT_KEYS = ("when", "unless", "each", "source", "id", "type", "request", "time", "actor", "actor_id", "facts")
VALUE_KEYS = ("path", "values", "otherwise", "default", "format", "zone")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_FACT = re.compile(r"[^\W\d][\w\-]*(\.[\w\-]+)*")
_ACTORS = ("customer", "agent", "system")


@dataclass(frozen=True, slots=True)
class FactName:
    """A fact that a mapping sets, and its place in the file."""

    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ReadResult:
    """`mapping` is None where there are mistakes."""

    mapping: HookMapping | None
    problems: tuple[MappingProblem, ...]
    facts: tuple[FactName, ...] = ()


def read_mapping(text: str) -> ReadResult:
    """The mapping of a file. Mistakes are in the result; no exception is raised."""
    problems = Problems()
    root = compose(text, problems)
    if root is None:
        return ReadResult(None, tuple(problems.found))
    found = problems.keys(root, (ROOT_KEY,), "the file")
    if ROOT_KEY not in found:
        if not problems.found:
            problems.add(root, "the file maps no webhook", "begin with `webhook:`")
        return ReadResult(None, tuple(sorted(problems.found)))
    reader = _Reader(problems)
    mapping = reader.mapping(found[ROOT_KEY])
    mistakes = tuple(sorted(set(problems.found)))
    return ReadResult(None if mistakes else mapping, mistakes, tuple(reader.facts))


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._zone: tzinfo = UTC
        self._source: ValueSource | None = None
        self.facts: list[FactName] = []

    def mapping(self, node: Node) -> HookMapping:
        keys = self._problems.keys(node, ("source", "zone", "events"), "webhook")
        if "zone" in keys:
            self._zone = self._read_zone(keys["zone"])
        if "source" in keys:
            self._source = self._value(keys["source"])
        if "events" not in keys:
            self._problems.add(node, "webhook has no events", "add `events:` with a list")
            return HookMapping(())
        members = self._problems.members(keys["events"], "events")
        if not members and isinstance(keys["events"], LIST):
            self._problems.add(keys["events"], "events is empty", "add an event with type, request and facts")
        return HookMapping(tuple(event for each in members if (event := self._event(each)) is not None))

    def _event(self, node: Node) -> EventMapping | None:
        keys = self._problems.keys(node, EVENT_KEYS, "an event")
        if not isinstance(node, MAP):
            return None
        for name in ("type", "request"):
            if name not in keys:
                self._problems.add(node, f"the event has no {name}", _NEEDED[name])
        if "source" not in keys and self._source is None:
            self._problems.add(node, "the event has no source", "add `source: crm/acme` here or above `events:`")
        nothing = ValueSource(constant="")
        return EventMapping(
            line=node.start_mark.line + 1,
            when=self._conditions(keys.get("when")),
            unless=self._conditions(keys.get("unless")),
            each=self._path(keys["each"]) if "each" in keys else None,
            source=self._value(keys["source"]) if "source" in keys else self._source or nothing,
            id=self._value(keys["id"]) if "id" in keys else None,
            type=self._checked(keys["type"], _TYPE, "lower-case words joined by dots, such as request.received")
            if "type" in keys
            else nothing,
            request=self._value(keys["request"]) if "request" in keys else nothing,
            time=self._value(keys["time"], TimeForm(zone=self._zone)) if "time" in keys else None,
            actor=self._checked(keys["actor"], re.compile("|".join(_ACTORS)), "customer, agent or system")
            if "actor" in keys
            else None,
            actor_id=self._value(keys["actor_id"]) if "actor_id" in keys else None,
            facts=self._facts(keys.get("facts")),
        )

    def _facts(self, node: Node | None) -> dict[str, ValueSource]:
        facts: dict[str, ValueSource] = {}
        for key, value in self._problems.pairs(node, "facts") if node is not None else ():
            name = str(key.value)
            if not _FACT.fullmatch(name):
                self._problems.add(key, f"{name!r} is no name of a fact", "words joined by dots, such as text.body")
                continue
            self.facts.append(FactName(name, key.start_mark.line + 1, key.start_mark.column + 1))
            facts[name] = self._value(value)
        return facts

    def _checked(self, node: Node, form: re.Pattern[str], words: str) -> ValueSource:
        """A value whose constants must have a form."""
        source = self._value(node)
        template = source.template
        constants = [*source.table.values(), source.otherwise, source.default, source.constant]
        if template is not None and all(isinstance(part, str) for part in template.parts):
            constants.append("".join(str(part) for part in template.parts))
        for constant in constants:
            if constant is not MISSING and not form.fullmatch(as_text(constant)):
                self._problems.add(node, f"{as_text(constant)!r} is not possible here", f"write {words}")
        return source

    def _conditions(self, node: Node | None) -> tuple[Condition, ...]:
        found = []
        for key, value in self._problems.pairs(node, "when and unless") if node is not None else ():
            path = self._path(key)
            if path is None:
                continue
            if isinstance(value, LIST):
                found.append(Condition(path, tuple(as_text(scalar(each)) for each in value.value)))
            elif isinstance(value, MAP):
                self._problems.add(value, "a condition is a value or a list of values", "write `status: [open, new]`")
            elif scalar(value) == "*":
                found.append(Condition(path))
            else:
                found.append(Condition(path, (as_text(scalar(value)),)))
        return tuple(found)

    def _value(self, node: Node, time: TimeForm | None = None) -> ValueSource:
        """`time`: the form of a time, where the node may give another one."""
        if isinstance(node, MAP):
            return self._detailed(node, time)
        if isinstance(node, LIST):
            return ValueSource(constant=[as_text(scalar(each)) for each in node.value])
        value = scalar(node)
        if not isinstance(value, str):
            return ValueSource(constant=value)
        try:
            return ValueSource(template=parse_template(value), time=time)
        except ValueError as error:
            self._problems.add(node, str(error))
            return ValueSource()

    def _detailed(self, node: Node, time: TimeForm | None) -> ValueSource:
        if isinstance(node, MAP) and len(node.value) == 1 and node.flow_style:
            key, value = node.value[0]
            if isinstance(key, yaml.ScalarNode) and value.value == "":
                self._problems.add(node, "this is read as a mapping", f'put it in quotes: "{{{key.value}}}"')
                return ValueSource()
        keys = self._problems.keys(node, VALUE_KEYS, "a value")
        if "path" not in keys:
            self._problems.add(
                node, "the value has no path", "add `path:`, or write a text such as {ticket.id} in quotes"
            )
            return ValueSource()
        path = self._path(keys["path"])
        if "format" in keys or "zone" in keys:
            time = self._time_form(keys)
        return ValueSource(
            template=None if path is None else parse_template("{" + str(scalar(keys["path"])).strip() + "}"),
            table=self._table(keys["values"]) if "values" in keys else {},
            otherwise=self._constant(keys.get("otherwise")),
            default=self._constant(keys.get("default")),
            time=time,
        )

    def _table(self, node: Node) -> dict[str, Any]:
        return {as_text(scalar(key)): self._constant(value) for key, value in self._problems.pairs(node, "values")}

    def _constant(self, node: Node | None) -> Any:
        if node is None:
            return MISSING
        if isinstance(node, LIST | MAP):
            self._problems.add(node, "must be a single value", "write a text, a number, true, false or null")
            return MISSING
        return scalar(node)

    def _time_form(self, keys: dict[str, Node]) -> TimeForm:
        zone = self._read_zone(keys["zone"]) if "zone" in keys else self._zone
        form = str(scalar(keys["format"])) if "format" in keys else ISO
        if form not in (ISO, EPOCH_SECONDS, EPOCH_MILLISECONDS):
            try:
                written = datetime(2026, 1, 5, 9, 0, tzinfo=UTC).strftime(form)
                datetime.strptime(written, form)  # noqa: DTZ007 - only whether the form can be read
                works = "%" in form
            except (ValueError, re.error):
                works = False
            if not works:
                hint = "write iso, epoch, epoch_ms, or a form such as %d/%m/%Y %H:%M"
                self._problems.add(keys["format"], f"{form!r} is no form of a time", hint)
        return TimeForm(form, zone)

    def _read_zone(self, node: Node) -> tzinfo:
        name = str(scalar(node))
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            self._problems.add(node, f"there is no time zone {name!r}", "write a name such as Asia/Shanghai")
            return UTC

    def _path(self, node: Node) -> Path | None:
        try:
            return parse_path(str(node.value) if isinstance(node, yaml.ScalarNode) else "")
        except ValueError as error:
            self._problems.add(node, str(error))
            return None


_NEEDED = {
    "type": "add `type: request.received`, or another type of events.md",
    "request": 'add `request: "{ticket.id}"`, with the place of the id of the ticket',
}
