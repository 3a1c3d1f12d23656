"""Coercion: from a value on the wire to a typed fact, or a refusal with its reason. One coercer per field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from answerby.domain.decision import Flag
from answerby.engine.facts.characters import clean
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.text.folding import fold

Typed = str | int | float | bool | datetime | frozenset[str]
"""A fact in the record: enum, text and string as str, instants as UTC datetimes, durations as seconds, sets frozen."""

TEXT_LIMIT = 65_536
"""Characters of a text that conditions see."""
NAME_LIMIT = 1_024
"""Characters of an identity or an enum spelling. Longer ones are refused: a part would be another identity."""
SET_LIMIT = 1_000
"""Members of a set."""
INTEGER_LIMIT = 2**62
"""Integers must be smaller than this in magnitude. Every part of the engine computes with such integers exactly."""

UNKNOWN_VALUE = "UNKNOWN_VALUE"
TEXT_CUT = "TEXT_CUT"
TEXT_CLEANED = "TEXT_CLEANED"


class Refused(ValueError):
    """The vocabulary refuses a value of a field. The message says which values it takes."""


Coercer = Callable[[object, list[Flag]], Typed | None]
"""Returns the typed value, or None for an empty one; appends flags; raises Refused."""


def coercer(field: Field) -> Coercer:
    """The coercer of one field, within its range. An empty or blank text counts as missing."""
    typed = type_coercer(field)
    return typed if field.least is None and field.most is None else _RangeCoercer(field, typed)


def type_coercer(field: Field) -> Coercer:
    """The coercer of any value of the field's type. A condition may name a number that the field never has."""
    match field.type:
        case FieldType.ENUM:
            return _EnumCoercer(field)
        case FieldType.SET:
            return _SetCoercer(field)
        case FieldType.TEXT:
            return _TextCoercer(field.name)
        case FieldType.STRING:
            return _StringCoercer(field.name)
        case _:
            return _SIMPLE[field.type]


class _TextCoercer:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, value: object, flags: list[Flag]) -> str | None:
        if not isinstance(value, str):
            raise Refused(f"must be text, not {_kind(value)}")
        if len(value) > TEXT_LIMIT:
            message = f"{self._name}: {len(value)} characters; only the first {TEXT_LIMIT} are looked at"
            flags.append(Flag(TEXT_CUT, message))
            value = value[:TEXT_LIMIT]
        return _cleaned(self._name, value, flags)


class _StringCoercer:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, value: object, flags: list[Flag]) -> str | None:
        if not isinstance(value, str):
            raise Refused(f"must be text, not {_kind(value)}")
        if len(value) > NAME_LIMIT:
            raise Refused(f"must have at most {NAME_LIMIT} characters, not {len(value)}")
        return _cleaned(self._name, value, flags)


class _EnumCoercer:
    def __init__(self, field: Field) -> None:
        self._field = field
        self._values = spellings(field)

    def __call__(self, value: object, flags: list[Flag]) -> str | None:
        spelling = _spelling(value)
        found = self._values.get(spelling)
        if found is None:
            spelling = fold(spelling)
            if not spelling:
                return None
            found = self._values.get(spelling)
        return found if found is not None else self._unknown(spelling, flags)

    def _unknown(self, spelling: str, flags: list[Flag]) -> str:
        field = self._field
        shown = "the given value" if field.personal else repr(_shortened(spelling))
        if not field.other:
            raise Refused(f"{shown} is none of {_listed(field.values)}")
        flags.append(Flag(UNKNOWN_VALUE, f"{field.name}: {shown} is not known; taken as {field.other!r}"))
        return field.other


class _SetCoercer:
    def __init__(self, field: Field) -> None:
        self._member: Coercer = _EnumCoercer(field) if field.values else _StringCoercer(field.name)

    def __call__(self, value: object, flags: list[Flag]) -> frozenset[str] | None:
        members = [value] if isinstance(value, str) else value
        if not isinstance(members, (list, tuple, set, frozenset)):
            raise Refused(f"must be a list of texts, not {_kind(value)}")
        if len(members) > SET_LIMIT:
            raise Refused(f"must have at most {SET_LIMIT} members, not {len(members)}")
        typed = (self._member(member, flags) for member in members)
        return frozenset(str(member) for member in typed if member is not None) or None


