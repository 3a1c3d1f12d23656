"""The vocabulary: every field that a condition may use or a rule may set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

ANY_REQUEST = "any"
"""A window that counts every request."""


class FieldType(StrEnum):
    ENUM = "enum"
    SET = "set"
    """A set of values; of a closed list when `values` is given."""
    TEXT = "text"
    """Free text in any language: for lexicons and patterns, never for equality of identity."""
    STRING = "string"
    """An opaque identity, such as a customer id."""
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Window:
    """A count over time: requests by the same `by` in the time `within` up to this request, itself included.

    Counted are those whose derived field `of` has the value `count`, or `any` of them.
    """

    count: str
    by: str
    within: timedelta
    of: str = "category"

    @property
    def counted(self) -> str:
        """Names what is counted; a category by its mere value."""
        return self.count if self.of == "category" or self.count == ANY_REQUEST else f"{self.of}={self.count}"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `values` of an enum are in order, from least to most severe."""

    name: str
    type: FieldType
    values: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of a value, folded, to the value: `电话` -> `phone`."""
    other: str = ""
    """The value that an unknown spelling becomes, with a flag; empty means that it is refused as an error fact."""
    default: str | int | bool | None = None
    derived_by: tuple[str, ...] = ()
    """The stages whose rules set the field, in the order of `STAGES`; none for given fields."""
    personal: bool = False
    window: Window | None = None
    parts: tuple[str, ...] = ()
    """A text field put together of others: `text` = subject and body."""

    def severity(self, value: str) -> int:
        """Position of an enum value, higher is more severe. Raises ValueError for a value outside the list."""
        return self.values.index(value)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    fields: Mapping[str, Field]

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self.fields
