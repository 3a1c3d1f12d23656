"""Values of the mapping, applied to a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from answerby.cli.replay.mapping import Keep, ValueSpec, ValueType
from answerby.domain.event import Value

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
LONGEST_SHOWN = 40

Cells = Mapping[str, object]
Evaluate = Callable[[Cells], Value]


class RowRefused(ValueError):
    """A row gives no event. The message names the column and the mistake."""

    request_id: str = ""
    """The request of the row; empty when the row does not say."""


class Cleaner:
    """A cell without null markers and surrounding space."""

    def __init__(self, nulls: tuple[str, ...]) -> None:
        self._nulls = frozenset(nulls) | {""}

    def cell(self, cells: Cells, column: str) -> object:
        """The cell, or None for null. Raises RowRefused if a CSV row has no such column."""
        value = cells[column] if column in cells else reach(cells, column)
        if isinstance(value, str):
            value = value.strip()
            return None if value in self._nulls else value
        return value

    def text(self, cells: Cells, column: str) -> str | None:
        value = self.cell(cells, column)
        return None if value is None else show(value)


def reach(cells: Cells, path: str) -> object:
    """`a.b` within nested objects. None if there is nothing."""
    value: object = cells
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def show(value: object) -> str:
    """A JSON value as the text for templates and tables of values."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


class ValueMaker:
    """Reads the values of one mapping. `zone` and `formats` are its defaults."""

    def __init__(self, cleaner: Cleaner, zone: str | None, formats: tuple[str, ...]) -> None:
        self._cleaner = cleaner
        self._zone = zone
        self._formats = formats

    def value(self, spec: ValueSpec, cells: Cells) -> Value:
        """The value for this row, None for null. Raises RowRefused."""
        raw = self._origin(spec, cells)
        if raw is not None and spec.extract is not None:
            raw = extracted(spec.extract, show(raw))
        if raw is None:
            return spec.default
        if spec.values is not None:
            return self._look_up(spec, raw)
        try:
            return self._typed(spec, raw)
        except ValueError as error:
            raise RowRefused(f"{name(spec)}: {error}") from error

    def instant(self, spec: ValueSpec, cells: Cells) -> datetime | None:
        """The value as a moment in UTC, None for null. Raises RowRefused."""
        raw = self._origin(spec, cells)
        if raw is None:
            return None
        try:
            return self._instant(spec, raw)
        except ValueError as error:
            raise RowRefused(f"{name(spec)}: {error}") from error

    def _origin(self, spec: ValueSpec, cells: Cells) -> object:
        if spec.template:
            return self._fill(spec.template, cells)
        if not spec.column:
            return list(spec.value) if isinstance(spec.value, tuple) else spec.value
        return next((v for c in spec.column if (v := self._cleaner.cell(cells, c)) is not None), None)

    def _fill(self, template: str, cells: Cells) -> str | None:
        parts = {column: self._cleaner.text(cells, column) for column in PLACEHOLDER.findall(template)}
        if any(part is None for part in parts.values()):
            return None
        return PLACEHOLDER.sub(lambda found: parts[found[1]] or "", template)

    def _look_up(self, spec: ValueSpec, raw: object) -> Value:
        assert spec.values is not None
        found = spec.values.get(show(raw))
        if found is not None:
            return found
        if isinstance(spec.otherwise, Keep):
            return show(raw)
        if spec.otherwise is None:
            raise RowRefused(f"{name(spec)}: {shorten(raw)} is not in the table of values; add it, or say otherwise")
        return spec.otherwise

    def _typed(self, spec: ValueSpec, raw: object) -> Value:
        match spec.type:
            case None:
                return plain(raw)
            case ValueType.STRING:
                return show(raw)
            case ValueType.INTEGER:
                return whole(raw)
            case ValueType.DECIMAL:
                return float(show(raw))
            case ValueType.BOOLEAN:
                return truth(raw)
            case ValueType.INSTANT:
                return self._instant(spec, raw).isoformat()
            case ValueType.SET:
                members = raw if isinstance(raw, list) else show(raw).split(spec.split)
                return [text for member in members if (text := show(member).strip())]

    def _instant(self, spec: ValueSpec, raw: object) -> datetime:
        zone = spec.timezone or self._zone
        moment = parse_time(show(raw), spec.time_formats or self._formats)
        if moment.tzinfo is None:
            if zone is None:
                raise ValueError(f"{shorten(raw)} names no offset; name a timezone in the mapping")
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        try:
            moment = moment.astimezone(UTC)
            if spec.shifted and zone is not None:
                moment = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"{shorten(raw)} lies outside the years 1 to 9999") from error
        return moment


def parse_time(text: str, formats: tuple[str, ...]) -> datetime:
    """Read by the first format that fits, or as ISO 8601 if there are no formats. Raises ValueError."""
    if not formats:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{shorten(text)} is no ISO-8601 time; name its time_formats in the mapping") from None
    for form in formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  # the zone is the mapping's
        except ValueError:
            continue
    raise ValueError(f"{shorten(text)} fits none of the time formats {', '.join(formats)}")


def extracted(pattern: re.Pattern[str], text: str) -> str | None:
    """The first group of the match, or the whole match without groups. None if nothing matches."""
    found = pattern.search(text)
    return None if found is None else found[1 if pattern.groups else 0]


def whole(raw: object) -> int:
    try:
        return int(show(raw))
    except ValueError:
        raise ValueError(f"{shorten(raw)} is no whole number") from None


def truth(raw: object) -> bool:
    match show(raw).lower():
        case "true" | "1" | "yes" | "y" | "t":
            return True
        case "false" | "0" | "no" | "n" | "f":
            return False
        case _:
            raise ValueError(f"{shorten(raw)} is neither true nor false")


def plain(raw: object) -> Value:
    """A JSON value as a fact: lists as lists of texts. Raises ValueError for an object."""
    if isinstance(raw, list):
        return [show(member) for member in raw]
    if isinstance(raw, str | bool | int | float):
        return raw
    raise ValueError("is an object; name a column within it, such as a.b")


def name(spec: ValueSpec) -> str:
    """The name of the value in messages."""
    return ", ".join(spec.column) or spec.template or "value"


def shorten(raw: object) -> str:
    """A cell in quotes, shortened, as messages show it."""
    text = show(raw)
    return quoted(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")


def quoted(text: str) -> str:
    """The text in double quotes; characters that do not print are written as JSON writes them."""
    return "".join(c if c.isprintable() or c == " " else json.dumps(c)[1:-1] for c in f'"{text}"')