class _RangeCoercer:
    def __init__(self, field: Field, number: Coercer) -> None:
        self._number = number
        self._least = field.least
        self._most = field.most

    def __call__(self, value: object, flags: list[Flag]) -> Typed | None:
        found = self._number(value, flags)
        if isinstance(found, (int, float)):
            if self._least is not None and found < self._least:
                raise Refused(f"must be at least {self._least}")
            if self._most is not None and found > self._most:
                raise Refused(f"must be at most {self._most}")
        return found


def spellings(field: Field) -> Mapping[str, str]:
    """Every known spelling of an enum value, as written and folded, to the value."""
    aliases = {fold(alias): value for alias, value in field.aliases.items()}
    folded = {fold(value): value for value in field.values}
    return aliases | folded | {value: value for value in field.values}


def integer(value: object, _flags: list[Flag]) -> int:
    """A whole number, or a float with exactly its value, as JSON does not tell the two apart."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"must be a whole number, not {_kind(value)}")
    if abs(value) >= INTEGER_LIMIT:
        raise Refused("must be smaller than 2^62 in magnitude")
    return value


def decimal(value: object, _flags: list[Flag]) -> int | float:
    """A finite number."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused(f"must be a finite number, not {value}")
        if abs(value) >= INTEGER_LIMIT:
            raise Refused("must be smaller than 2^62 in magnitude")
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"must be a number, not {_kind(value)}")
    return integer(value, _flags)


def boolean(value: object, _flags: list[Flag]) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"must be true or false, not {_kind(value)}")
    return value


def instant(value: object, _flags: list[Flag]) -> datetime | None:
    """A UTC datetime, from a datetime or ISO-8601 text; the offset is required."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Refused("must be an ISO-8601 instant such as 2026-01-05T09:00:00+08:00") from None
    if not isinstance(value, datetime):
        raise Refused(f"must be an ISO-8601 instant, not {_kind(value)}")
    if value.tzinfo is None:
        raise Refused("must name its offset, such as 2026-01-05T09:00:00+08:00 or ...Z")
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Refused("lies outside the years 1 to 9999 in UTC") from None


_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?"
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def duration(value: object, _flags: list[Flag]) -> int | float | None:
    """Seconds, from a timedelta or ISO-8601 text such as `PT15M`. Months and years have no fixed length."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if not isinstance(value, str):
        raise Refused(f"must be an ISO-8601 duration such as PT15M, not {_kind(value)}")
    if not value.strip():
        return None
    match = _DURATION.fullmatch(value.strip())
    parts = {name: match[name] for name in _SECONDS if match[name]} if match else {}
    if match is None or not parts:
        raise Refused("must be an ISO-8601 duration of weeks, days, hours, minutes and seconds, such as PT15M")
    total = sum((float(part) if "." in part else int(part)) * _SECONDS[name] for name, part in parts.items())
    return -total if match["sign"] else total


_SIMPLE: Mapping[FieldType, Coercer] = {
    FieldType.INTEGER: integer,
    FieldType.DECIMAL: decimal,
    FieldType.BOOLEAN: boolean,
    FieldType.INSTANT: instant,
    FieldType.DURATION: duration,
}


def _cleaned(name: str, value: str, flags: list[Flag]) -> str | None:
    cleaned = clean(value)
    if cleaned is not value:
        flags.append(Flag(TEXT_CLEANED, f"{name}: NUL characters or lone surrogates were replaced"))
    return cleaned if cleaned and not cleaned.isspace() else None


def _spelling(value: object) -> str:
    if isinstance(value, str):
        return clean(value[:NAME_LIMIT])
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < INTEGER_LIMIT:
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    raise Refused(f"must be text, not {_kind(value)}")


def _kind(value: object) -> str:
    """The type of a value in the words of JSON. The value itself may be personal and is left out."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case float() if not math.isfinite(value):
            return str(value)
        case float():
            return "a number with a fraction"
        case int():
            return "a number"
        case list() | tuple() | set() | frozenset():
            return "a list"
        case _:
            return type(value).__name__


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:12])
    return shown if len(values) <= 12 else f"{shown} and {len(values) - 12} more"
