"""Events from the body of a webhook, by the mapping of its connector."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import ActorRole, Event, Value
from answerby_connectors.kit.hook_mapping.paths import MISSING, Path, as_text
from answerby_connectors.kit.hook_mapping.values import ValueSource

MOST_EVENTS = 500
"""Most events of one body."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A place that has one of these values, written as text. Without values the place must be there."""

    path: Path
    values: tuple[str, ...] = ()

    def holds(self, part: Any, root: Any) -> bool:
        value = self.path.find(part, root)
        if not self.values:
            return value is not MISSING and value is not None
        found = value if isinstance(value, list) else ["null" if value is MISSING else value]
        return any(as_text(each) in self.values for each in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapping:
    """One kind of events of a body."""

    line: int
    """The line of the file, for messages."""
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    each: Path | None = None
    """A list: every member of it is an event, and paths begin there."""
    source: ValueSource
    id: ValueSource | None = None
    """None: the digest of the body, so a webhook that is sent again is the same event."""
    type: ValueSource
    request: ValueSource
    time: ValueSource | None = None
    """None: the moment of its arrival."""
    actor: ValueSource | None = None
    actor_id: ValueSource | None = None
    facts: Mapping[str, ValueSource]

    def parts(self, body: Any) -> list[Any]:
        """What events are made of: the members of the list, or the whole body."""
        if self.each is None:
            return [body]
        found = self.each.find(body, body)
        return found if isinstance(found, list) else []

    def applies(self, part: Any, root: Any) -> bool:
        return all(each.holds(part, root) for each in self.when) and not any(
            each.holds(part, root) for each in self.unless
        )


@dataclass(frozen=True, slots=True)
class HookMapping:
    """The mapping of a connector."""

    events: tuple[EventMapping, ...]

    def read(self, body: Any, raw: bytes, now: datetime) -> list[Event]:
        """The events of a body, in the order of the file. None when no entry applies.

        `raw`: the body as it came. Raises InvalidInput. The message names the line of the mapping and quotes no value.
        """
        digest = hashlib.sha256(raw).hexdigest()[:32]
        events: list[Event] = []
        for number, kind in enumerate(self.events):
            for place, part in enumerate(kind.parts(body)):
                if kind.applies(part, body):
                    events.append(_Making(kind, part, body).event(f"{digest}/{number}/{place}", now))
                if len(events) > MOST_EVENTS:
                    raise InvalidInput([FieldViolation("body", f"holds more than {MOST_EVENTS} events")])
        return events


class _Making:
    """The making of one event, which collects every violation."""

    def __init__(self, kind: EventMapping, part: Any, root: Any) -> None:
        self._kind = kind
        self._part = part
        self._root = root
        self._violations: list[FieldViolation] = []

    def event(self, own_id: str, now: datetime) -> Event:
        """Raises InvalidInput."""
        kind = self._kind
        event = Event(
            source=self._text("source", kind.source),
            id=self._text("id", kind.id) if kind.id is not None else own_id,
            type=self._text("type", kind.type),
            time=self._time(now),
            request_id=self._text("request", kind.request),
            actor=self._actor(),
            actor_id=self._text("actor_id", kind.actor_id, needed=False) if kind.actor_id is not None else "",
            data=dict(self._facts()),
        )
        if self._violations:
            raise InvalidInput(self._violations)
        return event

    def _wrong(self, name: str, problem: str) -> None:
        self._violations.append(FieldViolation(name, f"{problem} (mapping, line {self._kind.line})"))

    def _find(self, name: str, source: ValueSource) -> Any:
        try:
            return source.find(self._part, self._root)
        except (ValueError, OverflowError):
            self._wrong(name, "is no time of the form that the mapping gives")
            return MISSING

    def _text(self, name: str, source: ValueSource, *, needed: bool = True) -> str:
        before = len(self._violations)
        value = self._find(name, source)
        if value is MISSING or value is None:
            if needed and len(self._violations) == before:
                self._wrong(name, "is not in the body")
            return ""
        if isinstance(value, dict | list):
            self._wrong(name, "is a list or an object in the body; name a place below it")
            return ""
        return as_text(value)

    def _time(self, now: datetime) -> datetime:
        if self._kind.time is None:
            return now
        text = self._text("time", self._kind.time)
        return datetime.fromisoformat(text) if text else now

    def _actor(self) -> ActorRole:
        if self._kind.actor is None:
            return ActorRole.CUSTOMER
        name = self._text("actor", self._kind.actor)
        try:
            return ActorRole(name) if name else ActorRole.CUSTOMER
        except ValueError:
            self._wrong("actor", "must be customer, agent or system; map it by values")
            return ActorRole.CUSTOMER

    def _facts(self) -> Iterator[tuple[str, Value]]:
        for name, source in self._kind.facts.items():
            value = self._find(f"facts.{name}", source)
            if value is MISSING or value is None or value == "":
                continue
            if isinstance(value, list):
                if any(isinstance(each, dict | list) for each in value):
                    self._wrong(f"facts.{name}", "holds lists or objects; name a place below them, such as tags[].name")
                    continue
                yield name, [as_text(each) for each in value if each is not None]
            elif isinstance(value, dict):
                self._wrong(f"facts.{name}", "is an object in the body; name a place below it")
            else:
                yield name, value
