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
_WRITE: Mapping[str, tuple[str, str]] = {
    "ends_with": ("matches", "write matches with $ at the end: {matches: '\\.org$'}"),
    "endswith": ("matches", "write matches with $ at the end: {matches: '\\.org$'}"),
    "contains": ("matches", "write matches, or mentions with a lexicon for a text: {matches: part}"),
    "includes": ("has", "write has"),
    "greater_than": ("more_than", "write more_than"),
    "after": ("more_than", "write more_than"),
    "later_than": ("more_than", "write more_than"),
    "before": ("less_than", "write less_than"),
    "earlier_than": ("less_than", "write less_than"),
    "smaller_than": ("less_than", "write less_than"),
    "not_in": ("not", "write not with a list: {not: [a, b]}"),
    "not_equals": ("not", "write not: {not: a}"),
    "exists": ("is", "write {is: present} or {is: missing}"),
    "in": ("is", "write the list itself: [a, b]"),
}
"""What to write for operators of other languages: the operator that it needs, and the hint. Their names are near to
names of another meaning: ends_with to starts_with, greater_than to less_than."""


def foreign_hint(name: str, allowed: frozenset[str]) -> str:
    """The hint for an operator of another language; empty for any other name, and where the field cannot take it."""
    needed, hint = _WRITE.get(name.casefold(), ("", ""))
    return hint if needed in allowed else ""
