"""The vocabulary: all fields that conditions may use and rules may set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

ANY_REQUEST = "any"
"""The `count` of a window over all requests."""


class FieldType(StrEnum):
    """The type of a field."""

    ENUM = "enum"
    SET = "set"
    """A set of values. `values` of the field closes the list of members."""
    TEXT = "text"
    """Free text in any language, for lexicons and patterns."""
    STRING = "string"
    """An opaque identity, such as a customer id."""
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Window:
    """A count of requests with the same `by`, in the time `within` up to and with this request.

    Only requests whose derived field `of` has the value `count` are counted. The value `any` counts all requests.
    """

    count: str
    by: str
    within: timedelta
    of: str = "category"

    @property
    def counted(self) -> str:
        """The name of the counted value: a category by its value alone, any other field as `field=value`."""
        return self.count if self.of == "category" or self.count == ANY_REQUEST else f"{self.of}={self.count}"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. The `values` of an enum are in order, from least to most severe."""

    name: str
    type: FieldType
    values: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Folded spellings of values, each with its value: `电话` -> `phone`."""
    other: str = ""
    """The value for unknown spellings, which are then flagged. When empty, an unknown spelling is an error."""
    default: str | int | bool | None = None
    derived_by: tuple[str, ...] = ()
    """The stages whose rules set the field, in the order of `STAGES`; none for given fields."""
    personal: bool = False
    window: Window | None = None
    parts: tuple[str, ...] = ()
    """The fields that make up this text field, such as subject and body."""
    always: bool = False
    """Whether every request brings the field. A request without it is flagged."""
    least: Decimal | None = None
    most: Decimal | None = None
    """The range of a number. Other numbers are refused."""

    def has_room_for(self, number: float) -> bool:
        """Whether the number lies in the range of the field."""
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def severity(self, value: str) -> int:
        """The position of an enum value from 0; higher is more severe. Raises ValueError for an unknown value."""
        return self.values.index(value)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All fields by name."""

    fields: Mapping[str, Field]

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self.fields
