"""`clocks:` to clock definitions."""

from __future__ import annotations

from types import MappingProxyType

from service.domain.event import EventType
from service.domain.request import RequestStatus
from service.rules.codes import Code
from service.rules.model import ClockDefinition
from service.rules.nodes import MappingNode, Node, ScalarNode
from service.rules.reader import Keys
from service.rules.scope import Kind, Scope

_KEYS = ("id", "label", "because", "task", "calendar", "start", "stop", "pause_while", "ladder", "role", "description")
_INTERNAL = frozenset({EventType.TIMER_DUE, EventType.RULEBOOK_ACTIVATED})
_EVENT_TYPES = tuple(t.value for t in EventType if t not in _INTERNAL)


def compile_clocks(scope: Scope, sections: list[Node]) -> dict[str, ClockDefinition]:
    found: dict[str, ClockDefinition] = {}
    for section in sections:
        for node in scope.reader.sequence(section, "clocks"):
            mapping = scope.reader.mapping(node, "clock")
            clock = _clock(scope, mapping) if mapping else None
            if clock is not None:
                found[clock.id] = clock
    return dict(sorted(found.items()))


def _clock(scope: Scope, node: MappingNode) -> ClockDefinition | None:
    keys = Keys(scope.reader, node, "clock", _KEYS)
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "clock id")
    if id_node is None or name is None or not scope.declare(Kind.CLOCK, name, id_node):
        return None
    return ClockDefinition(
        id=name,
        label=MappingProxyType(_label(scope, keys)),
        calendar=_reference(scope, keys, "calendar", Kind.CALENDAR) or "always",
        start=_event_types(scope, keys, "start"),
        stop=_event_types(scope, keys, "stop"),
        pause_while=_statuses(scope, keys),
        ladder=_reference(scope, keys, "ladder", Kind.LADDER),
        role=_reference(scope, keys, "role", Kind.ROLE),
        because=keys.because(),
        task=_reference(scope, keys, "task", Kind.TEMPLATE),
    )


def _reference(scope: Scope, keys: Keys, key: str, kind: Kind) -> str:
    node = keys.get(key)
    return "" if node is None else scope.refer(kind, node) or ""


def _label(scope: Scope, keys: Keys) -> dict[str, str]:
    """Texts by language; a bare text is for every language."""
    node = keys.get("label")
    if isinstance(node, ScalarNode):
        return {"": scope.reader.filled(node, "label") or ""}
    return {key.text: scope.reader.filled(value, "label") or "" for key, value in keys.items("label")}


def _event_types(scope: Scope, keys: Keys, key: str) -> tuple[str, ...]:
    node = keys.get(key)
    items = () if node is None else scope.reader.one_or_more(node, key)
    found = (_event_type(scope, item) for item in items)
    return tuple(sorted({name for name in found if name}))


def _event_type(scope: Scope, node: Node) -> str | None:
    """A type of the contract; another `request.*` type is taken with a warning, as CRMs may send their own."""
    name = scope.reader.text(node, "event type")
    if name is None or name in _EVENT_TYPES:
        return name
    hint = scope.report.suggest(name, _EVENT_TYPES)
    if name.startswith("request."):
        scope.report.add(Code.UNKNOWN_EVENT_TYPE, node, f"{name} is not a type that answerby gives a meaning", hint)
        return name
    scope.report.add(Code.WRONG_VALUE, node, f'"{name[:40]}" is not an event type', hint or "write request....")
    return None


def _statuses(scope: Scope, keys: Keys) -> tuple[str, ...]:
    node = keys.get("pause_while")
    items = () if node is None else scope.reader.one_or_more(node, "pause_while")
    known = tuple(RequestStatus)
    found = (scope.reader.choice(item, "request status", known, Code.UNKNOWN_VALUE) for item in items)
    return tuple(sorted({str(status) for status in found if status}))
