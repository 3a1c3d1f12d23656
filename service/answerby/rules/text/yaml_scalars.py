"""Plain scalars by the YAML 1.2 core schema, and traps: scalars that YAML 1.1 reads differently."""

from __future__ import annotations

import re

from answerby.rules.text.nodes import Plain

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_LOOKS_NUMERIC = re.compile(r"[-+.0-9]")

_OLD_BOOLEAN = frozenset(
    {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"},
)
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+\Z")
_UNDERSCORES = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?\Z")
_OTHER_BASE = re.compile(r"[-+]?0[box][0-9a-fA-F_]+\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")

MAX_DIGITS = 18
"""Most digits of an integer. Integers stay below 2**62, the largest that the matching engine holds exactly."""


def resolve(text: str) -> Plain:
    """The value of a plain scalar. Traps and numbers of too many digits stay text; see `trap`."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if not _LOOKS_NUMERIC.match(text) or trap(text):
        return text
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def trap(text: str) -> str:
    """The reason why YAML readers disagree about a plain scalar; empty when they agree."""
    if text in _OLD_BOOLEAN:
        return "is text here but a boolean to older YAML readers"
    if not _LOOKS_NUMERIC.match(text):
        return ""
    if _SEXAGESIMAL.match(text):
        return "is text here but a number in base 60 to older YAML readers"
    if _LEADING_ZERO.match(text):
        return "has a leading zero, which older YAML readers take as octal"
    if _UNDERSCORES.match(text):
        return "is text here but a number to older YAML readers"
    if _OTHER_BASE.match(text):
        return "is a number in another base"
    if _NOT_FINITE.match(text):
        return "is not a finite number"
    if _INTEGER.match(text) and len(text.lstrip("+-")) > MAX_DIGITS:
        return f"has more than {MAX_DIGITS} digits"
    if _FLOAT.match(text) and not _is_finite(text):
        return "is too large for a number"
    return ""


def trap_remedy(text: str) -> str:
    """The hint for a scalar that is a trap."""
    if text in _OLD_BOOLEAN:
        boolean = "true" if text.lower() in {"yes", "on"} else "false"
        return f'write "{text}" for the text, {boolean} for the boolean'
    return f'write "{text}" in quotes if text is meant, a plain decimal number otherwise'


def _is_finite(text: str) -> bool:
    return abs(float(text)) != float("inf")
