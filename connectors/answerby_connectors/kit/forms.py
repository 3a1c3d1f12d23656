"""Our values in the forms that platforms take."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import Value
from answerby_connectors.kit.notes.note import INSTANT


def as_it_is(value: Value) -> object:
    return value


def as_text(value: Value) -> object:
    """Text, with a comma between the members of a list."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def as_tag(value: Value) -> object:
    """A tag: in lower case and without spaces."""
    return "_".join(str(value).lower().split())


def as_date(value: Value) -> object:
    """The day of an instant, `2026-01-05`. The day is that of the place for which the decision counted the time."""
    return datetime.fromisoformat(str(value)).date().isoformat()


def as_utc(value: Value) -> object:
    """An instant as `2026-01-05T01:15:00Z`."""
    return datetime.fromisoformat(str(value)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_sql(value: Value) -> object:
    """An instant as `2026-01-05 01:15:00`, in UTC."""
    return datetime.fromisoformat(str(value)).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def as_milliseconds(value: Value) -> object:
    """An instant as milliseconds since 1970."""
    return int(datetime.fromisoformat(str(value)).timestamp() * 1000)


def in_utc(value: object) -> object:
    """The value, with an instant as `as_utc` writes it: for fields of which only the platform knows the type."""
    return as_utc(value) if isinstance(value, str) and INSTANT.fullmatch(value) else value
