"""The conditions for an event before its decision. A refusal names every violation at once and quotes no value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from answerby.domain.errors import FieldViolation
from answerby.domain.event import EARLIEST, INTERNAL_SOURCE, LATEST, Event, Value, is_within
from answerby.server.base.config import Limits

TYPE_PATTERN = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
FACT_PATTERN = re.compile(r"[^\W\d][\w\-]*(\.[\w\-]+)*")
INTERNAL_TYPES = frozenset(
    {"timer.due", "schedule.due", "rulebook.activated", "request.absorbed", "request.merge_refused"}
)
NAME_CHARACTERS = 128


def event_violations(event: Event, limits: Limits, prefix: str = "event.") -> list[FieldViolation]:
    """Every violation of an event from outside. Empty when the event may be decided."""
    return [FieldViolation(prefix + v.field, v.description) for v in _violations(event, limits)]


def identity_violations(field: str, value: str, limits: Limits) -> list[FieldViolation]:
    """The violations of an id."""
    return [FieldViolation(field, problem) for problem in _identity(value, limits)]


def time_problem(moment: datetime) -> str:
    """The reason why a moment cannot be an event's time. Empty when the moment is good."""
    if moment.tzinfo is None:
        return "has no offset; give an instant with an offset, such as 2026-01-05T09:00:00+08:00"
    return "" if EARLIEST <= moment < LATEST else "must be between the years 1970 and 2199"


def _violations(event: Event, limits: Limits) -> Iterator[FieldViolation]:
    for field, value in (("id", event.id), ("source", event.source), ("request_id", event.request_id)):
        if not _plain(value, limits):
            yield from identity_violations(field, value, limits)
    if is_within(event.source, INTERNAL_SOURCE):
        yield FieldViolation("source", "lies within answerby/, which is kept for internal events")
    if event.actor_id:
        yield from identity_violations("actor_id", event.actor_id, limits)
    if not event.type:
        yield FieldViolation("type", "must not be empty; such as request.received")
    elif len(event.type) > NAME_CHARACTERS or not TYPE_PATTERN.fullmatch(event.type):
        yield FieldViolation("type", "must be lower-case words joined by dots, such as request.received")
    elif event.type in INTERNAL_TYPES:
        yield FieldViolation("type", "is kept for internal events")
    if problem := time_problem(event.time):
        yield FieldViolation("time", problem)
    yield from _facts(event.data, limits)


def _plain(value: str, limits: Limits) -> bool:
    """Whether an id has the usual form, so that no further check is needed."""
    return 0 < len(value) <= limits.id_characters and value.isascii() and value.isprintable()


def _identity(value: str, limits: Limits) -> Iterator[str]:
    if not value:
        yield "must not be empty"
    elif len(value) > limits.id_characters:
        yield f"has {len(value)} characters; at most {limits.id_characters} are taken"
    if not _encodable(value):
        yield "holds a lone surrogate; send valid Unicode"
    elif not value.isprintable():
        yield "holds a control or invisible character; use printable characters"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _facts(facts: dict[str, Value], limits: Limits) -> Iterator[FieldViolation]:
    if len(facts) > limits.facts:
        yield FieldViolation("facts", f"has {len(facts)} facts; at most {limits.facts} are taken")
        return
    for name, value in facts.items():
        if len(name) > NAME_CHARACTERS or not _well_formed(name):
            yield FieldViolation("facts", "a fact's name must be words joined by dots, such as customer.tier")
            continue
        for problem in _value(value, limits):
            yield FieldViolation(f"facts.{name}", problem)


# Callers use few names, and use them again and again.
@lru_cache(1024)
def _well_formed(name: str) -> bool:
    return FACT_PATTERN.fullmatch(name) is not None


def _value(value: Value, limits: Limits) -> Iterator[str]:
    if isinstance(value, str):
        yield from _text(value, limits)
    elif isinstance(value, float) and not math.isfinite(value):
        yield "must be a finite number"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield "must be a 64-bit integer"
    elif isinstance(value, list):
        if len(value) > limits.list_items:
            yield f"has {len(value)} values; at most {limits.list_items} are taken"
            return
        for item in value:
            yield from _text(item, limits)


def _text(text: str, limits: Limits) -> Iterator[str]:
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        yield "holds a lone surrogate; send valid Unicode"
        return
    if size > limits.text_bytes:
        yield f"has {size} bytes; at most {limits.text_bytes} are taken"
