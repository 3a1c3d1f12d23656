"""The operators of conditions, by type of field."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.rules.model.vocabulary import FieldType

_ORDER = frozenset({"at_least", "at_most", "more_than", "less_than", "between"})


_COMMON = frozenset({"not", "is"})


_TEXT = frozenset({"starts_with", "equals", "matches"})


OPERATORS: Mapping[FieldType, frozenset[str]] = {
    FieldType.ENUM: _COMMON | _ORDER,
    FieldType.SET: _COMMON | {"has"},
    FieldType.TEXT: _COMMON | _TEXT | {"mentions"},
    FieldType.STRING: _COMMON | _TEXT,
    FieldType.INTEGER: _COMMON | _ORDER,
    FieldType.DECIMAL: _COMMON | _ORDER,
    FieldType.BOOLEAN: _COMMON,
    FieldType.INSTANT: _COMMON | _ORDER | {"inside", "outside"},
    FieldType.DURATION: _COMMON | _ORDER,
}
"""The operators that a field of each type accepts."""


ALL_OPERATORS = frozenset().union(*OPERATORS.values())
