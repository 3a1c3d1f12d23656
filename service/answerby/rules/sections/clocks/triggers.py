"""The occasions of a clock: event types, and triggers with actors and conditions."""

from __future__ import annotations

from answerby.domain.clock_definition import Occasion, Trigger
from answerby.domain.condition import ALWAYS
from answerby.domain.event import ActorRole, EventType
from answerby.domain.request import RequestStatus
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, SequenceNode

TRIGGER_KEYS = ("event", "actor", "when")
_INTERNAL = frozenset({EventType.TIMER_DUE, EventType.SCHEDULE_DUE, EventType.RULEBOOK_ACTIVATED})
_EVENT_TYPES = tuple(t.value for t in EventType if t not in _INTERNAL)


def read_occasions(
    scope: NameScope, conditions: ConditionCompiler, keys: MappingKeys, key: str
) -> tuple[Occasion, ...] | None:
    """The occasions under a key, in an order that does not depend on the file. None when the key is absent."""
    node = keys.get(key)
    if node is None:
        return None
    if _is_none(node):
        return ()
    items = (node,) if isinstance(node, MappingNode) else scope.reader.one_or_more(node, key)
    found = {occasion for item in items if (occasion := _occasion(scope, conditions, item))}
    return tuple(sorted(found, key=lambda o: (not isinstance(o, str), repr(o))))


def read_statuses(scope: NameScope, keys: MappingKeys, key: str) -> tuple[str, ...] | None:
    """The request statuses under a key. None when the key is absent."""
    node = keys.get(key)
    if node is None:
        return None
    if _is_none(node):
        return ()
    known = tuple(RequestStatus)
    items = scope.reader.one_or_more(node, key)
    found = (scope.reader.choice(item, "request status", known, Code.UNKNOWN_VALUE) for item in items)
    return tuple(sorted({str(status) for status in found if status}))


def _is_none(node: Node) -> bool:
    """Whether the node is an empty list. An empty list removes the preset of the kind."""
    return isinstance(node, SequenceNode) and not node.items


def _occasion(scope: NameScope, conditions: ConditionCompiler, node: Node) -> Occasion | None:
    return _trigger(scope, conditions, node) if isinstance(node, MappingNode) else _event_type(scope, node)


def _trigger(scope: NameScope, conditions: ConditionCompiler, node: MappingNode) -> Trigger | None:
    keys = MappingKeys(scope.reader, node, "trigger", TRIGGER_KEYS)
    event, actor, when = keys.get("event"), keys.get("actor"), keys.get("when")
    if event is None and when is None:
        scope.report.add(Code.MISSING_KEY, node, "a trigger needs `event` or `when`", "say what makes it happen")
        return None
    events = () if event is None else scope.reader.one_or_more(event, "event")
    actors = () if actor is None else scope.reader.one_or_more(actor, "actor")
    known = (scope.reader.choice(item, "actor", tuple(ActorRole), Code.UNKNOWN_VALUE) for item in actors)
    return Trigger(
        events=tuple(sorted({name for item in events if (name := _event_type(scope, item))})),
        actors=tuple(sorted({str(name) for name in known if name})),
        when=ALWAYS if when is None else conditions.when(when),
    )


def _event_type(scope: NameScope, node: Node) -> str | None:
    """An event type of the protocol. Another `request.*` type is accepted with a warning: CRMs may send their own."""
    name = scope.reader.text(node, "event type")
    if name is None or name in _EVENT_TYPES:
        return name
    hint = scope.report.suggest(name, _EVENT_TYPES)
    if name.startswith("request."):
        scope.report.add(Code.UNKNOWN_EVENT_TYPE, node, f"{name} is not a type that answerby gives a meaning", hint)
        return name
    scope.report.add(Code.WRONG_VALUE, node, f'"{name[:40]}" is not an event type', hint or "write request....")
    return None
